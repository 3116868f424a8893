"""The migration: knows the order and the dress of its parts; knows no files and no clock."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import scan

from schema_assemble.guard import Needed, exact_access, guard, preamble, take_existing
from schema_assemble.twins import without_twin
from schema_sql.declared import DeclaredSchema
from schema_sql.names import range_name
from schema_sql.objects import provides, requires
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema_sql.objects import Object
    from schema_sql.statements import SqlFile, Statement

LOCK_NAME = "supabase/migrations"
"""What all our migrations lock: they touch the same tables."""

_RULE = "-- " + "-" * 95

_OPENING = "Before anything changes"
_CLOSING = "When everything is made"

_WHY_GUARD = (
    "The guard. CREATE TABLE IF NOT EXISTS accepts a table of any shape, so the shape is compared "
    "first: one exception lists every difference, and nothing is repaired or changed. Columns and "
    "constraints that a later migration has added are no difference, but for foreign keys that "
    "would delete or change declared columns, or double a declared key."
)

_WHY_PLATFORM_GUARD = (
    "The guard: one exception lists everything that is missing, and nothing is changed."
)

_WHY_TAKE_EXISTING = (
    "Tables that exist already are taken all at once, or let go of again while one of them is in "
    "use: to hold some while waiting for others stops everybody on those, and ends in deadlocks. "
    "What a role may pass on is taken back here, because it stands in the way of the REVOKEs below."
)

_WHY_EXACT_ACCESS = (
    "On these tables, access is exactly what this file declares: a single policy too many would "
    "let a tenant see the others. Last, because default privileges and event triggers may have "
    "given the new tables more."
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
    known: Sequence[SqlFile] = (),
    needed: Sequence[Needed] = (),
) -> str:
    """Put a migration together.

    Args:
        label: The target that is built, for the header.
        title: What the migration is about, in one line.
        parts: The fragments, in order. Those of one section that follow each other share a banner.
        known: The SQL of what exists before: stubs and fragments of earlier migrations.
        needed: What of it must be there; the guard asks for it.

    Returns:
        The text of the migration. It depends on the arguments alone.

    Raises:
        SourceError: A table cannot be guarded: it is in another schema than public, or made of
            something that the migration itself creates.
    """
    statements = [statement for part in parts for statement in part.sql.statements]
    # Policies that a DO block makes are declared as well.
    declared = DeclaredSchema(s for part in parts for s in part.sql.every_statement)
    before = (s for sql in known for s in sql.every_statement)
    everything = DeclaredSchema([*before, *statements])
    tables = list(declared.tables.values())
    own = {mention.object for statement in statements for mention in provides(statement)}
    for part in parts:
        _refuse_unguardable(part, own)
    blocks = [
        _header(label, title, parts),
        _banner(_OPENING, ""),
        preamble(LOCK_NAME),
    ]
    closing: list[str] = []
    if tables or needed:
        why = _WHY_GUARD if tables else _WHY_PLATFORM_GUARD
        blocks.append(_comment(why) + guard(tables, everything, needed))
    if tables:
        blocks.append(_comment(_WHY_TAKE_EXISTING) + take_existing(tables))
        closing = [_banner(_CLOSING, ""), _comment(_WHY_EXACT_ACCESS) + exact_access(tables)]
    _check_generated(label, "\n".join([*blocks, *closing]))
    purposes = _purposes(parts, declared)
    section = ""
    for part in parts:
        if part.section != section:
            section = part.section
            blocks.append(_banner(section, purposes.get(section, "")))
        blocks.append(f"-- Source: {part.sql.path}\n{_terminated(part.sql)}\n")
    text = "\n".join([*blocks, *closing])
    parse(Source(label, text))
    return text


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


def _header(label: str, title: str, parts: Sequence[Part]) -> str:
    sections = list(dict.fromkeys(part.section for part in parts))
    text = [
        f"-- {title}",
        "--",
        f"-- Generated: `schema build {label}`.",
        "-- Do not edit it: each fragment is named where it begins; change that and build again.",
        "--",
        "-- Safe to run again: over its own result it changes nothing, and after a run that was",
        "-- cut off it ends in the same place. It begins and commits no transaction, because the",
        "-- Supabase CLI and the SQL editor run the whole file as one. With psql:",
        "--   psql -1 -v ON_ERROR_STOP=1 -f FILE",
    ]
    if len(sections) > 1:
        text += ["--", *(f"-- {n}. {section}" for n, section in enumerate(sections, 1))]
    return "\n".join(text) + "\n"


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
    """A table that has no twin before the migration has run cannot be compared first."""
    for statement in part.sql.every_statement:
        if statement.kind != "CreateStmt":
            continue
        name = range_name(statement.node["relation"]).qualified()
        if name.schema != "public":
            remedy = "the guard compares tables of the schema public; create the table there"
            _refuse(statement, statement.start, f"the guard cannot compare {name}", remedy)
        if reason := without_twin(statement):
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
