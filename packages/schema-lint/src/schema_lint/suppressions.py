"""Comments that allow a finding: knows what each of them covers; knows no rule.

``-- schema-lint: allow RULE-ID -- reason`` covers the findings of one rule

- behind code: on its own line;
- above a statement, a column or a constraint, with only comments between them: in all of it. But
  what contains others that can carry a comment of their own, CREATE TABLE its columns and
  constraints and DO its statements, is covered only up to the first of them: a comment above the
  table speaks of the table, and does not speak for a column that somebody adds next year;
- above any other line, such as a line inside CREATE POLICY: on that line.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import ParseError

from schema_sql.source import Finding, Position, Source
from schema_sql.statements import Comment, SqlFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from schema_sql.statements import Statement

MARK = "schema-lint:"
_FORM = "-- schema-lint: allow RULE-ID -- reason"
_PATTERN = re.compile(r"--\s*schema-lint:\s*allow\s+(?P<rule>[^\s]+)(?:\s+--\s*(?P<reason>.*))?")

EXPLAINED = {
    "malformed-suppression": f"A comment that begins with {MARK} reads {_FORM}.",
    "missing-reason": "A suppression says why: the next reader must be able to judge whether it "
    f"still holds.\nWrite {_FORM}.",
    "unknown-rule": "A suppression names a rule that exists.",
    "unused-suppression": "A suppression that suppresses nothing goes: it would hide the next "
    "fault at that place.\nIt covers its own line where it stands behind code; above a statement, "
    "a column or a constraint\nit covers that. A comment above CREATE TABLE or DO covers it up to "
    "its first column or statement.",
}
"""The findings about suppressions themselves, which nothing suppresses, and what they mean."""


_Range = tuple[Position, Position]
"""From a position to the one behind the last."""


@dataclass
class _Suppression:
    """One comment, and the places that it covers."""

    comment: Comment
    rule: str
    reason: str
    ranges: tuple[_Range, ...]


class _Places:
    """The places that the suppressions of one rule cover: lines, and units on no line twice.

    Those of either kind do not overlap, so the one that holds a position is found by halving.
    """

    def __init__(self, ranges: Iterable[_Range]) -> None:
        self._sorted = sorted(set(ranges))
        self._used: set[_Range] = set()

    def cover(self, position: Position) -> bool:
        """Whether a place holds a position; it counts as used then."""
        index = bisect_right(self._sorted, position, key=lambda place: place[0]) - 1
        if index < 0 or position >= self._sorted[index][1]:
            return False
        self._used.add(self._sorted[index])
        return True

    def is_used(self, places: Iterable[_Range]) -> bool:
        """Whether one of some places was used."""
        return not self._used.isdisjoint(places)


class Suppressions:
    """The suppressions of one file."""

    def __init__(self, file: SqlFile) -> None:
        self.source = file.source
        self._by_rule: dict[str, list[_Suppression]] = {}
        self._places: dict[str, tuple[_Places, _Places]] = {}
        self._excused: set[str] = set()
        self._malformed: list[Comment] = []
        # Most files have none, and scanning for comments takes as long as parsing.
        if MARK in file.source.text:
            self._read(file)

    def cover(self, finding: Finding) -> bool:
        """Whether a suppression covers the finding; it counts as used then."""
        position = Position(finding.line, finding.column)
        # Both are asked, so that both count as used.
        covered = [places.cover(position) for places in self._places.get(finding.rule, ())]
        return any(covered)

    def excuse(self, rule: str) -> None:
        """Count the suppressions of a rule as used: it failed, and nobody knows what it finds."""
        self._excused.add(rule)

    def findings(self, known: AbstractSet[str], unknown: Callable[[str], str]) -> Iterator[Finding]:
        """What is wrong with the suppressions, after every finding was asked about.

        Args:
            known: The ids of all rules.
            unknown: What to say of an id that is not among them.
        """
        for comment in self._malformed:
            yield self.source.finding(
                comment.offset, "malformed-suppression", "not a suppression", f"write {_FORM}"
            )
        for suppressions in self._by_rule.values():
            for suppression in suppressions:
                offset = suppression.comment.offset
                if suppression.rule not in known:
                    yield self.source.finding(offset, "unknown-rule", unknown(suppression.rule))
                    continue
                if not suppression.reason:
                    remedy = f"write -- schema-lint: allow {suppression.rule} -- and the reason"
                    yield self.source.finding(
                        offset, "missing-reason", "the suppression gives no reason", remedy
                    )
                if not self._is_used(suppression):
                    yield self.source.finding(
                        offset,
                        "unused-suppression",
                        f"{suppression.rule} finds nothing here",
                        "remove the comment, or move it directly above what it is about",
                    )

    def _is_used(self, suppression: _Suppression) -> bool:
        rule = suppression.rule
        return rule in self._excused or any(
            places.is_used(suppression.ranges) for places in self._places[rule]
        )

    def _read(self, file: SqlFile) -> None:
        comments = sorted(_comments(file), key=lambda comment: comment.offset)
        alone: dict[int, bool] = {}
        for comment in comments:
            # Only the first on a line can have nothing before it.
            if comment.line not in alone:
                start = self.source.line_start(comment.line)
                alone[comment.line] = not self.source.data[start : comment.offset].strip()
        # Of lines with nothing but comments, the first below them.
        below: dict[int, int] = {}
        for line in sorted(alone, reverse=True):
            if alone[line]:
                below[line] = below.get(line + 1, line + 1)
        units = _Units(file)
        by_unit: dict[str, list[_Range]] = defaultdict(list)
        by_line: dict[str, list[_Range]] = defaultdict(list)
        for comment in comments:
            if MARK not in comment.text:
                continue
            match = _PATTERN.fullmatch(comment.text.strip())
            if match is None:
                if re.match(rf"(--|/\*)\s*{MARK}", comment.text):
                    self._malformed.append(comment)
                continue
            rule = match["rule"]
            line = below.get(comment.line, comment.line)
            ranges = units.on_line(line) if line != comment.line else ()
            by_unit[rule].extend(ranges)
            if not ranges:
                ranges = ((Position(line, 1), Position(line + 1, 1)),)
                by_line[rule].extend(ranges)
            found = _Suppression(comment, rule, (match["reason"] or "").strip(), ranges)
            self._by_rule.setdefault(rule, []).append(found)
        for rule in self._by_rule:
            self._places[rule] = (_Places(by_unit[rule]), _Places(by_line[rule]))


def _comments(file: SqlFile) -> Iterator[Comment]:
    """The comments of a file, those in the bodies of its DO blocks too."""
    yield from file.comments
    for statement in file.statements:
        if statement.kind != "DoStmt" or MARK not in statement.text:
            continue
        for argument in statement.node.get("args", ()):
            value = argument["DefElem"].get("arg", {})
            body = value.get("String", {}).get("sval", "")
            start = file.source.data.find(body.encode(), statement.start)
            if MARK in body and start >= 0:
                for comment in _body_comments(body):
                    offset = start + comment.offset
                    yield Comment(offset, file.source.line_of(offset), comment.text)


def _body_comments(body: str) -> tuple[Comment, ...]:
    try:
        return SqlFile(Source("", body), ()).comments
    except ParseError:
        return ()  # It is in another language than PL/pgSQL, and no rule reads it.


class _Units:
    """What can carry a comment of its own: statements, and the columns and constraints of tables.

    Each covers what is from its first byte to where the next one begins, or to its end.
    """

    def __init__(self, file: SqlFile) -> None:
        self._ranges: dict[int, list[_Range]] = {}
        position = file.source.position
        starts = sorted({start for s in file.every_statement for start in _unit_starts(s)})
        for statement in file.every_statement:
            for start in _unit_starts(statement):
                following = bisect_left(starts, start + 1)
                limit = starts[following] if following < len(starts) else statement.end
                first = position(start)
                # The end itself belongs to it: an empty statement has a place.
                end = Position(first.line, first.column + 1)
                place = (first, max(end, position(min(limit, statement.end))))
                self._ranges.setdefault(first.line, []).append(place)

    def on_line(self, line: int) -> tuple[_Range, ...]:
        """The places of the units that begin on a line."""
        return tuple(self._ranges.get(line, ()))


def _unit_starts(statement: Statement) -> Iterator[int]:
    yield statement.start
    if statement.kind == "CreateStmt":
        for element in statement.node.get("tableElts", ()):
            ((_, node),) = element.items()
            if "location" in node:
                yield statement.offset(node)
