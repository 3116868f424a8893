"""Operators on CREATE TABLE and CREATE INDEX: columns, keys, checks, references and their order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from proofs.gates_mutation import change
from schema_sql.names import range_name
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs.gates_mutation import Mutation
    from proofs.gates_text import Code
    from schema_sql.statements import Node

_OTHER_TYPE = {
    "UUID": "TEXT",
    "TEXT": "VARCHAR(255)",
    "TEXT[]": "TEXT",
    "JSONB": "JSON",
    "TIMESTAMPTZ": "TIMESTAMP",
    "INTEGER": "BIGINT",
    "BOOLEAN": "INTEGER",
}

_OTHER_DEFAULT = {
    "UUID": ("'00000000-0000-4000-8000-000000000000'",),
    "TEXT": ("'other'",),
    "TEXT[]": ("'{other}'",),
    "JSONB": ("'[]'", "'null'"),
    "TIMESTAMPTZ": ("'epoch'", "clock_timestamp()"),
    "INTEGER": ("7",),
    "BOOLEAN": ("FALSE",),
}

_SOME_DEFAULT = {
    "UUID": "gen_random_uuid()",
    "TEXT": "''",
    "JSONB": "'{}'",
    "TIMESTAMPTZ": "now()",
}

_HOW_IT_IS_STORED = {"TEXT": "STORAGE EXTERNAL", "JSONB": "COMPRESSION pglz"}

_INDEX_OPTIONS = (
    "DEFERRABLE INITIALLY DEFERRED",
    "INCLUDE (created_at)",
    "WITH (fillfactor = 70)",
)

_KEY_OPTIONS = {
    "CONSTR_PRIMARY": _INDEX_OPTIONS,
    "CONSTR_UNIQUE": _INDEX_OPTIONS,
    "CONSTR_CHECK": ("NO INHERIT", "NOT VALID"),
    "CONSTR_FOREIGN": (
        "ON DELETE CASCADE",
        "ON DELETE SET NULL",
        "ON DELETE SET DEFAULT",
        "ON DELETE RESTRICT",
        "ON UPDATE CASCADE",
        "ON UPDATE SET NULL",
        "ON UPDATE SET DEFAULT",
        "MATCH FULL",
        "DEFERRABLE INITIALLY DEFERRED",
        "NOT VALID",
    ),
}

# A parent, a child and the platform's own.
_TABLES = ("workflow_definitions", "instance_tasks", "applications")


def table_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a CREATE TABLE.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    table = code.statement.node["relation"]["relname"]
    yield change("statement: drop CREATE TABLE", table, code.remove())
    exists = code.find("IF NOT EXISTS")
    yield change("statement: drop IF NOT EXISTS", table, code.cut(exists, exists + 3))
    yield change("table: UNLOGGED", table, code.insert(1, "UNLOGGED"))
    yield change("table: TEMPORARY", table, code.insert(1, "TEMPORARY"))
    yield from _unqualified(code, exists + 3, table)
    last_bracket = len(code.tokens)
    yield change("table: drop its bracket", table, code.cut(last_bracket - 1, last_bracket))
    first = code.find("(") + 1
    for extra in (
        "extra TEXT",
        "UNIQUE (created_at)",
        "CONSTRAINT extra_check CHECK (created_at > 'epoch')",
        "EXCLUDE USING btree (created_at WITH =)",
        "LIKE public.applications",
        (
            f"CONSTRAINT {table}_app_code_again_fkey FOREIGN KEY (app_code)"
            " REFERENCES public.applications (app_code)"
        ),
    ):
        last = code.items(first)[-1][1] - 1
        yield change("table: add an element", extra, code.insert(last + 1, f", {extra}"))
    columns: list[tuple[int, int]] = []
    type_places: list[tuple[int, int]] = []
    types: dict[str, str] = {}
    defaults: dict[str, tuple[int, int]] = {}
    lists: list[list[tuple[int, int]]] = []
    for element in code.statement.node["tableElts"]:
        ((kind, node),) = element.items()
        start = code.at(node)
        place = (start, code.end_of_item(start))
        if kind == "ColumnDef":
            columns.append(place)
            types[node["colname"]] = _type(code, node, *place)
            type_places.append((start + 1, _type_end(code, node, place[1])))
            for item in node.get("constraints", ()):
                if item["Constraint"]["contype"] == "CONSTR_DEFAULT":
                    defaults[node["colname"]] = (code.at(item["Constraint"]) + 1, place[1])
            yield from _column_mutations(code, node, *place)
        else:
            yield from _constraint_mutations(code, node, types, *place)
            if node["contype"] == "CONSTR_CHECK":
                column, values = _listed(code, start)
                lists.append(values)
                yield from _narrower(code, table, column, values, place[1])
                yield from _other_defaults(code, column, values, defaults)
    for one, other in pairwise(columns):
        fact = f"{code.tokens[one[0]].text}, {code.tokens[other[0]].text}"
        yield change("column: swap with the next", fact, *code.swap(one, other))
    for one, other in pairwise(type_places):
        if code.text(*one) != code.text(*other):
            fact = f"{code.tokens[one[0] - 1].text}, {code.tokens[other[0] - 1].text}"
            yield change("column: swap types with the next", fact, *code.swap(one, other))
    for first_list, second_list in pairwise(lists):
        edits = code.swap(*((values[0][0], values[-1][1]) for values in (first_list, second_list)))
        yield change("check: swap values with the next", table, *edits)


def _listed(code: Code, start: int) -> tuple[str, list[tuple[int, int]]]:
    """Return the column of `CHECK (column IN (…))` and where its values are."""
    opening = code.find("CHECK", start) + 1
    in_list = code.find("IN", opening + 1)
    return code.text(opening + 1, in_list), code.items(in_list + 2)


def _narrower(
    code: Code, table: str, column: str, values: list[tuple[int, int]], end: int
) -> Iterator[Mutation]:
    one = code.text(*values[0])
    check = f", CONSTRAINT {table}_{column}_check1 CHECK ({column} IN ({one}))"
    yield change("check: add a narrower one", f"{table}: {column}", code.insert(end, check))


def _other_defaults(
    code: Code,
    column: str,
    values: list[tuple[int, int]],
    defaults: dict[str, tuple[int, int]],
) -> Iterator[Mutation]:
    if column not in defaults:
        return
    place = defaults[column]
    for value in (code.text(*each) for each in values):
        if value != code.text(*place):
            fact = f"{column} {value}"
            yield change("column: another status as DEFAULT", fact, code.put(*place, value))


def _type_end(code: Code, node: Node, end: int) -> int:
    constraints = node.get("constraints")
    return code.at(constraints[0]["Constraint"]) if constraints else end


def _type(code: Code, node: Node, start: int, end: int) -> str:
    return code.text(start + 1, _type_end(code, node, end))


def _column_mutations(code: Code, node: Node, start: int, end: int) -> Iterator[Mutation]:
    name, kind = node["colname"], _type(code, node, start, end)
    type_end = _type_end(code, node, end)
    yield change("column: drop", name, code.cut_item(start, end))
    yield change("column: rename", name, code.put(start, start + 1, f"{name}_x"))
    if name == "created_at":
        yield change("column: a name in quotes", name, code.put(start, start + 1, '"createdAt"'))
    if kind in _HOW_IT_IS_STORED:
        how = _HOW_IT_IS_STORED[kind]
        yield change(f"column: {how}", name, code.insert(type_end, how))
    yield change("column: change type", name, code.put(start + 1, type_end, _OTHER_TYPE[kind]))
    if kind == "TEXT":
        yield change("column: add COLLATE", name, code.insert(type_end, 'COLLATE "C"'))
    if kind == "UUID" and name != "id":
        reference = "REFERENCES public.applications (id)"
        yield change("column: add REFERENCES", name, code.insert(end, reference))
    found = {
        item["Constraint"]["contype"]: item["Constraint"] for item in node.get("constraints", ())
    }
    not_null = found.get("CONSTR_NOTNULL")
    default = found.get("CONSTR_DEFAULT")
    if not_null:
        at = code.at(not_null)
        yield change("column: drop NOT NULL", name, code.cut(at, at + 2))
    else:
        yield change("column: add NOT NULL", name, code.insert(type_end, "NOT NULL"))
    if default:
        at = code.at(default)
        # A default is the last thing that our columns say.
        yield change("column: drop DEFAULT", name, code.cut(at, end))
        for other in _OTHER_DEFAULT[kind]:
            yield change("column: change DEFAULT", f"{name} {other}", code.put(at + 1, end, other))
    elif kind in _SOME_DEFAULT:
        some = f"DEFAULT {_SOME_DEFAULT[kind]}"
        yield change("column: add DEFAULT", name, code.insert(end, some))


def _constraint_mutations(
    code: Code, node: Node, types: dict[str, str], start: int, end: int
) -> Iterator[Mutation]:
    kind, name = node["contype"], node["conname"]
    words = {
        "CONSTR_PRIMARY": "primary key",
        "CONSTR_UNIQUE": "unique key",
        "CONSTR_CHECK": "check",
        "CONSTR_FOREIGN": "foreign key",
    }[kind]
    yield change(f"{words}: drop", name, code.cut_item(start, end))
    yield change("constraint: drop its name", name, code.cut(start, start + 2))
    yield change("constraint: rename", name, code.put(start + 1, start + 2, f"{name}_x"))
    long = f"{name}_{'x' * 63}"
    yield change("constraint: a name too long", name, code.put(start + 1, start + 2, long))
    for option in _KEY_OPTIONS[kind]:
        yield change(f"{words}: {option}", name, code.insert(end, option))
    match kind:
        case "CONSTR_CHECK":
            yield from _check_mutations(code, name, start)
        case "CONSTR_FOREIGN":
            yield from _reference_mutations(code, node, types, start)
        case _:
            yield from _key_mutations(code, node, words, start)


def _key_mutations(code: Code, node: Node, words: str, start: int) -> Iterator[Mutation]:
    name = node["conname"]
    opening = code.find("(", start)
    columns = code.items(opening + 1)
    if words == "primary key":
        yield change("primary key: UNIQUE instead", name, code.put(start + 2, start + 4, "UNIQUE"))
    else:
        nulls = code.insert(opening, "NULLS NOT DISTINCT")
        yield change("unique key: NULLS NOT DISTINCT", name, nulls)
    yield from _list_mutations(code, words, name, columns, "created_at")
    if len(columns) == 1:
        at = columns[0][0]
        yield change(f"{words}: other column", name, code.put(at, at + 1, "created_at"))


def _list_mutations(
    code: Code, words: str, name: str, columns: list[tuple[int, int]], extra: str
) -> Iterator[Mutation]:
    """Drop each column of a list, swap neighbours, add one."""
    for place in columns:
        if len(columns) > 1:
            fact = f"{name}: {code.text(*place)}"
            yield change(f"{words}: drop a column", fact, code.cut_item(*place))
    for one, other in pairwise(columns):
        fact = f"{name}: {code.text(*one)}, {code.text(*other)}"
        yield change(f"{words}: swap columns", fact, *code.swap(one, other))
    wider = code.insert(columns[-1][1], f", {extra}")
    yield change(f"{words}: add a column", name, wider)


def _check_mutations(code: Code, name: str, start: int) -> Iterator[Mutation]:
    opening = code.find("CHECK", start) + 1
    inner = (opening + 1, code.closing(opening))
    in_list = code.find("IN", opening + 1)
    expression = code.text(*inner)
    column = code.text(opening + 1, in_list)
    values = code.items(in_list + 2)
    for weak in ("TRUE", f"{expression} OR TRUE", f"{expression} OR {column} <> ''"):
        fact = f"{name}: {weak.removeprefix(expression).strip()}"
        yield change("check: weaken", fact, code.put(*inner, weak))
    yield change("check: NOT IN", name, code.insert(in_list, "NOT"))
    yield change("check: add a value", name, code.insert(values[-1][1], ", 'OTHER'"))
    for place in values:
        value = code.text(*place)
        yield change("check: drop a value", f"{name}: {value}", code.cut_item(*place))
        lower = code.put(*place, value.lower())
        yield change("check: change a value", f"{name}: {value}", lower)
    yield change("check: swap values", name, *code.swap(values[0], values[1]))
    yield change("check: NULL among the values", name, code.insert(values[-1][1], ", NULL"))


def _reference_mutations(
    code: Code, node: Node, types: dict[str, str], start: int
) -> Iterator[Mutation]:
    name = node["conname"]
    own = code.items(code.find("(", start) + 1)
    target = code.at(node["pktable"])
    theirs = code.items(code.find("(", target) + 1)
    actual = range_name(node["pktable"]).name
    if len(own) > 1:
        for one, other in zip(own, theirs, strict=True):
            fact = f"{name}: {code.text(*one)}"
            edits = (code.cut_item(*one), code.cut_item(*other))
            yield change("foreign key: drop a column", fact, *edits)
        yield change("foreign key: swap own columns", name, *code.swap(*own))
        yield change("foreign key: swap referenced columns", name, *code.swap(*theirs))
    for table in _TABLES:
        if table != actual:
            fact = f"{name}: {table}"
            yield change("foreign key: other table", fact, code.put(target + 2, target + 3, table))
    last = own[-1]
    kind = types[code.text(*last)]
    for column in [column for column in types if types[column] == kind][:3]:
        if column != code.text(*last):
            yield change("foreign key: other column", f"{name}: {column}", code.put(*last, column))
    referenced = "id" if code.text(*theirs[-1]) != "id" else "app_code"
    yield change("foreign key: other referenced column", name, code.put(*theirs[-1], referenced))
    without = code.cut(theirs[0][0] - 1, theirs[-1][1] + 1)
    yield change("foreign key: no referenced columns", name, without)
    yield from _unqualified(code, target, name)


def _unqualified(code: Code, at: int, fact: str) -> Iterator[Mutation]:
    yield change("name: drop the schema", fact, code.cut(at, at + 2))
    yield change("name: other schema", fact, code.put(at, at + 1, "auth"))


def index_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a CREATE INDEX.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    node = code.statement.node
    name = node["idxname"]
    yield change("statement: drop CREATE INDEX", name, code.remove())
    exists = code.find("IF NOT EXISTS")
    yield change("statement: drop IF NOT EXISTS", name, code.cut(exists, exists + 3))
    yield change("index: CONCURRENTLY", name, code.insert(exists, "CONCURRENTLY"))
    yield change("index: UNIQUE", name, code.insert(1, "UNIQUE"))
    yield change("index: drop its name", name, code.cut(exists, exists + 4))
    yield change("index: rename", name, code.put(exists + 3, exists + 4, f"{name}_x"))
    long = f"{name}_{'x' * 63}"
    yield change("index: a name too long", name, code.put(exists + 3, exists + 4, long))
    yield change("index: drop it again", name, code.follow(f"DROP INDEX IF EXISTS public.{name}"))
    at = code.at(node["relation"])
    yield from _unqualified(code, at, name)
    for table in _TABLES:
        if table != node["relation"]["relname"]:
            fact = f"{name}: {table}"
            yield change("index: other table", fact, code.put(at + 2, at + 3, table))
    opening = code.find("(", at)
    yield change("index: other method", name, code.insert(opening, "USING hash"))
    yield change("index: ONLY", name, code.insert(at, "ONLY"))
    columns = code.items(opening + 1)
    yield from _list_mutations(code, "index", name, columns, "created_at")
    for start, end in columns:
        column = code.tokens[start].text
        fact = f"{name}: {column}"
        if end - start > 1:
            yield change("index: drop DESC", fact, code.cut(start + 1, end))
            yield change("index: NULLS LAST", fact, code.insert(end, "NULLS LAST"))
        else:
            yield change("index: add DESC", fact, code.insert(end, "DESC"))
            yield change("index: NULLS FIRST", fact, code.insert(end, "NULLS FIRST"))
    start = columns[-1][0]
    expression = code.put(start, start + 1, f"(upper({code.tokens[start].text}::TEXT))")
    yield change("index: expression instead of a column", name, expression)
    closing = code.closing(opening)
    include = code.insert(closing + 1, "INCLUDE (id)")
    yield change("index: INCLUDE", name, include)
    stored = code.insert(closing + 1, "WITH (fillfactor = 70)")
    yield change("index: WITH (fillfactor)", name, stored)
    tenant = next((place for place in columns if code.tokens[place[0]].text == "app_code"), None)
    if tenant:
        yield change("index: COLLATE", name, code.insert(tenant[0] + 1, 'COLLATE "C"'))
        by_pattern = code.insert(tenant[0] + 1, "text_pattern_ops")
        yield change("index: operator class", name, by_pattern)
    if "whereClause" in node:
        where = code.find("WHERE")
        yield change("index: drop WHERE", name, code.cut(where, len(code.tokens)))
        yield from _predicate_mutations(code, name, where + 1)
    else:
        yield change(
            "index: add WHERE", name, code.insert(len(code.tokens), "WHERE id IS NOT NULL")
        )


def _predicate_mutations(code: Code, name: str, start: int) -> Iterator[Mutation]:
    end = len(code.tokens)
    negated = code.put(start, end, f"NOT ({code.text(start, end)})")
    yield change("index: other WHERE", f"{name}: negated", negated)
    for kind, node in walk(code.statement.node["whereClause"]):
        if kind == "A_Const" and "sval" in node:
            at = code.at(node)
            yield change("index: other WHERE", f"{name}: value", code.put(at, at + 1, "'RUNNING'"))
        if kind == "ColumnRef":
            at = code.at(node)
            fact = f"{name}: {strings(node['fields'])[0]}"
            yield change("index: other WHERE", fact, code.put(at, at + 1, "id"))
