"""The built file on disk."""

from pathlib import Path

import pytest

from schema_assemble.output import change_summary, difference, read_output


@pytest.mark.parametrize("data", [b"a\r\nb", b"a\rb", b"\xff", b""])
def test_another_file_is_never_taken_for_the_same(tmp_path: Path, data: bytes) -> None:
    """Line ends and broken bytes count: a file that was edited by hand is stale."""
    path = tmp_path / "x.sql"
    path.write_bytes(data)

    assert read_output(path) != "a\nb"
    assert read_output(tmp_path / "missing.sql") is None


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        (None, "a\nb\n", "new, 2 lines"),
        ("a\n", "a\n", "+0 -0 lines"),
        ("a\nb\n", "a\nc\nd\n", "+2 -1 lines"),
        ("++ a\n-- b\n", "", "+0 -2 lines"),
        ("", "-- a\n++ b\n", "+2 -0 lines"),
    ],
)
def test_a_change_is_told_in_a_few_words(old: str | None, new: str, summary: str) -> None:
    """A build says how much it changed, for lines that look like a diff's too."""
    assert change_summary(old, new) == summary


def test_a_change_of_every_line_is_told_at_once() -> None:
    """Thousands of changed lines do not keep anybody waiting."""
    old = "".join(f"line {number} of the text\n" for number in range(5000))

    assert change_summary(old, old.replace("text", "book")) == "+5000 -5000 lines"


def test_a_difference_is_a_unified_diff() -> None:
    """A stale file is shown as what would have to change in it."""
    assert difference("out/x.sql", "a\nb", "a\nc\n") == (
        "--- out/x.sql (on disk)\n+++ out/x.sql (built)\n@@ -1,2 +1,2 @@\n a\n"
        "-b\n\\ no newline at the end\n+c\n"
    )
    assert difference("x", "a\n", "a\n") == ""
