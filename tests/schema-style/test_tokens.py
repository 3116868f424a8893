"""PostgreSQL's tokens survive whatever the style gate does to a text."""

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema_style import workers
from schema_style.job import Job
from schema_style.standin import StandIn
from schema_style.tokens import ScanError, same_tokens, tokens

REPOSITORY = Path(__file__).parents[2]

OPERATOR_CHARACTERS = "+-*/<>=~!@#%^&|`?"
UNUSUAL_SPACE = "\u2028\u2029\u0085\v\f\x1c\x1d\x1e\u00a0\ufeff"

OPERATORS = st.text(OPERATOR_CHARACTERS, min_size=1, max_size=6).filter(
    lambda text: "--" not in text and "/*" not in text and "*/" not in text
)
WORDS = st.one_of(
    st.text(string.ascii_letters + "éÜßİ_ж\u00a0\u2028", min_size=1, max_size=4),
    st.sampled_from(
        ["SELECT", "from", "Where", "null", "UESCAPE", "e", "n", "U", "Operator", "b$c"]
    ),
)
INNER = st.text("ax '\"\\\n-*/;$é" + UNUSUAL_SPACE, max_size=6)
STRINGS = st.one_of(
    st.builds(
        lambda prefix, inner: prefix + "'" + inner.replace("'", "''") + "'",
        st.sampled_from(["", "E", "e", "N", "n", "U&", "u&"]),
        INNER,
    ),
    st.sampled_from(
        ["B'01'", "x'1F'", "'a'\n'b'", "'a' -- c\n'b'", "E'\\''", "U&'d!61' UESCAPE '!'"]
    ),
    st.builds(
        lambda tag, inner: f"${tag}${inner}${tag}$",
        st.sampled_from(["", "a", "Tag_1", "é"]),
        INNER.filter(lambda text: "$" not in text),
    ),
    st.builds(lambda inner: '"a' + inner.replace('"', '""') + '"', INNER),
    st.sampled_from(["U&\"d!61\" UESCAPE '!'", 'u&"a"']),
)
COMMENTS = st.one_of(
    INNER.map(lambda text: "--" + text.replace("\n", " ").replace("\r", " ") + "\n"),
    st.sampled_from(["/* a */", "/* a /* b */ c\n */", "-- noqa\n", "--\u2028-- noqa\n", "/**/"]),
)
NUMBERS = st.sampled_from(["1", "1_000", "0x1F", "0b1", "1.", ".5", "1.5e-3", "1..10", "$1", "$23"])
SYMBOLS = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        ".",
        ":",
        "::",
        ":=",
        "=>",
        "..",
        "OPERATOR(pg_catalog.<=)",
        "OPERATOR(a.+\n)",
        "CREATE OPERATOR a.\n=== ",
    ]
)
SPACE = st.sampled_from(["", "", " ", "  ", "\n", "\n\n  ", "\t"])
TEXTS = st.lists(
    st.tuples(st.one_of(OPERATORS, WORDS, STRINGS, COMMENTS, NUMBERS, SYMBOLS), SPACE), max_size=12
).map(lambda pairs: "".join(piece + space for piece, space in pairs))


def readable(text: str) -> bool:
    """Whether PostgreSQL's scanner accepts a text."""
    try:
        tokens(text)
    except ScanError:
        return False
    return True


@given(TEXTS.filter(readable))
@settings(deadline=None)
def test_a_stand_in_has_every_character_in_its_place(text: str) -> None:
    """Line, column and line length of a finding are those of the text itself."""
    shown = StandIn(text)

    assert shown.restore(shown.text) == text
    assert [len(line) for line in shown.text.split("\n")] == [
        len(line) for line in text.split("\n")
    ]


@given(TEXTS.filter(readable), st.data())
@settings(deadline=None, max_examples=300)
def test_no_fix_reaches_a_token(text: str, data: st.DataObject) -> None:
    """Whatever white space and case a formatter chooses, PostgreSQL reads the same tokens."""
    shown = StandIn(text)
    pieces: list[str] = []
    for char in shown.text:
        if char.isspace():
            pieces.append(data.draw(st.sampled_from([char, char, "", " ", "\n"])))
        else:
            pieces.append(data.draw(st.sampled_from([char, char.upper(), char.lower(), char])))
            pieces.append(data.draw(st.sampled_from(["", "", "", " "])))

    restored = shown.restore("".join(pieces))

    assert restored is None or same_tokens(text, restored)


@given(TEXTS.filter(readable), st.data())
@settings(deadline=None)
def test_a_fix_that_changes_more_is_refused(text: str, data: st.DataObject) -> None:
    """A formatter that loses, adds or moves something is not believed."""
    shown = StandIn(text).text
    solid = [place for place, char in enumerate(shown) if not char.isspace()]
    if not solid:
        return
    place = data.draw(st.sampled_from(solid))
    other = data.draw(st.sampled_from(["", "x", "'", "-", shown[place] * 2]))

    restored = StandIn(text).restore(shown[:place] + other + shown[place + 1 :])

    assert restored is None or same_tokens(text, restored)


@given(TEXTS.filter(readable))
@settings(deadline=None, max_examples=30)
def test_sqlfluff_fixes_any_text_without_harm(text: str) -> None:
    """Parsable or not, a file means what it meant, but for a semicolon at its end."""
    [outcome] = workers.run([Job("a.sql", text, REPOSITORY, fix=True)])

    assert outcome.text == text or same_tokens(text, outcome.text) or ends_alike(text, outcome.text)


def ends_alike(text: str, fixed: str) -> bool:
    """Whether a text has but one semicolon more than another."""
    before = [token.meaning for token in tokens(text)]
    after = [token.meaning for token in tokens(fixed)]
    added = (";", "ASCII_59")[::-1]
    return any(
        after[:at] + after[at + 1 :] == before for at in range(len(after)) if after[at] == added
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT  a", "select A", True),
        ("a<=b", "a <= b", True),
        ("a <= b", "a < = b", False),
        ("a ?- b", "a ? -b", False),
        ("@ -5", "@-5", False),
        ("- - 5", "--5", False),
        ("- -5", "- - 5", True),
        ("N'x'", "n'x'", True),
        ("N'x'", "N 'x'", False),
        ("E'x'", "e'x'", False),
        ("U&'x'", "U & 'x'", False),
        ("x'1f'", "x'1F'", False),
        ("'a'\n'b'", "'a'\n  'b'", True),
        ("'a'\n'b'", "'a' 'b'", False),
        ("'a'\n'b'", "'ab'", False),
        ("'\\'\n'b'", "'\\'\n  'b'", True),
        ("E'a'\n'b'", "E'a'\n  'b'", False),
        ("ÜBER", "Über", True),
        ("ÜBER", "über", False),
        ('"A"', '"a"', False),
        ("$a$x$a$", "$A$x$A$", False),
        ("1 .5", "1.5", False),
        ("1_000", "1 _000", False),
        ("0x1F", "0x1f", False),
        ("a::b", "a :: b", True),
        ("a:=b", "a : =b", False),
        ("a=>b", "a = >b", False),
        ("1..10", "1 .. 10", True),
        ("a /* x */ b", "a b", False),
        ("a /* x */ b", "a b /* x */", False),
        ("a -- x\n, b", "a, -- x\nb", False),
        ("a -- x\n, b", "a -- x , b", False),
        ("/* x  y */", "/* x y */", False),
        ("a\u00a0b", "a b", False),
        ("a", "a '", False),
    ],
)
def test_which_texts_are_the_same(one: str, other: str, *, same: bool) -> None:
    """White space between tokens and the ASCII case of unquoted words are all that may differ."""
    assert same_tokens(one, other) is same
