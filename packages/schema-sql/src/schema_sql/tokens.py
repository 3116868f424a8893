"""SQL text to tokens: knows PostgreSQL's scanner, through pglast; knows no statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
"""The names of the tokens that are comments."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes:
        name: The scanner's name of its kind, such as ``IDENT``.
        start: Byte offset of its first byte in the text's UTF-8.
        end: Byte offset behind its last byte.
    """

    name: str
    start: int
    end: int


_BEYOND_ASCII = bytes(range(0x80, 0x100))
_LETTERS = bytes.maketrans(_BEYOND_ASCII, b"z" * len(_BEYOND_ASCII))
_TAG_BEYOND_ASCII = re.compile(r"\$\w*[^\x00-\x7f]\w*\$")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, comments included.

    pglast looks each token's place up in a list of all characters beyond ASCII, which costs the
    square of a text that has many. So it gets each of their bytes as a letter: PostgreSQL's
    scanner takes both alike, in names, strings and comments.

    Args:
        text: The text.

    Raises:
        pglast.parser.ParseError: A string, a quoted name or a comment has no end.
    """
    if text.isascii():
        yield from (Token(found.name, found.start, found.end + 1) for found in scan(text))
    elif _TAG_BEYOND_ASCII.search(text):
        # Two tags of dollar quotes could become the same.
        before = offset = 0
        for found in scan(text):
            offset += len(text[before : found.start].encode())
            before = found.start
            size = len(text[found.start : found.end + 1].encode())
            yield Token(found.name, offset, offset + size)
    else:
        plain = text.encode().translate(_LETTERS).decode()
        yield from (Token(found.name, found.start, found.end + 1) for found in scan(plain))
