"""The migration: knows the order and the dress of its parts; knows no files and no clock."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import scan

from schema_assemble.guard import (
    History,
    Needed,
    exact_access,
    guard,
    mark,
    settings,
)
from schema_assemble.reference_tables import without_reference
from schema_sql.declared import DeclaredSchema
from schema_sql.names import range_name
from schema_sql.objects import provides, relation, requires
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schema_sql.declared import Table
    from schema_sql.objects import Object
    from schema_sql.statements import SqlFile, Statement

LOCK_NAME = "supabase/migrations"
"""What all our migrations lock: they touch the same tables."""

_RULE = "-- " + "-" * 95

_GUARD = "Guard"
_PURPOSE_OF_GUARD = "Refuses a session or a database that this file does not fit."
_ACCESS = "Access"
_PURPOSE_OF_ACCESS = "Removes undeclared grants and permissive policies."
_MARK = "Mark"
_PURPOSE_OF_MARK = "Leaves the name of this migration on the tables that it changes."
_SKIP = "Generated: skip it."

_HOW_TO_RUN = (
    "PostgreSQL 15 or later, in one transaction, as the owner of the tables: the Supabase CLI and "
    "the SQL editor do that. With psql use -1 -v ON_ERROR_STOP=1, or it goes on after a refusal. "
    "Safe to run again"
)
_WHAT_A_RE_RUN_DOES = (
    "that locks these tables (ACCESS EXCLUSIVE), adds what is missing, recreates comments, "
    "policies and grants, and removes undeclared grants and permissive policies."
)

_WHY_GUARD = (
    "Raises one exception that lists all that is missing or differs, and changes nothing but to "
    "switch on row-level security, which locks the tables. CREATE TABLE IF NOT EXISTS accepts a "
    "table of any shape, so shapes are compared first. What was added later is accepted, except "
    "rules and some foreign keys."
)

_WHY_PLATFORM_GUARD = "One exception lists all that is missing; nothing is changed."

_WHY_MARK = (
    "Records which migration changed each table last, so that the guard of an older one refuses to "
    "run. Stored on the primary key, because the Data API shows comments of tables and columns."
)

_WHY_EXACT_ACCESS = (
    "Permissive policies are combined with OR, so one too many exposes other tenants' rows. Runs "
    "last, because default privileges and event triggers may have granted more on the new tables."
)


@dataclass(frozen=True)
class Part:
    """A fragment of a migration: its label, its section's title, and its SQL."""

    label: str
    section: str
    sql: SqlFile


def assemble(
    label: str,
    title: str,
    parts: Sequence[Part],
    *,
    platform: Sequence[SqlFile] = (),
    earlier: Sequence[SqlFile] = (),
    needed: Sequence[Needed] = (),
    history: History | None = None,
) -> str:
    """Put a migration together.

    Args:
        label: The target that is built, for the header.
        title: What the migration is about, in one line.
        parts: The fragments, in order. Those of one section that follow each other share a banner.
        platform: The SQL of what exists before our first migration.
        earlier: The fragments of earlier migrations.
        needed: What of both must be there; the guard asks for it.
        history: Where it stands among the migrations; None where it is none, and leaves no mark.

    Returns:
        The text of the migration. It depends on the arguments alone.

    Raises:
        SourceError: A table cannot be guarded: it is in another schema than public, or made of
            something that the migration itself creates.
    """
    statements = [statement for part in parts for statement in part.sql.statements]
    # Policies that a DO block makes are declared as well.
    nested = [statement for part in parts for statement in part.sql.every_statement]
    declared = DeclaredSchema(nested)
    released = DeclaredSchema(s for sql in earlier for s in sql.every_statement)
    before = (s for sql in (*platform, *earlier) for s in sql.every_statement)
    everything = DeclaredSchema([*before, *statements])
    tables = list(declared.tables.values())
    changed = [table for table in released.tables.values() if _changes(nested, table)]
    own = {mention.object for statement in statements for mention in provides(statement)}
    for part in parts:
        _refuse_unguardable(part, own)

    opening = [settings(LOCK_NAME)]
    closing: list[str] = []
    if tables or changed or needed:
        why = _WHY_GUARD if tables else _WHY_PLATFORM_GUARD
        opening.append(_comment(why) + guard(tables, everything, needed, changed, history))
    if history is not None and (marks := mark([*tables, *changed], history)):
        closing.append(_comment(_WHY_MARK) + marks)
    if tables:
        closing.append(_comment(_WHY_EXACT_ACCESS) + exact_access(tables))
    _check_generated(label, "\n".join([*opening, *closing]))

    sections = [_Section(_GUARD, f"{_PURPOSE_OF_GUARD} {_SKIP}", opening)]
    purposes = _purposes(parts, declared)
    for part in parts:
        if part.section != sections[-1].title or len(sections) == 1:
            sections.append(_Section(part.section, purposes.get(part.section, ""), []))
        sections[-1].blocks.append(f"-- Source: {part.sql.path}\n{_terminated(part.sql)}\n")
    if closing:
        named = (_ACCESS, _PURPOSE_OF_ACCESS) if tables else (_MARK, _PURPOSE_OF_MARK)
        sections.append(_Section(named[0], f"{named[1]} {_SKIP}", closing))
    re_run = f"{_HOW_TO_RUN}: {_WHAT_A_RE_RUN_DOES}" if tables else f"{_HOW_TO_RUN}."
    text = _header(label, title, re_run, sections) + "".join(map(str, sections))
    parse(Source(label, text))
    return text


@dataclass(frozen=True)
class _Section:
    """What stands under one headline: its title, what it is for, and its blocks of SQL."""

    title: str
    purpose: str
    blocks: list[str]

    def __str__(self) -> str:
        return "\n" + "\n".join([_banner(self.title, self.purpose), *self.blocks])


_CHANGES_BY_NAME = {"GrantStmt", "CommentStmt", "DropStmt"}
"""The statements that name what they change in a list, not as their relation."""


def _changes(statements: Iterable[Statement], table: Table) -> bool:
    """Whether statements change a table, or who may use it."""
    for statement in statements:
        node = statement.node.get("relation") or statement.node.get("table")
        if isinstance(node, dict) and "relname" in node:
            if statement.kind != "CreateStmt" and range_name(node).qualified() == table.name:
                return True
        elif statement.kind in _CHANGES_BY_NAME and any(
            mention.object == relation(table.name) for mention in requires(statement)
        ):
            return True
    return False


def _check_generated(label: str, text: str) -> None:
    """What stands before the fragments must be SQL too, its DO bodies included.

    Raises:
        SourceError: It is not: the fault is ours, or that of an object's odd name.
    """
    source = Source(label, text)
    for place in parse(source).opaque:
        if place.reason.startswith("its body"):
            raise SourceError(source.finding(place.offset, "syntax", place.reason))


def _terminated(sql: SqlFile) -> str:
    """The text of a fragment, with the semicolon that its last statement may lack."""
    source = sql.source
    if sql.statements:
        end = sql.statements[-1].end
        if not any(token.name == "ASCII_59" for token in scan(source.data[end:].decode())):
            return (source.data[:end] + b";" + source.data[end:]).decode().strip()
    return source.text.strip()


def _header(label: str, title: str, how_to_run: str, sections: Sequence[_Section]) -> str:
    """The first lines: what this is, how to run it, and what stands at which line."""
    text = [
        f"-- {title}",
        "--",
        f"-- Built by `schema build {label}`: change a fragment, never this file.",
        "--",
        *_comment(how_to_run).splitlines(),
        "--",
        "-- Line",
    ]
    line = len(text) + len(sections) + 3
    for section in sections:
        said = (
            f"{section.title}: {_skip_note(section)}" if _SKIP in section.purpose else section.title
        )
        text.append(f"-- {line:>6}  {said}")
        line += str(section).count("\n")
    return "\n".join(text) + "\n"


def _skip_note(section: _Section) -> str:
    purpose, _, _ = section.purpose.partition(". ")
    return f"{purpose[0].lower()}{purpose[1:]}. Generated: skip it"


def _banner(title: str, purpose: str) -> str:
    lines = [_RULE, f"-- {title}"]
    if purpose:
        lines += textwrap.wrap(purpose, 96, initial_indent="-- ", subsequent_indent="-- ")
    return "\n".join([*lines, _RULE, ""])


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="-- ", subsequent_indent="-- ") + "\n"


def _purposes(parts: Sequence[Part], declared: DeclaredSchema) -> dict[str, str]:
    """For each section, the comments of the tables that it creates."""
    sections = {part.sql.path: part.section for part in parts}
    comments: dict[str, list[str]] = {}
    for table in declared.tables.values():
        comments.setdefault(sections[table.path], []).append(table.comment or "")
    return {section: " ".join(filter(None, texts)) for section, texts in comments.items()}


def _refuse_unguardable(part: Part, own: set[Object]) -> None:
    """A table that has no reference table before the migration has run cannot be compared first."""
    for statement in part.sql.every_statement:
        if statement.kind != "CreateStmt":
            continue
        name = range_name(statement.node["relation"]).qualified()
        if name.schema != "public":
            remedy = "the guard compares tables of the schema public; create the table there"
            _refuse(statement, statement.start, f"the guard cannot compare {name}", remedy)
        if reason := without_reference(statement):
            message = f"the guard cannot compare {name}: {reason}"
            remedy = "ship an ordinary table, or this one by another way than these migrations"
            _refuse(statement, statement.start, message, remedy)
        for mention in requires(statement):
            if mention.object in own and mention.object.kind in {"type", "function"}:
                message = f"the guard cannot compare {name}: this migration makes {mention.object}"
                remedy = "ship that with an earlier migration, or use TEXT with a CHECK"
                _refuse(statement, mention.offset, message, remedy)


def _refuse(statement: Statement, offset: int, message: str, remedy: str) -> None:
    source = statement.source
    finding = source.finding(offset, "unguarded-table", message, remedy)
    raise SourceError(finding, source.excerpt(source.position(offset)))
