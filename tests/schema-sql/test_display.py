"""What is shown of a file on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_sql.display import WIDTH, excerpt, listed, one_line, printable
from schema_sql.source import Finding, Source, SourceError
from schema_sql.statements import parse


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("SELECT x", 8, ("    SELECT x", "           ^")),
        ("\tx", 2, ("        x", "        ^")),
        ("SELECT x", 9, ("    SELECT x", "            ^")),
        ("", 1, ("    ", "    ^")),
        ("漢字 x", 4, ("    漢字 x", "         ^")),
        ("e\u0301 x", 4, ("    e\u0301 x", "      ^")),
        ("\x1b[31m x", 7, ("    \\x1b[31m x", "             ^")),
        ("\u202ex", 2, ("    \\u202ex", "          ^")),
    ],
)
def test_the_caret_stands_below_its_character(
    line: str, column: int, shown: tuple[str, str]
) -> None:
    """Tabs, wide and combining characters and escapes take the columns that a terminal gives."""
    assert tuple(excerpt(line, column).split("\n")) == shown


@pytest.mark.parametrize(
    ("column", "begins", "ends"),
    [(1, "    x", "…"), (150_000, "    …", "…"), (250_000, "    …", "!")],
)
def test_a_long_line_is_cut_around_the_column(column: int, begins: str, ends: str) -> None:
    """One error in a line of 250 kB prints no more than a terminal's width."""
    line, caret = excerpt("x" * (column - 1) + "!" + "x" * (250_000 - column), column).split("\n")

    assert len(line) <= WIDTH
    assert line[len(caret) - 1] == "!"
    assert line.startswith("    !" if column == 1 else begins)
    assert line.endswith(ends)


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=300), st.data())
def test_an_excerpt_is_two_lines_of_printable_text(line: str, data: st.DataObject) -> None:
    """Whatever stands in a file, a terminal shows it as text."""
    column = data.draw(st.integers(1, len(line) + 1))
    shown, caret = excerpt(line, column).split("\n")

    assert shown.isprintable()
    assert len(caret) <= WIDTH + 1
    assert caret.strip() == "^"


def test_a_long_line_costs_no_more_than_its_window() -> None:
    """A line of 10 MB is not taken apart character by character."""
    source = Source("a.sql", f"SELECT '{'é' * 5_000_000}' FROM FROM")

    with pytest.raises(SourceError) as caught:
        parse(source)
    assert max(map(len, str(caught.value).split("\n"))) <= WIDTH


def test_a_long_name_in_a_message_is_cut() -> None:
    """PostgreSQL's parser repeats the token that it stops at, however long."""
    with pytest.raises(SourceError) as caught:
        parse(Source("a.sql", f"SELECT FROM FROM '{'x' * 250_000}'"))
    with pytest.raises(SourceError) as repeated:
        parse(Source("a.sql", f"CREATE TABLE t (a int) '{'x' * 250_000}'"))

    assert len(str(caught.value)) < 1_000
    assert len(str(repeated.value)) < 1_000


def test_a_finding_has_no_control_characters() -> None:
    """A name or a path cannot clear the screen or hide what follows it."""
    finding = Finding("a\x1b[2J.sql", 1, 1, "r", "name \x07\u2028x", "drop \x1b\nand \r")

    lines = str(finding).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_what_is_printable_stays_as_it_is() -> None:
    """Umlauts and other scripts are text."""
    assert printable("über 漢字 ✓") == "über 漢字 ✓"
    assert one_line("über") == "über"


def test_a_list_of_many_names_says_how_many_there_are() -> None:
    """A message stays readable."""
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(30)]).endswith("18, 19 and 10 more")
