"""What PostgreSQL will say of declared tables: knows its wording of the common definitions alone.

With it a re-run finds out that tables are as declared without making reference tables, which take
half of its time. A wording that is not known here, or that another PostgreSQL words otherwise,
costs that time and nothing else: the guard then compares with reference tables.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from schema_sql.names import quote
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schema_sql.declared import Check, Column, ForeignKey, Index, Table
    from schema_sql.statements import Node

TYPES = {
    "bool": "boolean",
    "bytea": "bytea",
    "date": "date",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "jsonb": "jsonb",
    "text": "text",
    "timestamptz": "timestamp with time zone",
    "uuid": "uuid",
}
"""Types as ``type_text`` has them, and as PostgreSQL's format_type words them."""

FUNCTIONS = {"now": "timestamptz", "gen_random_uuid": "uuid"}
"""Functions whose call is a default as it stands, with the type that they return."""


class _UnknownWordingError(Exception):
    """A definition of which it is not certain how PostgreSQL words it."""


def expected_digest(tables: Sequence[Table]) -> str:
    """The digest that the guard finds where tables are exactly as declared.

    Args:
        tables: The tables that a migration creates.

    Returns:
        The MD5 of the facts as the guard reads them, one a line, in the order of their bytes; ""
        where PostgreSQL's wording of one of them is not known.
    """
    try:
        facts = sorted(f"{table.name.name} {fact}" for table in tables for fact in _facts(table))
    except (_UnknownWordingError, LookupError):
        # A column that is not there, or a node of another form than those that are known here.
        return ""
    text = "\n".join(sorted(facts, key=str.encode))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _facts(table: Table) -> Iterator[str]:
    constraints = [fields for kind, fields in walk(table.created.node) if kind == "Constraint"]
    constraints += [part.node for part in (*table.keys, *table.checks, *table.foreign_keys)]
    _certain(not any(map(_is_unusual, constraints)))
    _name(table.name.name)
    for column in table.columns.values():
        yield f".{_name(column.name)} {_column(column)}"
    for key in table.keys:
        columns = _names(key.columns)
        kind = "PRIMARY KEY" if key.primary else "UNIQUE"
        yield f": constraint {_name(key.name)} {kind} {columns}"
        yield _index_fact(table, key.name, columns, unique=True)
    for check in table.checks:
        yield f": constraint {_name(check.name)} {_check(table, check)}"
    for foreign_key in table.foreign_keys:
        yield f": constraint {_name(foreign_key.name)} {_foreign_key(foreign_key)}"
    for index in table.indexes:
        yield _index_fact(table, index.name, _index(table, index), unique=index.unique)


_UNUSUAL = {
    "deferrable", "fk_with_period", "including", "initdeferred", "is_no_inherit",
    "nulls_not_distinct", "skip_validation", "without_overlaps",
}  # fmt: skip
"""Fields of a Constraint node that change its wording."""

_ENFORCED = {"CONSTR_CHECK", "CONSTR_FOREIGN"}


def _is_unusual(constraint: Node) -> bool:
    kind = constraint["contype"]
    return bool(
        kind == "CONSTR_EXCLUSION"
        or kind.startswith("CONSTR_ATTR_")
        or (kind in _ENFORCED and not constraint.get("is_enforced"))
        or constraint.get("fk_matchtype", "s") != "s"
        or _UNUSUAL & constraint.keys()
    )


def _certain(condition: object) -> None:
    if not condition:
        raise _UnknownWordingError


def _name(name: str) -> str:
    _certain(name and quote(name) == name)
    return name


def _names(names: Sequence[str]) -> str:
    return f"({', '.join(map(_name, names))})"


def _type(text: str) -> str:
    base = text.removesuffix("[]")
    _certain(base in TYPES)
    return TYPES[base] + text[len(base) :]


def _column(column: Column) -> str:
    _certain(not column.generated and "collClause" not in column.node)
    shape = _type(column.type) + (" NOT NULL" if column.not_null else "")
    return shape if column.default is None else f"{shape} DEFAULT {_default(column)}"


def _default(column: Column) -> str:
    node: Any = column.default
    if "FuncCall" in node:
        call = node["FuncCall"]
        name = strings(call["funcname"])[-1]
        _certain(FUNCTIONS.get(name) == column.type and "args" not in call)
        return f"{name}()"
    constant = node.get("A_Const", {})
    if "sval" in constant:
        return _literal(constant["sval"].get("sval", ""), column.type)
    if "boolval" in constant and column.type == "bool":
        return "true" if constant["boolval"].get("boolval") else "false"
    _certain("ival" in constant and column.type == "int4")
    return str(constant["ival"].get("ival", 0))


def _literal(text: str, type_name: str) -> str:
    _certain("\\" not in text and type_name in {"text", "jsonb", "text[]"})
    # Of jsonb and arrays, PostgreSQL prints the value, not what was written.
    _certain(type_name == "text" or text == "{}")
    return f"'{text.replace(chr(39), chr(39) * 2)}'::{type_name}"


def _foreign_key(key: ForeignKey) -> str:
    _certain(key.on_delete == key.on_update == "a" and key.target_columns)
    schema = "" if key.target.schema == "public" else f"{_name(key.target.schema)}."
    return (
        f"FOREIGN KEY {_names(key.columns)} REFERENCES"
        f" {schema}{_name(key.target.name)}{_names(key.target_columns)}"
    )


def _check(table: Table, check: Check) -> str:
    node = check.expression.get("A_Expr", {})
    _certain(node.get("kind") == "AEXPR_IN" and strings(node["name"]) == ["="])
    items = node["rexpr"].get("List", {}).get("items", ())
    _certain(len(items) > 1)  # PostgreSQL makes a plain comparison of one.
    values = ", ".join(_text_constant(item) for item in items)
    return f"CHECK (({_text_column(table, node['lexpr'])} = ANY (ARRAY[{values}])))"


def _text_column(table: Table, node: Node) -> str:
    names = strings(node.get("ColumnRef", {}).get("fields"))
    _certain(len(names) == 1 and table.columns[names[0]].type == "text")
    return _name(names[0])


def _text_constant(node: Node) -> str:
    constant = node.get("A_Const", {})
    _certain("sval" in constant)
    return _literal(constant["sval"].get("sval", ""), "text")


def _index(table: Table, index: Index) -> str:
    _certain(index.method == "btree" and not index.included)
    _certain("nulls_not_distinct" not in index.node)
    columns = []
    for column in index.columns:
        _certain(
            column.name and not column.operator_class and column.nulls_first == column.descending
        )
        columns.append(_name(column.name) + (" DESC" if column.descending else ""))
    where = "" if index.predicate is None else f" WHERE {_predicate(table, index.predicate)}"
    return f"({', '.join(columns)}){where}"


def _predicate(table: Table, node: Node) -> str:
    if "NullTest" in node:
        test = node["NullTest"]
        names = strings(test["arg"].get("ColumnRef", {}).get("fields"))
        _certain(len(names) == 1 and test.get("nulltesttype") == "IS_NOT_NULL")
        return f"({_name(names[0])} IS NOT NULL)"
    comparison = node.get("A_Expr", {})
    _certain(comparison.get("kind") == "AEXPR_OP" and strings(comparison["name"]) == ["="])
    left = _text_column(table, comparison["lexpr"])
    return f"({left} = {_text_constant(comparison['rexpr'])})"


def _index_fact(table: Table, name: str, columns: str, *, unique: bool) -> str:
    kind = "UNIQUE INDEX" if unique else "INDEX"
    made = f"CREATE {kind} {name} ON public.{table.name.name} USING btree {columns}"
    return f"index {_name(name)} {made}"
