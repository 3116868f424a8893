"""The guard: knows what a run must refuse or put right, and how SQL asks for it; runs nothing.

What it compares, and that it refuses instead of repairing, is recorded in docs/decisions.md.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from schema_assemble.expected_facts import expected_digest
from schema_assemble.reference_tables import (
    reference_index,
    reference_parents,
    reference_table,
    wrapped,
)
from schema_sql.names import quote, type_text
from schema_sql.objects import requires

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schema_sql.declared import DeclaredSchema, Table
    from schema_sql.objects import Object
    from schema_sql.statements import Statement


LOCK_TIMEOUT = "5s"
"""How long a run waits for any one lock: long enough for a request, too short to pile up others."""

LOGIN_ROLE = "authenticator"
"""The role that the Data API logs in as; it may become each of the API's other roles
(https://supabase.com/docs/guides/database/postgres/roles)."""

WRITES = {"UPDATE", "DELETE", "TRUNCATE"}
"""The privileges without which a table is append-only."""

_GRANTED_ON_SUPABASE = "Grant it: every Supabase project has it."


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _fill(template: str, **marks: str) -> str:
    """A template with its marks replaced, all at once: what is filled in may look like a mark."""
    return re.sub(r"/\*([a-z]+)\*/", lambda mark: marks[mark[1]], _template(template))


def _template(name: str) -> str:
    return files("schema_assemble").joinpath("templates", name).read_text(encoding="utf-8")


def _array(name: str, kind: str, items: Iterable[str]) -> str:
    """A constant of a DO block: an array of texts, in lines as full as they may be."""
    listed = ", ".join(map(literal, items))
    one = f"{name} CONSTANT {kind}[] := ARRAY[{listed}]"
    if not listed:
        return f"  {name} CONSTANT {kind}[] := '{{}}';\n"
    return f"{wrapped(one, '  ')};\n"


def _quoted(word: str, body: str) -> str:
    """A DO block whose body is quoted by a word that does not stand in it."""
    tag, number = f"${word}$", 1
    while tag in body:
        tag, number = f"${word}{number}$", number + 1
    return f"DO {tag}\n{body}{tag};\n"


def settings(lock_name: str) -> str:
    """The first statements: be quiet, give up soon, and let no second run in."""
    return f"""\
SET LOCAL client_min_messages = warning; -- hide NOTICEs such as "already exists, skipping"
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; -- a waiting lock request blocks all later queries

-- One run at a time: a second run waits for the first, and gives up after {LOCK_TIMEOUT}.
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


ASKED = ("schema", "role", "function", "type", "relation", "index", "key")
"""The kinds of objects that a migration asks for, in the order in which it does."""


@dataclass(frozen=True)
class History:
    """Where a migration stands among the others.

    Attributes:
        name: Its own name: that of its file, without the ending.
        earlier: The names of those that ship before it.
    """

    name: str
    earlier: tuple[str, ...] = ()


def needed_check(needed: Needed) -> str:
    """The SQL condition that an object exists.

    It reads the catalog, because to_regclass('schema.name') raises where the caller lacks USAGE on
    the schema.

    Raises:
        ValueError: It is of a kind that no migration can need: see ``ASKED``.
    """
    thing = needed.object
    match thing.kind:
        case "role":
            return f"to_regrole({literal(thing.name)}) IS NOT NULL"
        case "schema":
            return _may("schema", f"to_regnamespace({literal(thing.name)})::OID", "USAGE")
        case "type":
            return _exists("pg_type", "typ", thing.name)
        case "relation" | "index":
            return _exists("pg_class", "rel", thing.name)
        case "function":
            return _function_check(thing, needed.made_by)
        case "key":
            return _key_check(thing)
    raise ValueError(f"a migration does not ask for a {thing.kind}")


def _may(kind: str, thing: str, privilege: str) -> str:
    return f"coalesce(has_{kind}_privilege({thing}, '{privilege}'), FALSE)"


def _parts(name: str) -> tuple[str, str]:
    """Schema and name of a qualified name, as SQL writes them."""
    schema, bare = re.findall(r'"(?:[^"]|"")*"|[^.]+', name)
    return schema, bare


def _bare(name: str) -> str:
    """A name as the catalog holds it, as an SQL literal."""
    return literal(name[1:-1].replace('""', '"') if name.startswith('"') else name)


def _named(catalog: str, prefix: str, name: str) -> str:
    """FROM and WHERE clauses that find a named object."""
    schema, bare = _parts(name)
    return (
        f"FROM {catalog} WHERE {prefix}namespace = to_regnamespace({literal(schema)})"
        f" AND {prefix}name = {_bare(bare)}"
    )


def _exists(catalog: str, prefix: str, name: str) -> str:
    return f"EXISTS (SELECT {_named(catalog, prefix, name)})"


def _oid(catalog: str, prefix: str, name: str) -> str:
    return f"(SELECT oid {_named(catalog, prefix, name)})"


def _function(function: Object, made_by: Statement | None) -> str:
    """FROM and WHERE clauses that find a function with the signature that is expected."""
    found = _named("pg_proc", "pro", function.name)
    if made_by is None or "returnType" not in made_by.node:
        return found
    modes = [item["FunctionParameter"].get("mode") for item in made_by.node.get("parameters", ())]
    count = sum(mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"} for mode in modes)
    returned = literal(type_text(made_by.node["returnType"]))
    return f"{found} AND pronargs = {count} AND prorettype = to_regtype({returned})"


def _function_check(function: Object, made_by: Statement | None) -> str:
    return f"EXISTS (SELECT {_function(function, made_by)})"


def _key_check(key: Object) -> str:
    table, _, columns = key.name.removesuffix(")").partition(" (")
    if columns == "primary key":
        condition = "indisprimary"
    else:
        names = ", ".join(sorted(_bare(column) for column in columns.split(", ")))
        condition = (
            "indisunique AND indisvalid AND indimmediate AND indpred IS NULL AND indexprs IS NULL"  # noqa: S608 - names are quoted
            " AND ARRAY(SELECT attname::TEXT FROM pg_attribute WHERE attrelid = indrelid AND"
            " attnum = ANY (indkey[0:indnkeyatts - 1]) ORDER BY attname"
            f' COLLATE "C") = ARRAY[{names}]'
        )
    relation = _oid("pg_class", "rel", table)
    return f"EXISTS (SELECT FROM pg_index WHERE indrelid = {relation} AND {condition})"


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


def _session_rows() -> list[str]:
    """What the session that runs the file must have, as rows of what, help, met.

    Under REPEATABLE READ the comparison would see the catalog as it was before it waited for the
    locks; and with another schema before pg_catalog, policies are made with that one's operators.
    """
    return [
        _row(
            "transaction isolation level READ COMMITTED",
            "SET default_transaction_isolation = 'read committed' first.",
            "current_setting('transaction_isolation') = 'read committed'",
        ),
        _row(
            "pg_catalog first in search_path",
            "SET search_path = public first: another schema would hide PostgreSQL's operators.",
            "'pg_catalog' = (SELECT name FROM unnest(schemas) AS name"
            " WHERE name NOT LIKE 'pg\\_temp\\_%' LIMIT 1)",
        ),
    ]


def _runner_rows(tables: Sequence[Table]) -> list[str]:
    """Whoever makes tables owns them, so the runner must be no role as which the API can act."""
    if not _callers(tables):
        return []
    condition = (
        "NOT EXISTS (SELECT FROM unnest(callers) AS name"
        " WHERE pg_has_role(to_regrole(quote_ident(name)), current_user, 'MEMBER'))"
    )
    what = "a role to run this as which no API role can act"
    return [_row(what, "Run this file as the owner of the database.", condition)]


def _row(what: str, remedy: str, condition: str) -> str:
    return f"({literal(what)}, {literal(remedy)}, {condition})"


def _needed_rows(needed: Sequence[Needed]) -> list[str]:
    rows = []
    for item in needed:
        thing = item.object
        if thing.kind == "role":
            continue
        rows.append(_row(_said(item), item.remedy, needed_check(item)))
        if thing.kind == "key":
            table = thing.name.partition(" (")[0]
            # NULL where the table is missing, of which that alone is said.
            check = f"has_any_column_privilege({_oid('pg_class', 'rel', table)}, 'REFERENCES')"
            owner = f"Run this file as the owner of {table}."
            rows.append(_row(f"the privilege to reference {table}", owner, check))
    return rows


def _role_queries(needed: Sequence[Needed]) -> list[str]:
    """Queries of the same rows for the roles that must exist, one a remedy."""
    roles: dict[str, list[str]] = {}
    for item in needed:
        if item.object.kind == "role":
            roles.setdefault(item.remedy, []).append(literal(item.object.name))
    return [
        f"SELECT 'role ' || name, {literal(remedy)}, to_regrole(name) IS NOT NULL"  # noqa: S608
        f" FROM unnest(ARRAY[{', '.join(names)}]) AS name"
        for remedy, names in roles.items()
    ]


def _caller_queries(tables: Sequence[Table], needed: Sequence[Needed]) -> list[str]:
    """Queries of the same rows for what those lack whom the migration grants something.

    Of roles, schemas and functions that are missing, that alone is said.
    """
    made_by = {item.object: item.made_by for item in needed if item.object.kind == "function"}
    schemas = {(table.name.schema, role) for table in tables for role in _grantees(table)}
    functions = {
        (mention.object, role)
        for table in tables
        for policy in table.policies.values()
        for mention in requires(policy.statement)
        for role in policy.roles
        if mention.object in made_by and role != "PUBLIC"
    }
    schemas |= {(_schema_of(function), role) for function, role in functions}
    pairs = [f"({_bare(schema)}, {literal(role)})" for schema, role in sorted(schemas)]
    # Whoever runs this, too.
    listed = ", ".join(["('public', current_user)", *pairs])
    usage = (
        "SELECT format('USAGE on schema %I for %I', nspname, rolname),"  # noqa: S608
        f" {literal(_GRANTED_ON_SUPABASE)},"
        " has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'USAGE')"
        f" FROM pg_roles, pg_namespace WHERE (nspname, rolname) IN ({listed})"
    )
    queries = [usage]
    for function, role in sorted(functions):
        clauses = _function(function, made_by[function])
        queries.append(
            f"SELECT {literal(f'EXECUTE on function {function.name}() for {quote(role)}')},"
            f" {literal(_GRANTED_ON_SUPABASE)}, has_function_privilege("
            f"to_regrole({literal(quote(role))})::OID, oid, 'EXECUTE') {clauses}"
        )
    return queries


def _schema_of(function: Object) -> str:
    schema, _ = _parts(function.name)
    return schema


_WORDS = {"PUBLIC", "CURRENT_ROLE", "CURRENT_USER", "SESSION_USER"}
"""What stands for a role and is not the name of one, as ``role_name`` gives it."""


def _grantees(table: Table) -> list[str]:
    """The roles that hold a privilege on the table, by name."""
    return sorted(role for role, held in table.acl.items() if held and role not in _WORDS)


def _callers(tables: Sequence[Table]) -> list[str]:
    """The roles that somebody else can act as."""
    named = {role for table in tables for role in table.acl} - _WORDS
    return sorted({*named, LOGIN_ROLE}) if named else []


def _append_only(table: Table) -> bool:
    """Whether rows can be added and never changed."""
    held = {
        privilege.partition(" ")[0] for role in _grantees(table) for privilege in table.acl[role]
    }
    return bool(held) and not held & WRITES


def _names(tables: Iterable[Table]) -> list[str]:
    return [table.name.name for table in tables]


def guard(
    tables: Sequence[Table],
    known: DeclaredSchema,
    needed: Sequence[Needed],
    changed: Sequence[Table] = (),
    history: History | None = None,
) -> str:
    """The DO block that refuses a session or a database that the migration does not fit.

    It also takes the tables that exist, all or none at a time: while it waits for one, it holds
    others for less than PostgreSQL's deadlock_timeout.

    Args:
        tables: The tables that the migration creates, in its order.
        known: These tables and those they reference.
        needed: What must exist already.
        changed: The tables of earlier migrations that it changes.
        history: Where it stands among the migrations; None where it is none.

    Returns:
        One SQL statement. It raises one exception that lists everything, or changes nothing.
    """
    indent = " " * (8 if tables else 2)
    asked = _prerequisites(tables, needed, indent)
    if history is not None and (tables or changed):
        known_marks = ", ".join(map(literal, (*history.earlier, history.name)))
        asked += textwrap.indent(_fill("marks.sql", known=known_marks), indent)
    lists = ""
    if tables or changed:
        lists = _array("tables", "NAME", _names([*tables, *changed]))
    if not tables:
        return _quoted("guard", _fill("guard.sql", lists=lists, prerequisites=asked))
    references = [
        *reference_parents(tables, known, indent),
        *(reference_table(table, indent) for table in tables),
        *(reference_index(index, indent) for table in tables for index in table.indexes),
    ]
    lists += (
        _array("append_only", "TEXT", _names(filter(_append_only, tables)))
        + _array("callers", "TEXT", _callers(tables))
        + f"  expected CONSTANT TEXT := {literal(expected_digest(tables))}; -- md5 of the facts\n"
    )
    body = _fill(
        "tables.sql",
        lists=lists,
        prerequisites=asked,
        references="\n".join(references),
    )
    return _quoted("guard", body)


def _prerequisites(tables: Sequence[Table], needed: Sequence[Needed], indent: str) -> str:
    """The statement that finds what is missing; its lines begin with ``indent``."""
    rows = [*_session_rows(), *_runner_rows(tables), *_needed_rows(needed)]
    queries = [*_role_queries(needed), *_caller_queries(tables, needed)]
    text = ",\n".join(wrapped(row, f"{indent}  ") for row in rows)
    for query in queries:
        text += "\n" + wrapped(f"UNION ALL {query}", f"{indent}  ")
    template = textwrap.indent(_template("prerequisites.sql"), indent)
    return template.replace(f"{indent}/*rows*/", text)


def mark(tables: Sequence[Table], history: History) -> str:
    """The statements by which a migration leaves its name on the tables that it changes.

    Args:
        tables: These tables; one without a primary key carries no mark.
        history: Where the migration stands among the others.
    """
    text = literal(f"Last migration: {history.name}")
    return "".join(
        f"COMMENT ON CONSTRAINT {quote(name)} ON {table.name} IS\n  {text};\n"
        for table in tables
        if (name := _primary_key_name(table))
    )


def _primary_key_name(table: Table) -> str:
    key = table.primary_key
    return "" if key is None else key.name or f"{table.name.name}_pkey"


def exact_access(tables: Sequence[Table]) -> str:
    """The DO block that removes policies and grants which the migration does not declare.

    It stands behind the fragments: default privileges and event triggers give new tables more than
    was asked for.
    """
    policies = [f"{table.name.name}.{policy}" for table in tables for policy in table.policies]
    granted = [
        f"{table.name.name}|{role}|{', '.join(sorted(held))}"
        for table in tables
        for role, held in sorted(table.acl.items())
        if held and (role == "PUBLIC" or role not in _WORDS)
    ]
    lists = (
        _array("tables", "TEXT", _names(tables))
        + _array("callers", "TEXT", _callers(tables))
        + _array("policies", "TEXT", policies)
        + _array("granted", "TEXT", granted)
    )
    return _quoted("access", _fill("access.sql", lists=lists))
