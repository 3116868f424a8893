"""What a team accepts of `schema verify`'s findings: knows its file's format; compares nothing."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_database.findings import CHECKS
from schema_sql.source import Finding, Position, Source, SourceError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ACCEPTED = "supabase/accepted.toml"
"""The file, from the root of the workspace; without it nothing is accepted."""

_TABLE = "accepted"
_RULE = "accepted"
_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*')\s*=""")


@dataclass(frozen=True)
class Acceptance:
    """A finding that the team has decided to keep.

    Attributes:
        id: the finding's.
        reason: why it may stay.
        line: where it says so.
    """

    id: str
    reason: str
    line: int


def read_accepted(root: Path) -> Mapping[str, Acceptance]:
    """Read the file: a table `[accepted]` whose keys are ids of findings, with a reason for each.

    Args:
        root: the workspace.

    Returns:
        The acceptances, by the id of what they accept.

    Raises:
        SourceError: The file cannot be read, is no TOML, or accepts without a reason or what no
            check would ever find.
    """
    path = root / ACCEPTED
    if not path.exists():
        return {}
    source = read_source(path, ACCEPTED)
    try:
        document = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise _not_toml(source, error) from None
    lines = dict(_key_lines(source.text))
    for name in document.keys() - {_TABLE}:
        raise _error(source, _line_of(source, name), f"unknown key {name!r}", _HOW)
    table = document.get(_TABLE, {})
    if not isinstance(table, dict):
        raise _error(source, 1, f"{_TABLE} must be a table", _HOW)
    found = {}
    for name, reason in table.items():
        line = lines.get(name, _line_of(source, name))
        if not isinstance(reason, str) or not reason.strip():
            message = f"{name!r} is accepted without a reason"
            raise _error(source, line, message, f'write "{name}" = "why it may stay"')
        check = name.partition(" ")[0]
        if check not in CHECKS or name == check:
            raise _error(source, line, f"no finding is called {name!r}", _suggestion(check))
        found[name] = Acceptance(name, reason.strip(), line)
    return found


_HOW = 'write [accepted], and below it "ID OF A FINDING" = "why it may stay"'


def _suggestion(check: str) -> str:
    close = difflib.get_close_matches(check, CHECKS, 1)
    return f"did you mean {close[0]}?" if close else "copy the id that `schema verify` prints"


def _key_lines(text: str) -> Iterator[tuple[str, int]]:
    """The line of each quoted key: the standard library's reader does not tell them."""
    for number, line in enumerate(text.split("\n"), 1):
        if match := _KEY.match(line):
            try:
                [key] = tomllib.loads(f"{match[1]} = 0")
            except tomllib.TOMLDecodeError:
                continue  # It stands inside of a text of several lines.
            yield key, number


def _line_of(source: Source, word: str) -> int:
    lines = source.text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if word in line), 1)


def _error(source: Source, line: int, message: str, remedy: str) -> SourceError:
    at = Position(line, 1)
    return SourceError(Finding(source.path, line, 1, _RULE, message, remedy), source.excerpt(at))


def _not_toml(source: Source, error: Exception) -> SourceError:
    place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
    message = str(error)[: place.start()] if place else str(error)
    at = Position(int(place[1]), int(place[2])) if place else source.position(len(source.data))
    finding = Finding(source.path, at.line, at.column, _RULE, f"no TOML: {message}", _HOW)
    return SourceError(finding, source.excerpt(at))
