"""The guard: knows which differences a re-run must refuse, and how SQL asks for them; runs nothing.

What it compares, and that it refuses instead of repairing, is recorded in docs/decisions.md.
"""

from __future__ import annotations

import re
import textwrap
from importlib.resources import files
from typing import TYPE_CHECKING

from schema_assemble.twins import index_twin, parent_twins, table_twin, twin_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema_sql.declared import DeclaredSchema, Table
    from schema_sql.objects import Object


INDENT = "  "


def _fill(template: str, **marks: str) -> str:
    """A template with its marks replaced, all at once: what is filled in may look like a mark."""
    text = files("schema_assemble").joinpath("templates", template).read_text(encoding="utf-8")
    return re.sub(r"/\*([a-z]+)\*/", lambda mark: marks[mark[1]], text)


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


def needed_check(thing: Object) -> str:
    """The SQL condition that an object exists.

    Raises:
        ValueError: It is of a kind that no migration can need: see ``ASKED``.
    """
    match thing.kind:
        case "role":
            return f"EXISTS (SELECT FROM pg_roles WHERE rolname = {_bare(thing.name)})"
        case "schema":
            return f"to_regnamespace({literal(thing.name)}) IS NOT NULL"
        case "type":
            return f"to_regtype({literal(thing.name)}) IS NOT NULL"
        case "relation" | "index":
            return f"to_regclass({literal(thing.name)}) IS NOT NULL"
        case "function":
            schema, name = re.findall(r'"(?:[^"]|"")*"|[^.]+', thing.name)
            return (
                "EXISTS (\n"
                "  SELECT FROM pg_proc\n"
                "  JOIN pg_namespace ON pg_namespace.oid = pronamespace\n"
                f"  WHERE nspname = {_bare(schema)} AND proname = {_bare(name)}\n"
                ")"
            )
        case "key":
            return _key_check(thing)
    raise ValueError(f"a migration does not ask for a {thing.kind}")


ASKED = ("schema", "role", "function", "type", "relation", "index", "key")
"""The kinds of objects that a migration asks for, in the order in which it does."""


def _bare(name: str) -> str:
    """A name as the catalog holds it, as an SQL literal."""
    return literal(name[1:-1].replace('""', '"') if name.startswith('"') else name)


def _key_check(key: Object) -> str:
    table, _, columns = key.name.removesuffix(")").partition(" (")
    if columns == "primary key":
        condition = "indisprimary"
    else:
        names = ", ".join(sorted(_bare(column) for column in columns.split(", ")))
        condition = (
            "indisunique AND indisvalid AND indimmediate\n"  # noqa: S608 - names are quoted
            "    AND indpred IS NULL AND indexprs IS NULL\n"
            "    AND ARRAY(\n"
            "      SELECT attname::TEXT FROM pg_attribute\n"
            "      WHERE attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])\n"
            '      ORDER BY attname COLLATE "C"\n'
            f"    ) = ARRAY[{names}]"
        )
    return (
        "EXISTS (\n"
        "  SELECT FROM pg_index\n"
        f"  WHERE indrelid = to_regclass({literal(table)})\n"
        f"    AND {condition}\n"
        ")"
    )


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
    parts = [_fill("head.sql" if tables else "head_without_tables.sql", names=_names(tables))]
    if needed:
        parts.append(_fill("platform.sql", needed=_needed_rows(needed)))
    if tables:
        parents = dict(parent_twins(tables, known, INDENT))
        names = [*(twin_name(table.name) for table in reversed(tables)), *parents]
        twins = [*parents.values(), *(table_twin(table, INDENT) for table in tables)]
        indexes = [index.statement for table in tables for index in table.indexes]
        parts.append(
            _fill(
                "shapes.sql",
                twins="\n".join(twins),
                indexes="\n".join(index_twin(statement, INDENT) for statement in indexes),
                drops=",\n    ".join(f"pg_temp.{name}" for name in names),
            )
        )
    return _quoted("guard", "\n".join(parts) + "\nEND\n")


def _quoted(word: str, body: str) -> str:
    """A DO block whose body is quoted by a word that does not stand in it."""
    tag, number = f"${word}$", 1
    while tag in body:
        tag, number = f"${word}{number}$", number + 1
    return f"DO {tag}\n{body}{tag};\n"


def exact_access(tables: Sequence[Table]) -> str:
    """The DO block that removes policies and grants which the migration does not declare."""
    policies = ",\n".join(
        literal(f"{table.name.name}.{policy}") for table in tables for policy in table.policies
    )
    roles = sorted({role for table in tables for role in table.acl} - {"PUBLIC"})
    body = _fill(
        "access.sql",
        names=_names(tables),
        policies=textwrap.indent(policies, "        "),
        roles=", ".join(literal(role) for role in roles),
    )
    return _quoted("access", body)
