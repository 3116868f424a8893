"""The guard: knows which differences a re-run must refuse, and how SQL asks for them; runs nothing.

What it compares, and that it refuses instead of repairing, is recorded in docs/decisions.md.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from schema_assemble.twins import index_twin, parent_twins, table_twin, twin_name
from schema_sql.names import type_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema_sql.declared import DeclaredSchema, Table
    from schema_sql.objects import Object
    from schema_sql.statements import Statement


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

-- One run at a time. (This lock and that timeout need the file to run as one transaction: with
-- `psql -1`, or any tool that sends it whole.)
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended({literal(lock_name)}, 0));
"""


@dataclass(frozen=True)
class Needed:
    """Something that must exist before the migration runs.

    Attributes:
        object: What it is.
        remedy: What to do where it is missing.
        made_by: The statement that makes it in the local database, where that is known: a function
            must take as many arguments and return the same type.
    """

    object: Object
    remedy: str
    made_by: Statement | None = None


def needed_check(needed: Needed) -> str:
    """The SQL condition that an object exists.

    Raises:
        ValueError: It is of a kind that no migration can need: see ``ASKED``.
    """
    thing = needed.object
    match thing.kind:
        case "role":
            return f"EXISTS (SELECT FROM pg_roles WHERE rolname = {_bare(thing.name)})"
        case "schema":
            found = f"to_regnamespace({literal(thing.name)})::OID"
            return f"coalesce(has_schema_privilege({found}, 'USAGE'), FALSE)"
        case "type":
            return f"to_regtype({literal(thing.name)}) IS NOT NULL"
        case "relation" | "index":
            return f"to_regclass({literal(thing.name)}) IS NOT NULL"
        case "function":
            return _function_check(thing, needed.made_by)
        case "key":
            return _key_check(thing)
    raise ValueError(f"a migration does not ask for a {thing.kind}")


ASKED = ("schema", "role", "function", "type", "relation", "index", "key")
"""The kinds of objects that a migration asks for, in the order in which it does."""


def _bare(name: str) -> str:
    """A name as the catalog holds it, as an SQL literal."""
    return literal(name[1:-1].replace('""', '"') if name.startswith('"') else name)


def _function_check(function: Object, made_by: Statement | None) -> str:
    schema, name = re.findall(r'"(?:[^"]|"")*"|[^.]+', function.name)
    signature = ""
    if made_by is not None and "returnType" in made_by.node:
        modes = [
            item["FunctionParameter"].get("mode") for item in made_by.node.get("parameters", ())
        ]
        count = sum(mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"} for mode in modes)
        returned = literal(type_text(made_by.node["returnType"]))
        signature = f"\n    AND pronargs = {count} AND prorettype = to_regtype({returned})"
    return (
        "EXISTS (\n"
        "  SELECT FROM pg_proc\n"
        "  JOIN pg_namespace ON pg_namespace.oid = pronamespace\n"
        f"  WHERE nspname = {_bare(schema)} AND proname = {_bare(name)}{signature}\n"
        ")"
    )


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


def _needed_rows(needed: Sequence[Needed]) -> str:
    rows = []
    for item in needed:
        thing = item.object
        rows.append(_row(_said(item), needed_check(item), item.remedy))
        if thing.kind == "key":
            table = thing.name.partition(" (")[0]
            check = f"has_table_privilege(to_regclass({literal(table)}), 'REFERENCES')"
            owner = f"Run this file as the owner of {table}."
            rows.append(_row(f"the privilege to reference {table}", check, owner))
    return textwrap.indent(",\n".join(rows), "    ")


def _said(needed: Needed) -> str:
    """An object in the words of somebody who looks for it."""
    thing, made_by = needed.object, needed.made_by
    match thing.kind:
        case "relation":
            return f"table {thing.name}"
        case "key":
            return f"unique key {thing.name}"
        case "schema":
            return f"schema {thing.name} (with USAGE on it)"
        case "function" if made_by is not None and "returnType" in made_by.node:
            return f"function {thing.name}() returning {type_text(made_by.node['returnType'])}"
    return str(thing)


def _names(tables: Sequence[Table]) -> str:
    names = ", ".join(literal(table.name.name) for table in tables)
    return textwrap.indent(textwrap.fill(names, 92), "    ")


def guard(tables: Sequence[Table], known: DeclaredSchema, needed: Sequence[Needed]) -> str:
    """The DO block that refuses a database which is not what the migration was written for.

    Args:
        tables: The tables that the migration creates, in its order.
        known: These tables and those they reference.
        needed: What must exist already.

    Returns:
        One SQL statement. It raises one exception that lists everything, or changes nothing.
    """
    names = f"  tables CONSTANT TEXT[] := ARRAY[\n{_names(tables)}\n  ];\n" if tables else ""
    parts = []
    if needed:
        parts.append(_fill("platform.sql", needed=_needed_rows(needed)))
    if tables:
        parents = dict(parent_twins(tables, known, INDENT))
        made = [*(twin_name(table.name) for table in reversed(tables)), *parents]
        twins = [*parents.values(), *(table_twin(table, INDENT) for table in tables)]
        indexes = [index.statement for table in tables for index in table.indexes]
        parts.append(
            _fill(
                "shapes.sql",
                twins="\n".join(twins),
                indexes="\n".join(index_twin(statement, INDENT) for statement in indexes),
                drops=",\n    ".join(f"pg_temp.{name}" for name in made),
            )
        )
    return _quoted("guard", _fill("head.sql", tables=names) + "\n".join(parts) + "END\n")


def _quoted(word: str, body: str) -> str:
    """A DO block whose body is quoted by a word that does not stand in it."""
    tag, number = f"${word}$", 1
    while tag in body:
        tag, number = f"${word}{number}$", number + 1
    return f"DO {tag}\n{body}{tag};\n"


def take_existing(tables: Sequence[Table]) -> str:
    """The DO block that takes the tables which exist already, all or none of them at a time.

    While it waits for one, it holds others for less than PostgreSQL's deadlock_timeout. It also
    takes back what API roles may pass on, because a plain REVOKE cannot.

    Args:
        tables: The tables that the migration creates, in its order.
    """
    return _quoted("existing", _fill("existing.sql", names=_names(tables)))


def exact_access(tables: Sequence[Table]) -> str:
    """The DO block that removes policies and grants which the migration does not declare.

    It stands behind the fragments: default privileges and event triggers give new tables more than
    was asked for.
    """
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
