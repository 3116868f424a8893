"""The built file on disk."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from schema_assemble.output import change_summary, difference, read_output, write_output


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    """The first build makes the folder; line ends are line feeds on every system."""
    path = tmp_path / "a/b/1_x.sql"

    write_output(path, "é\nb\n")

    assert path.read_bytes() == "é\nb\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["1_x.sql"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A build does not make a file private, nor a private file public."""
    fresh, private = tmp_path / "fresh.sql", tmp_path / "private.sql"
    private.touch(mode=0o600)

    write_output(fresh, "a")
    write_output(private, "a")

    if os.name == "posix":
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o644
        assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["chmod", "replace"])
@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    """Whoever looks sees the old text whole, and no temporary file beside it."""
    path = tmp_path / "x.sql"
    path.write_text("old", encoding="utf-8")

    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(type(failure)):
        write_output(path, "new")

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


def test_text_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    """A failure while the text is written is no exception to that."""
    path = tmp_path / "x.sql"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        write_output(path, "new \udcff")

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


def test_a_folder_in_the_way_is_not_replaced(tmp_path: Path) -> None:
    """Where a folder has the name of the output, nothing is lost and nothing is left."""
    (tmp_path / "x.sql").mkdir()

    with pytest.raises(OSError, match=r"x\.sql"):
        write_output(tmp_path / "x.sql", "new")

    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


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
