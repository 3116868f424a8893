"""Text of unknown origin, on a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_database import ApplyError, DatabaseError, Finding
from schema_sql.display import printable


@given(st.text())
def test_nothing_printable_acts_on_a_terminal(text: str) -> None:
    """Neither controls nor line separators nor what turns the direction of writing is left."""
    shown = printable(text)

    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1
    # Once is enough, and what needs no escape has none.
    assert printable(shown) == shown


@pytest.mark.parametrize("text", ["größe", "表", "a\\n", "plain text", ""])
def test_letters_stay(text: str) -> None:
    """A name in any language is shown as its owner writes it."""
    assert printable(text) == text


@given(st.text(), st.text())
def test_two_objects_have_two_ids(one: str, other: str) -> None:
    """What is accepted of one object is not accepted of another that looks the same."""
    ids = {Finding("drift", name, "", "").id for name in (one, other)}

    assert len(ids) == len({one, other})


def test_what_a_server_says_acts_on_no_terminal() -> None:
    """Errors quote its messages, and those quote names."""
    evil = "\x1b]0;x\x07\u202e"
    errors = [
        DatabaseError(evil, evil),
        ApplyError(
            "f.sql",
            sqlstate="P0001",
            message=evil,
            detail=f"one\n{evil}",
            hint=evil,
            context=evil,
            statement=1,
            line=1,
            column=1,
        ),
    ]
    for error in errors:
        assert all(line.isprintable() for line in str(error).split("\n"))
        assert r"\x1b]0;x\x07\u202e" in str(error)
