"""Files and places in them."""

import os
from pathlib import Path

import pytest

from schema_sql.display import printable
from schema_sql.source import Finding, Position, Source, SourceError, read_source

HIDDEN = [
    "\x00",
    "\x07",
    "\x1b[2J",
    "\r",
    "\x7f",
    "\x85",
    "\x9b2J",
    "\u2028",
    "\u2029",
    "\u202e",
    "\ufeff",
]
"""Characters that a terminal obeys, or shows as nothing or as the end of a line."""


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, Position(1, 1)),
        ("ab\ncd", 3, Position(2, 1)),
        ("ab\n", 3, Position(2, 1)),
        ("é€😀x", 9, Position(1, 4)),
        ("\tx", 1, Position(1, 2)),
        ("ab", 99, Position(1, 3)),
        ("ab", -5, Position(1, 1)),
    ],
)
def test_columns_count_characters_and_not_bytes(text: str, offset: int, expected: Position) -> None:
    """An editor that jumps to line:column lands on the offending character."""
    assert Source("x.sql", text).position(offset) == expected


def test_a_caret_stands_below_its_character() -> None:
    """The caret points at the place also behind a tab and accents."""
    source = Source("x.sql", "ok\n\té x")

    assert source.excerpt(source.position(7)) == "        é x\n          ^"


def test_a_finding_prints_as_editors_link_it() -> None:
    """A finding reads path:line:column, rule, fact, and its remedy below it."""
    finding = Finding("a/b.sql", 3, 5, "some-rule", "a fact", "do this\nand that")

    assert str(finding) == ("a/b.sql:3:5: some-rule: a fact\n  help: do this\n        and that")


def test_an_error_shows_the_line_between_fact_and_remedy() -> None:
    """The offending line stands where the reader looks for it."""
    error = SourceError(Finding("a.sql", 1, 1, "r", "fact", "remedy"), "    SELECT\n    ^")

    assert str(error) == "a.sql:1:1: r: fact\n    SELECT\n    ^\n  help: remedy"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"\xef\xbb\xbfa", "a"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "a"),
        (b"\xef\xbb\xbf\r\na", "\na"),
        (b"", ""),
        ("é".encode(), "é"),
    ],
)
def test_line_ends_and_byte_order_marks_do_not_matter(
    tmp_path: Path, data: bytes, text: str
) -> None:
    """A checkout on Windows builds the same bytes."""
    path = tmp_path / "x.sql"
    path.write_bytes(data)

    assert read_source(path, "x.sql").text == text


@pytest.mark.parametrize(
    ("data", "place", "fact"),
    [
        (b"ok\na\0b", "x.sql:2:2", "holds a NUL byte\n  help: remove the NUL bytes; "),
        (
            b"ok\n\xc3\xa9\xff",
            "x.sql:2:2",
            "holds a byte that is not UTF-8, 0xFF\n  help: save it as",
        ),
        ("-- über".encode("latin-1"), "x.sql:1:4", "holds a byte that is not UTF-8, 0xFC"),
        (b"\xed\xa0\x80", "x.sql:1:1", "holds a byte that is not UTF-8, 0xED"),
        ("x".encode("utf-16-le"), "x.sql:1:2", "holds a NUL byte"),
        (b"\xff\xfe" + "x".encode("utf-16-le"), "x.sql:1:1", "is UTF-16\n  help: save it as UTF-8"),
        (b"\xfe\xff" + "x".encode("utf-16-be"), "x.sql:1:1", "is UTF-16\n  help: save it as UTF-8"),
        (b"\xff\xfe\0\0" + "x".encode("utf-32-le"), "x.sql:1:1", "is UTF-32\n  help: save it"),
        (b"\0\0\xfe\xff" + "x".encode("utf-32-be"), "x.sql:1:1", "is UTF-32\n  help: save it"),
        (
            b"\xef\xbb\xbf-- a\r\n-- b\rGRANT",
            "x.sql:2:5",
            "holds a carriage return without a line feed\n  help: end each line with LF or CR LF",
        ),
        (b"a\r\r\nb", "x.sql:1:2", "holds a carriage return without a line feed"),
    ],
)
def test_a_file_that_is_no_text_is_told_with_its_place(
    tmp_path: Path, data: bytes, place: str, fact: str
) -> None:
    """A file in another encoding is one clear error, not a traceback."""
    path = tmp_path / "x.sql"
    path.write_bytes(data)

    with pytest.raises(SourceError) as caught:
        read_source(path, "x.sql")

    assert str(caught.value).startswith(f"{place}: unreadable-file: the file {fact}")


@pytest.mark.parametrize("hidden", HIDDEN)
def test_no_message_prints_a_control_character(hidden: str) -> None:
    """What a file or a name holds cannot rewrite the terminal, nor hide in what is reported."""
    source = Source("x.sql", f"a {hidden}\tbc")
    at = source.position(len(source.text.encode()) - 1)
    error = SourceError(
        Finding(f"{hidden}.sql", 1, 1, "rule", f"fact {hidden}", f"one {hidden}\ntwo"),
        source.excerpt(at),
    )

    head, line, caret, *remedy = str(error).split("\n")

    shown = repr(hidden)[1:-1]
    assert head == f"{shown}.sql:1:1: rule: fact {shown}"
    assert line == f"    a {shown}    bc"
    assert line.index("c") == caret.index("^")
    assert remedy == [f"  help: one {shown}", "        two"]


def test_what_prints_stays_as_it_is() -> None:
    """Letters of every script are shown as they are, and the bytes of a name that is not UTF-8."""
    assert printable("über 漢字 😀 'x' \\") == "über 漢字 😀 'x' \\"
    assert printable("a\udcff.sql") == "a\\udcff.sql"
    assert printable("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"


def test_a_folder_or_nothing_is_no_file(tmp_path: Path) -> None:
    """A missing file, a folder and a link into the void are told as what they are."""
    (tmp_path / "folder.sql").mkdir()
    broken = tmp_path / "broken.sql"
    broken.symlink_to(tmp_path / "nowhere")
    loop = tmp_path / "loop.sql"
    loop.symlink_to(loop)
    for name in ("folder.sql", "missing.sql", "broken.sql", "loop.sql"):
        with pytest.raises(SourceError, match="cannot read: "):
            read_source(tmp_path / name, name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    """A file that may not be read is one clear error."""
    path = tmp_path / "x.sql"
    path.touch(mode=0)

    with pytest.raises(SourceError, match="cannot read: Permission denied"):
        read_source(path, "x.sql")
