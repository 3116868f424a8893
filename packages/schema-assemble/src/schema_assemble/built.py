"""A built migration held against its fragments: knows whose each statement is; writes no SQL.

What is assembled are texts, and a text may end what it stands in: a comment, a string, another
fragment. So the result is parsed, and nothing may be in it but the fragments' statements, as they
are written there, and those that the build adds whatever its texts are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pglast.parser import ParseError, scan

from schema_assemble.assemble import Part, assemble
from schema_sql.source import Source, SourceError
from schema_sql.statements import SqlFile, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schema_assemble.guard import History, Needed
    from schema_sql.source import Finding
    from schema_sql.statements import Statement


OWN_KINDS = frozenset({"CommentStmt", "DoStmt", "SelectStmt", "VariableSetStmt"})
"""The kinds of statements that the build adds: comments, blocks, calls and settings."""


@dataclass(frozen=True)
class Built:
    """A migration, and where each of its statements comes from.

    Attributes:
        sql: The migration, parsed.
        origins: For each of its statements the fragment's statement that it is; None where the
            build has added it.
    """

    sql: SqlFile
    origins: tuple[Statement | None, ...]

    @property
    def text(self) -> str:
        """The text of the migration."""
        return self.sql.source.text

    @cached_property
    def shipped(self) -> SqlFile:
        """The migration without what the build has added: rules judge what people write."""
        return replace(
            self.sql,
            statements=tuple(s for s, origin in self._pairs if origin is not None),
            nested=tuple(s for s in self.sql.nested if not _inside(s.start, self.added)),
            opaque=tuple(
                place for place in self.sql.opaque if not _inside(place.offset, self.added)
            ),
        )

    @cached_property
    def added(self) -> list[Statement]:
        """The statements that the build has added, in order."""
        return [s for s, origin in self._pairs if origin is None]

    @property
    def fragments(self) -> list[str]:
        """The paths of the fragments that have a statement in it, in order."""
        return [place.path for place in self._places]

    def origin(self, finding: Finding) -> Finding | None:
        """A finding in the migration, at its place in the fragment that it is about.

        Args:
            finding: Found in ``sql``.

        Returns:
            The same finding in the fragment; None where it is about no fragment.
        """
        index = bisect_right(self._places, finding.line, key=lambda place: place.first) - 1
        if index < 0 or finding.line > self._places[index].last:
            return None
        place = self._places[index]
        return replace(
            finding,
            path=place.path,
            line=finding.line - place.above,
            column=finding.column + (place.indent if finding.line == place.first else 0),
        )

    @cached_property
    def _pairs(self) -> list[tuple[Statement, Statement | None]]:
        return list(zip(self.sql.statements, self.origins, strict=True))

    @cached_property
    def _places(self) -> list[_Place]:
        """Where each fragment stands: line by line, without the white space around it."""
        found: dict[str, _Place] = {}
        for statement, origin in self._pairs:
            if origin is not None and origin.source.path not in found:
                above = statement.position().line - origin.position().line
                text = origin.source.text
                before = len(text) - len(text.lstrip())
                found[origin.source.path] = _Place(
                    origin.source.path,
                    above,
                    first=above + 1 + text.count("\n", 0, before),
                    last=above + 1 + text.rstrip().count("\n"),
                    indent=before - (text.rfind("\n", 0, before) + 1),
                )
        return list(found.values())


@dataclass(frozen=True)
class _Place:
    """Where a fragment stands in a migration.

    Attributes:
        path: The fragment.
        above: How many lines of the migration stand above its first one.
        first: The line of the migration on which its text begins.
        last: That on which it ends.
        indent: The white space before its text that the migration has not.
    """

    path: str
    above: int
    first: int
    last: int
    indent: int


def _inside(offset: int, statements: Sequence[Statement]) -> bool:
    return any(statement.start <= offset < statement.end for statement in statements)


def build(
    path: str,
    label: str,
    title: str,
    parts: Sequence[Part],
    *,
    platform: Sequence[SqlFile] = (),
    earlier: Sequence[SqlFile] = (),
    needed: Sequence[Needed] = (),
    history: History | None = None,
) -> Built:
    """Assemble a migration, and hold what came of it against what went into it.

    Args:
        path: The file that it is for, as findings name it.
        label: As for `assemble`, as all that follow.
        title: What the migration is about.
        parts: The fragments, in order.
        platform: The SQL of what exists before our first migration.
        earlier: The fragments of earlier migrations.
        needed: What of both must be there.
        history: Where it stands among the migrations.

    Returns:
        The migration.

    Raises:
        SourceError: `assemble` refuses it; a fragment's statement is another one in the migration;
            or a text has become SQL.
    """

    def text(title: str, needed: Sequence[Needed]) -> str:
        return assemble(
            label,
            title,
            parts,
            platform=platform,
            earlier=earlier,
            needed=needed,
            history=history,
        )

    built = read_built(path, text(title, needed), parts)
    for statement in built.added:
        if statement.kind not in OWN_KINDS:
            raise SourceError(
                statement.finding("foreign-statement", "no fragment has this statement")
            )
    remedies = _distinct(each.remedy for each in needed)
    plain = [replace(each, remedy=remedies[each.remedy]) for each in needed]
    if (_plain(title), plain) != (title, list(needed)):
        # The same migration with texts that can end nothing has the same statements.
        _refuse_others(built, read_built(path, text(_plain(title), plain), parts))
    return built


def read_built(path: str, text: str, parts: Sequence[Part]) -> Built:
    """Find the statements of fragments in the text of a migration.

    Args:
        path: The file that it is for, as findings name it.
        text: The migration.
        parts: The fragments that it ships, in order.

    Raises:
        SourceError: A statement of a fragment does not stand there as the fragment has it.
    """
    source = Source(path, text)
    if (at := source.data.find(b"\r")) >= 0:
        # Comments of the build end at a line feed; no file that it reads holds another line end.
        raise SourceError(
            source.finding(at, "text-as-sql", "a carriage return ends a comment here")
        )
    sql = parse(source)
    expected = [statement for part in parts for statement in part.sql.statements]
    wanted = [statement.text for statement in expected]
    texts = [statement.text for statement in sql.statements]
    for before in range(len(texts) - len(wanted) + 1):
        behind = len(texts) - before - len(wanted)
        if texts[before : before + len(wanted)] == wanted:
            return Built(sql, (*[None] * before, *expected, *[None] * behind))
    raise SourceError(_lost(path, texts, expected))


def _lost(path: str, texts: Sequence[str], expected: Sequence[Statement]) -> Finding:
    """The first statement of a fragment that does not follow the one before it."""
    first = expected[0].text
    begin = texts.index(first) if first in texts else len(texts)
    lost = next(
        statement
        for number, statement in enumerate(expected, begin)
        if texts[number : number + 1] != [statement.text]
    )
    message = f"in {path} this is not the statement that it is here"
    remedy = "end the statement before it, and this one, with a semicolon and a line feed"
    return lost.finding("changed-statement", message, remedy)


def _plain(text: str) -> str:
    """A text of the same length in which nothing can end a comment, a string or a body."""
    return re.sub(r"[^A-Za-z0-9 .,:;/_()-]", "x", text)


def _distinct(texts: Iterable[str]) -> dict[str, str]:
    """A plain text for each text, another one for each other: a build may say the same once."""
    result: dict[str, str] = {}
    for text in texts:
        plain = _plain(text)
        while text not in result and plain in result.values():
            plain += "x"
        result.setdefault(text, plain)
    return result


def _refuse_others(built: Built, expected: Built) -> None:
    added, right = built.added, expected.added
    for number, statement in enumerate(added):
        if number >= len(right) or _skeleton(statement.text) != _skeleton(right[number].text):
            message = "a title or a remedy has become SQL here"
            remedy = "write it without quotes, dollar signs and marks of comments"
            raise SourceError(statement.finding("text-as-sql", message, remedy))
    if len(added) < len(right):
        message = "a title or a remedy hides a statement that the build adds"
        raise SourceError(built.sql.source.finding(0, "text-as-sql", message))


def _skeleton(text: str) -> list[str]:
    """The tokens of SQL, without comments and without what strings say; a body's tokens too."""
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[str]:
    for token in scan(text):
        written = text[token.start : token.end + 1]
        if token.name in {"SQL_COMMENT", "C_COMMENT"}:
            continue
        if token.name != "SCONST":
            yield written
            continue
        tag = re.match(r"\$\w*\$", written)
        body = written[tag.end() : -tag.end()] if tag else ""
        try:
            yield from ["(", *_tokens(body), ")"]
        except ParseError:
            yield "SCONST"  # Text, and no body of a block.
