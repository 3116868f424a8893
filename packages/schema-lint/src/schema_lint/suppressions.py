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
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_sql.source import Finding, Source
from schema_sql.statements import Comment, SqlFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


@dataclass
class _Suppression:
    """One comment, and the byte ranges that it covers."""

    comment: Comment
    rule: str
    reason: str
    ranges: tuple[tuple[int, int], ...]
    used: bool = False


class Suppressions:
    """The suppressions of one file."""

    def __init__(self, file: SqlFile) -> None:
        self.source = file.source
        self._by_rule: dict[str, list[_Suppression]] = {}
        self._malformed: list[Comment] = []
        # Most files have none, and scanning for comments takes as long as parsing.
        if MARK in file.source.text:
            self._read(file)

    def cover(self, finding: Finding) -> bool:
        """Whether a suppression covers the finding; it counts as used then."""
        covered = False
        for suppression in self._by_rule.get(finding.rule, ()):
            offset = self._offset(finding)
            if any(start <= offset < end for start, end in suppression.ranges):
                suppression.used = covered = True
        return covered

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
                if not suppression.used:
                    yield self.source.finding(
                        offset,
                        "unused-suppression",
                        f"{suppression.rule} finds nothing here",
                        "remove the comment, or move it directly above what it is about",
                    )

    def _offset(self, finding: Finding) -> int:
        start = self.source.line_start(finding.line)
        line = self.source.data[start:].split(b"\n", 1)[0].decode()
        return start + len(line[: finding.column - 1].encode())

    def _read(self, file: SqlFile) -> None:
        comments = sorted(_comments(file), key=lambda comment: comment.offset)
        alone = {c.line for c in comments if not self._before(c.offset).strip()}
        units = _Units(file)
        for comment in comments:
            if MARK not in comment.text:
                continue
            match = _PATTERN.fullmatch(comment.text.strip())
            if match is None:
                if re.match(rf"(--|/\*)\s*{MARK}", comment.text):
                    self._malformed.append(comment)
                continue
            line = comment.line
            while line in alone:
                line += 1
            ranges = units.on_line(line) if line != comment.line else ()
            ranges = ranges or ((self.source.line_start(line), self._line_end(line)),)
            rule = match["rule"]
            found = _Suppression(comment, rule, (match["reason"] or "").strip(), ranges)
            self._by_rule.setdefault(rule, []).append(found)

    def _before(self, offset: int) -> bytes:
        """What stands before an offset on its line."""
        return self.source.data[self.source.data.rfind(b"\n", 0, offset) + 1 : offset]

    def _line_end(self, line: int) -> int:
        end = self.source.data.find(b"\n", self.source.line_start(line))
        return len(self.source.data) + 1 if end < 0 else end + 1


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
                for comment in SqlFile(Source(file.path, body), ()).comments:
                    offset = start + comment.offset
                    line = file.source.position(offset).line
                    yield Comment(offset, line, comment.text)


class _Units:
    """What can carry a comment of its own: statements, and the columns and constraints of tables.

    Each covers the bytes from its first to where the next one begins, or to its end.
    """

    def __init__(self, file: SqlFile) -> None:
        self._ranges: dict[int, list[tuple[int, int]]] = {}
        starts = sorted({start for s in file.every_statement for start in _unit_starts(s)})
        for statement in file.every_statement:
            for start in _unit_starts(statement):
                following = bisect_left(starts, start + 1)
                limit = starts[following] if following < len(starts) else statement.end
                line = file.source.position(start).line
                # The end itself belongs to it: an empty statement has a place.
                place = (start, max(start + 1, min(limit, statement.end)))
                self._ranges.setdefault(line, []).append(place)

    def on_line(self, line: int) -> tuple[tuple[int, int], ...]:
        """The byte ranges of the units that begin on a line."""
        return tuple(self._ranges.get(line, ()))


def _unit_starts(statement: Statement) -> Iterator[int]:
    yield statement.start
    if statement.kind == "CreateStmt":
        for element in statement.node.get("tableElts", ()):
            ((_, node),) = element.items()
            if "location" in node:
                yield statement.offset(node)
