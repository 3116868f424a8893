"""Edits of SQL text at places that the parse tree names; knows tokens, not what a change means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schema_sql.statements import Node, Statement

_COMMENTS = {"SQL_COMMENT", "C_COMMENT"}


@dataclass(frozen=True)
class Token:
    """A word or sign of the source: its text and where it begins and ends, in characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Edit:
    """The characters from `start` to `end` of the source become `text`."""

    start: int
    end: int
    text: str = ""


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits that do not overlap.

    Args:
        text: a source.
        edits: what changes in it, in any order.

    Returns:
        The new text.
    """
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


class Code:
    """A statement as tokens, to be edited from index to index.

    Attributes:
        statement: the statement.
        tokens: its tokens, comments left out.
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        base = self._characters(statement.start)
        self.tokens = [
            Token(statement.text[t.start : t.end + 1], base + t.start, base + t.end + 1)
            for t in scan(statement.text)
            if t.name not in _COMMENTS
        ]

    def _characters(self, offset: int) -> int:
        return len(self.statement.source.data[:offset].decode())

    def at(self, node: Node) -> int:
        """Return the index of the token at which a node of the parse tree begins."""
        place = self._characters(self.statement.offset(node))
        return next(i for i, token in enumerate(self.tokens) if token.start >= place)

    def find(self, words: str, start: int = 0) -> int:
        """Return the index of the first of some words that follow each other, outside brackets.

        Raises:
            LookupError: they are not there.
        """
        wanted = words.upper().split()
        depth = 0
        for index in range(start, len(self.tokens)):
            if depth == 0 and self._words(index, len(wanted)) == wanted:
                return index
            depth += (self.tokens[index].text == "(") - (self.tokens[index].text == ")")
        raise LookupError(words)

    def has(self, words: str) -> bool:
        """Tell whether some words that follow each other are there, outside brackets."""
        try:
            self.find(words)
        except LookupError:
            return False
        return True

    def _words(self, index: int, count: int) -> list[str]:
        return [token.text.upper() for token in self.tokens[index : index + count]]

    def end_of_item(self, index: int) -> int:
        """Return the index behind the list item that begins at one: of its comma or bracket."""
        depth = 0
        for place in range(index, len(self.tokens)):
            text = self.tokens[place].text
            if depth == 0 and text in {",", ")"}:
                return place
            depth += (text == "(") - (text == ")")
        return len(self.tokens)

    def items(self, start: int, end: int | None = None) -> list[tuple[int, int]]:
        """Return where the items of a list begin and end, from its first token to its bracket."""
        found = []
        index = start
        while index < (len(self.tokens) if end is None else end):
            stop = self.end_of_item(index) if end is None else min(self.end_of_item(index), end)
            found.append((index, stop))
            if stop >= len(self.tokens) or self.tokens[stop].text != ",":
                break
            index = stop + 1
        return found

    def closing(self, index: int) -> int:
        """Return the index of the bracket that closes the one at an index."""
        index += 1
        while self.tokens[index].text != ")":
            index = self.end_of_item(index)
            index += self.tokens[index].text == ","
        return index

    def text(self, start: int, end: int) -> str:
        """Return the source from one token to before another."""
        source = self.statement.source.text
        return source[self.tokens[start].start : self.tokens[end - 1].end]

    def put(self, start: int, end: int, text: str) -> Edit:
        """Replace the tokens from one to before another."""
        return Edit(self.tokens[start].start, self.tokens[end - 1].end, text)

    def insert(self, index: int, text: str) -> Edit:
        """Put a text behind the token before an index."""
        place = self.tokens[index - 1].end
        return Edit(place, place, f" {text}")

    def cut(self, start: int, end: int) -> Edit:
        """Remove the tokens from one to before another, with the white space before them."""
        last = self.tokens[end - 1].end
        # Of `public.name` the first part goes, and the word before it must stay one of its own.
        joined = end < len(self.tokens) and self.tokens[end].start == last
        joined = joined and self.tokens[end].text[0] not in ",)"
        return Edit(self.tokens[start].start if joined else self.tokens[start - 1].end, last)

    def cut_item(self, start: int, end: int) -> Edit:
        """Remove a list item, with one comma."""
        if end < len(self.tokens) and self.tokens[end].text == ",":
            return Edit(self.tokens[start].start, self.tokens[end + 1].start)
        if self.tokens[start - 1].text == ",":
            return Edit(self.tokens[start - 1].start, self.tokens[end - 1].end)
        return self.put(start, end, "")

    def swap(self, one: tuple[int, int], other: tuple[int, int]) -> list[Edit]:
        """Let two pieces change places."""
        return [self.put(*one, self.text(*other)), self.put(*other, self.text(*one))]

    def remove(self) -> Edit:
        """Remove the statement and its semicolon."""
        end = self.tokens[-1].end
        return Edit(self.tokens[0].start, self.statement.source.text.index(";", end) + 1)

    def follow(self, sql: str) -> Edit:
        """Put another statement behind this one."""
        end = self.statement.source.text.index(";", self.tokens[-1].end) + 1
        return Edit(end, end, f"\n{sql};")
