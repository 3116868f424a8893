"""Columns have PostgreSQL's plain types: timestamptz, text, jsonb, numeric, identity.

What: A column of type timestamp, timetz, varchar, char, json, money, serial, name, or one
    that PostgreSQL keeps for itself.
Why: timestamp forgets its time zone; varchar(n) and char(n) are text with a limit that is hard to
    change, or padding; json keeps white space and has no equality; money depends on the server's
    locale; a serial's sequence has rights of its own.
Instead: TIMESTAMPTZ, TEXT with a CHECK on its length, JSONB, NUMERIC, GENERATED ALWAYS AS IDENTITY.
When to allow: A column that must equal one of another system, byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import SERIAL_TYPES, type_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "plain-types"

_INSTEAD = {
    "timestamp": "TIMESTAMPTZ",
    "timetz": "TIMESTAMPTZ, or TIME without a zone",
    "varchar": "TEXT",
    "bpchar": "TEXT",
    "char": "TEXT",
    "name": "TEXT",
    "json": "JSONB",
    "money": "NUMERIC",
}
_WORDS = {"int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT"}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each column of a type with a better cousin."""
    facts = workspace.facts(file)
    places = [(column.statement, column.name, column.node) for column in facts.columns]
    places += [
        (command.statement, command.node["name"], command.definition)
        for command in facts.commands
        if command.kind == "AlterColumnType"
    ]
    for statement, name, node in places:
        if "typeName" not in node:
            continue  # A column of a partition or of a typed table has its type elsewhere.
        written = type_text(node["typeName"])
        plain = written.partition("(")[0].removesuffix("[]").strip('"')
        instead = _INSTEAD.get(plain)
        if plain in SERIAL_TYPES:
            instead = f"{_WORDS[SERIAL_TYPES[plain]]} GENERATED ALWAYS AS IDENTITY"
        if instead:
            yield statement.finding(
                ID, f"{name} is {written}", f"make it {instead}", node["typeName"]
            )
