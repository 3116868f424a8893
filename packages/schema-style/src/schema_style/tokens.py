"""PostgreSQL's own tokens of a text, and whether two texts have the same; knows no style.

The scanner is PostgreSQL's, through pglast: an operator, a number or a string ends where the server
ends it, and no list of ours can be wrong about that.
"""

import dataclasses
import re
import string
from collections.abc import Iterator
from typing import Any

from pglast.parser import ParseError, scan

CONTINUED = "continued string"
"""The kind of each further piece of a string: without a line break before it, it is a syntax error.
"""

# PostgreSQL folds unquoted names and keywords in ASCII alone where the encoding has several bytes a
# character, as UTF-8 has (downcase_identifier in scansup.c): Ü stays Ü.
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# One piece of a string that goes on on the next line, as in 'a'\n'b'. One of E'…', in which a
# backslash may hide a quote, is taken as a whole.
_PIECE = re.compile(r"'(?:[^']|'')*'")
_BETWEEN_PIECES = re.compile(r"[ \t]*\n[ \t\n]*")


class ScanError(Exception):
    """PostgreSQL cannot split a text into tokens.

    Attributes:
        message: PostgreSQL's words.
        offset: Where, in characters from 0.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """One token, or one piece of a string that goes on on the next line.

    Attributes:
        kind: The scanner's name of it, such as `IDENT` or `SQL_COMMENT`.
        start: Where it begins, in characters from 0.
        text: Its text.
        reserved: Whether it is a reserved keyword.
    """

    kind: str
    start: int
    text: str
    reserved: bool = False

    @property
    def end(self) -> int:
        """Where it ends: one past its last character."""
        return self.start + len(self.text)

    @property
    def folds(self) -> bool:
        """Whether PostgreSQL reads it the same in another ASCII case: it is an unquoted word."""
        return self.text[0] == "_" or self.text[0].isalpha() or self.text[0] > "\x7f"

    @property
    def meaning(self) -> tuple[str, str]:
        """What must not change: its kind, and its text as far as PostgreSQL tells it apart."""
        word = self.kind not in _CONSTANTS and self.folds
        return self.kind, fold(self.text) if word else self.text


_CONSTANTS = {
    "SCONST",
    CONTINUED,
    "USCONST",
    "BCONST",
    "XCONST",
    "UIDENT",
    "PARAM",
    "ICONST",
    "FCONST",
}


def fold(text: str) -> str:
    """Return a text in lower case as PostgreSQL folds names: ASCII letters alone."""
    return text.translate(_FOLD)


def tokens(text: str) -> list[Token]:
    """Split a text into PostgreSQL's tokens, comments included.

    Args:
        text: The SQL, without NUL characters.

    Returns:
        The tokens, in order. White space is what lies between them.

    Raises:
        ScanError: PostgreSQL refuses the text, as where a string does not end.
    """
    try:
        found = scan(text)
    except ParseError as error:
        message, *rest = error.args
        offset = rest[0] if rest and isinstance(rest[0], int) else 0
        raise ScanError(str(message), max(0, min(offset, len(text)))) from error
    return [piece for token in found for piece in _pieces(token, text)]


def _pieces(found: Any, text: str) -> Iterator[Token]:
    """A token as pglast has it; several where it is a string that goes on on the next line."""
    kind, start = found.name, found.start
    whole = Token(kind, start, text[start : found.end + 1], found.kind == "RESERVED_KEYWORD")
    if kind != "SCONST" or not whole.text.startswith("'"):
        yield whole
        return
    pieces: list[Token] = []
    at = 0
    while match := _PIECE.match(whole.text, at):
        pieces.append(Token(CONTINUED if pieces else kind, start + at, match[0]))
        gap = _BETWEEN_PIECES.match(whole.text, match.end())
        at = gap.end() if gap else match.end()
        if gap is None:
            break
    # Short of the end there is a comment between, and it is one thing.
    yield from pieces if at == len(whole.text) else [whole]


def same_tokens(one: str, other: str) -> bool:
    """Tell whether two texts mean the same to PostgreSQL, token by token.

    Args:
        one: A text that PostgreSQL's scanner accepts.
        other: Any text.

    Returns:
        Whether they differ in white space between tokens and in the ASCII case of unquoted words
        alone. Comments count as tokens: neither their text nor their place among them may change.
    """
    try:
        found = tokens(other)
    except ScanError:
        return False
    return [token.meaning for token in tokens(one)] == [token.meaning for token in found]
