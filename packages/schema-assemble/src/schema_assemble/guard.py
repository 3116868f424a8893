"""The guard: knows which differences a re-run must refuse, and how SQL asks for them; runs nothing.

What it compares, and that it refuses instead of repairing, is recorded in docs/decisions.md.
"""

from __future__ import annotations

import textwrap
from importlib.resources import files
from typing import TYPE_CHECKING

from schema_assemble.twins import index_twin, parent_twins, table_twin, twin_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema_sql.declared import DeclaredSchema, Table
    from schema_sql.objects import Object


def _template(name: str) -> str:
    return files("schema_assemble").joinpath("templates", name).read_text(encoding="utf-8")


LOCK_TIMEOUT = "5s"
"""How long a run waits for any one lock: long enough for a request, too short to pile up others."""


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def preamble(lock_name: str) -> str:
    """The first statements: give up soon, and let no second run in."""
    return f"""\
-- Give up rather than queue behind a long transaction and block everybody else.
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';

-- One run at a time. (Both need the file to run as one transaction: `psql -1`, or any tool that
-- sends it whole.)
SELECT pg_advisory_xact_lock(hashtextextended({literal(lock_name)}, 0));
"""


def needed_check(thing: Object) -> str:  # noqa: PLR0911 - one case per kind of object
    """The SQL condition that an object exists."""
    schema, _, name = thing.name.partition(".")
    match thing.kind:
        case "role":
            return f"EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(thing.name)})"
        case "schema":
            return f"to_regnamespace({literal(thing.name)}) IS NOT NULL"
        case "type":
            return f"to_regtype({literal(thing.name)}) IS NOT NULL"
        case "function":
            return (
                "EXISTS (\n"
                "  SELECT FROM pg_proc\n"
                "  JOIN pg_namespace ON pg_namespace.oid = pronamespace\n"
                f"  WHERE nspname = {literal(schema)} AND proname = {literal(name)}\n"
                ")"
            )
        case "column":
            table, _, column = thing.name.rpartition(".")
            return (
                "EXISTS (\n"
                "  SELECT FROM pg_attribute\n"
                f"  WHERE attrelid = to_regclass({literal(table)})\n"
                f"    AND attname = {literal(column)} AND NOT attisdropped\n"
                ")"
            )
        case "key":
            table, _, columns = thing.name.removesuffix(")").partition(" (")
            names = ", ".join(literal(column) for column in columns.split(", "))
            return (
                "EXISTS (\n"  # noqa: S608 - every name in it is quoted as a literal
                "  SELECT FROM pg_index\n"
                f"  WHERE indrelid = to_regclass({literal(table)})\n"
                "    AND indisunique AND indisvalid AND indimmediate\n"
                "    AND indpred IS NULL AND indexprs IS NULL\n"
                "    AND ARRAY(\n"
                "      SELECT attname::TEXT FROM pg_attribute\n"
                "      WHERE attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])\n"
                "      ORDER BY attname\n"
                f"    ) = ARRAY[{names}]\n"
                ")"
            )
    return f"to_regclass({literal(thing.name)}) IS NOT NULL"


def _row(name: str, condition: str, remedy: str) -> str:
    condition = textwrap.indent(condition, "  ")
    return f"(\n  {literal(name)},\n{condition},\n  {literal(remedy)}\n)"


def _needed_rows(needed: Sequence[tuple[Object, str]]) -> str:
    words = {"relation": "table", "key": "unique key"}
    rows = []
    for thing, remedy in needed:
        name = f"{words.get(thing.kind, thing.kind)} {thing.name}"
        name += "()" if thing.kind == "function" else ""
        rows.append(_row(name, needed_check(thing), remedy))
        if thing.kind == "key":
            table = thing.name.partition(" (")[0]
            check = f"has_table_privilege(to_regclass({literal(table)}), 'REFERENCES')"
            owner = f"Run this file as the owner of {table}."
            rows.append(_row(f"the privilege to reference {table}", check, owner))
    return textwrap.indent(",\n".join(rows), "    ")


def _names(tables: Sequence[Table]) -> str:
    names = ", ".join(literal(table.name.name) for table in tables)
    return textwrap.indent(textwrap.fill(names, 92), "    ")


def guard(
    tables: Sequence[Table], known: DeclaredSchema, needed: Sequence[tuple[Object, str]]
) -> str:
    """The DO block that refuses a database which is not what the migration was written for.

    Args:
        tables: The tables that the migration creates, in its order.
        known: These tables and those they reference.
        needed: What must exist already, each with the remedy where it does not.

    Returns:
        One SQL statement. It raises one exception that lists everything, or changes nothing.
    """
    head = _template("head.sql" if tables else "head_without_tables.sql")
    parts = [head.replace("/*names*/", _names(tables))]
    if needed:
        parts.append(_template("platform.sql").replace("/*needed*/", _needed_rows(needed)))
    if tables:
        twins = [*parent_twins(tables, known), *(table_twin(table) for table in tables)]
        indexes = [index_twin(index.statement) for table in tables for index in table.indexes]
        all_twins = [twin_name(table.name) for table in reversed(tables)]
        all_twins += [
            statement.split("pg_temp.")[1].split(" (")[0]
            for statement in parent_twins(tables, known)
        ]
        shapes = (
            _template("shapes.sql")
            .replace("/*twins*/", textwrap.indent("\n".join(twins), "  "))
            .replace("/*indexes*/", textwrap.indent("\n".join(indexes), "  "))
            .replace("/*drops*/", ",\n    ".join(f"pg_temp.{name}" for name in all_twins))
        )
        parts.append(shapes)
    parts.append("END\n$guard$;\n")
    return "\n".join(parts)


def exact_access(tables: Sequence[Table]) -> str:
    """The DO block that removes policies and grants which the migration does not declare."""
    policies = ",\n".join(
        literal(f"{table.name.name}.{policy}") for table in tables for policy in table.policies
    )
    roles = sorted({role for table in tables for role in table.acl} - {"PUBLIC"})
    return (
        _template("access.sql")
        .replace("/*names*/", _names(tables))
        .replace("/*policies*/", textwrap.indent(policies, "        "))
        .replace("/*roles*/", ", ".join(literal(role) for role in roles))
    )
