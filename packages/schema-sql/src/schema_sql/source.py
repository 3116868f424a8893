"""SQL text and places in it: knows files, lines and columns; knows nothing of SQL's grammar."""

from __future__ import annotations

import codecs
import stat
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from schema_sql.display import excerpt, one_line, printable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place in a text: line and column, both counted from 1, the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """Something wrong at a place, and what to do about it.

    Attributes:
        path: The file, as the user would write it: relative to the root, with forward slashes.
        line: Line, from 1.
        column: Column in characters, from 1.
        rule: The id of what was broken, such as ``undeclared-dep``.
        message: The fact, in one line.
        help: The remedy, or an empty string. May hold several lines.
    """

    path: str
    line: int
    column: int
    rule: str
    message: str
    help: str = ""

    def __str__(self) -> str:
        """Render the finding for a terminal; editors make ``path:line:column`` a link."""
        where = f"{printable(self.path)}:{self.line}:{self.column}"
        head = f"{where}: {self.rule}: {printable(self.message)}"
        # A line feed alone begins a line: the message may quote text of a file.
        lines = self.help.rstrip("\n").split("\n") if self.help else []
        return head + "".join(
            f"\n  help: {printable(line)}" if number == 0 else f"\n        {printable(line)}"
            for number, line in enumerate(lines)
        )


class SourceError(Exception):
    """A file that cannot be read as what it should be.

    Attributes:
        finding: Where and why.
        excerpt: The offending line and a caret below it, or an empty string.
    """

    def __init__(self, finding: Finding, excerpt: str = "") -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.excerpt = excerpt

    def __str__(self) -> str:
        """Render the finding, with the line it is about between the fact and the remedy."""
        if not self.excerpt:
            return str(self.finding)
        head, separator, remedy = str(self.finding).partition("\n  help: ")
        return f"{head}\n{self.excerpt}{separator}{remedy}"


@dataclass(frozen=True)
class Source:
    """A named text.

    Attributes:
        path: The name that findings carry.
        text: The text, with line feeds alone between its lines.
    """

    path: str
    text: str = field(repr=False)

    @cached_property
    def data(self) -> bytes:
        """The text in UTF-8: PostgreSQL's parser counts in its bytes."""
        return self.text.encode()

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        found = self.data.find(b"\n")
        while found >= 0:
            starts.append(found + 1)
            found = self.data.find(b"\n", found + 1)
        return starts

    @cached_property
    def _characters(self) -> list[int]:
        """How many characters begin before each block of bytes: a line may be the whole text."""
        counts = [0]
        for start in range(0, len(self.data), _BLOCK):
            counts.append(counts[-1] + _count_characters(self.data[start : start + _BLOCK]))
        return counts

    def _character(self, offset: int) -> int:
        """How many characters begin before a byte offset."""
        if self.text.isascii():
            return offset
        block = offset // _BLOCK
        return self._characters[block] + _count_characters(self.data[block * _BLOCK : offset])

    def position(self, offset: int) -> Position:
        """The line and column of a byte offset; one past the end is the end."""
        offset = max(0, min(offset, len(self.data)))
        line = self.line_of(offset)
        start = self._line_starts[line - 1]
        return Position(line, self._character(offset) - self._character(start) + 1)

    def line_of(self, offset: int) -> int:
        """The line of a byte offset, from 1."""
        return bisect_right(self._line_starts, offset)

    def line_start(self, line: int) -> int:
        """The byte offset at which a line, counted from 1, begins."""
        return self._line_starts[min(line, len(self._line_starts)) - 1]

    def excerpt(self, position: Position) -> str:
        """The line of a position with a caret below the column, cut to fit a terminal."""
        start = self.line_start(position.line)
        end = self.data.find(b"\n", start)
        line = self.data[start : end if end >= 0 else None].decode()
        return excerpt(line, position.column)

    def finding(self, offset: int, rule: str, message: str, remedy: str = "") -> Finding:
        """A finding at a byte offset of this text; very long names in the message are cut."""
        at = self.position(offset)
        return Finding(self.path, at.line, at.column, rule, one_line(message), remedy)


_BLOCK = 4096
_CONTINUATION = bytes(range(0x80, 0xC0))


def _count_characters(data: bytes) -> int:
    """How many characters of UTF-8 begin in some bytes."""
    return len(data.translate(None, _CONTINUATION))


def read_source(path: Path, name: str) -> Source:
    """Read a text file: every text that the project takes from a file is read here.

    Args:
        path: Where it is.
        name: How findings name it.

    Returns:
        The source, as `decode_source` reads it.

    Raises:
        SourceError: The file is missing or unreadable, or `decode_source` refuses it.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            # To open a named pipe would wait for somebody who writes to it.
            raise SourceError(
                Finding(name, 1, 1, "unreadable-file", "cannot read: it is not a regular file")
            )
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(
            Finding(name, 1, 1, "unreadable-file", f"cannot read: {reason}")
        ) from error
    return decode_source(data, name)


def decode_source(data: bytes, name: str) -> Source:
    """Decode the bytes of a text file.

    Args:
        data: What the file holds.
        name: How findings name it.

    Returns:
        The source. CR LF becomes LF, so that a checkout with Windows line ends builds the same
        bytes. Byte order marks at the beginning are dropped: PostgreSQL takes one for the first
        letter of a name.

    Raises:
        SourceError: The text is not UTF-8, or holds a NUL byte or a lone carriage return.
    """
    for mark, encoding in _FOREIGN_MARKS:
        if data.startswith(mark):
            _refuse(name, b"", f"the file is {encoding}", _SAVE_AS_UTF8)
    while data.startswith(codecs.BOM_UTF8):
        data = data.removeprefix(codecs.BOM_UTF8)
    data = data.replace(b"\r\n", b"\n")
    if (bad := data.find(b"\0")) >= 0:
        _refuse(name, data[:bad], "the file holds a NUL byte", _NO_NUL)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        fact = f"the file holds a byte that is not UTF-8, 0x{data[error.start]:02X}"
        _refuse(name, data[: error.start], fact, _SAVE_AS_UTF8)
    if (bad := data.find(b"\r")) >= 0:
        # PostgreSQL ends a line and a comment there, and most editors show one line.
        fact = "the file holds a carriage return without a line feed"
        remedy = "end each line with LF or CR LF; in a string, write E'\\r'"
        _refuse(name, data[:bad], fact, remedy)
    return Source(name, text)


_SAVE_AS_UTF8 = "save it as UTF-8"
_NO_NUL = "remove the NUL bytes; where every second byte is one, save it as UTF-8"
_FOREIGN_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def _refuse(name: str, before: bytes, fact: str, remedy: str) -> NoReturn:
    """Refuse a file for what stands behind ``before``."""
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    raise SourceError(Finding(name, line, column, "unreadable-file", fact, remedy))
