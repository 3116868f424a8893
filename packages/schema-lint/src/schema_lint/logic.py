"""Conditions whose value no row changes: knows SQL's logic; knows no tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schema_sql.statements import Node, shape, strings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Read = Callable[[Node], bool | None]


def truth(node: Node, not_null: Collection[str] = (), scope: str = "") -> bool | None:
    """What a condition is for every row, whatever the row holds; None where that depends on it.

    A comparison of a column with itself counts as true: it is NULL only where the column is.

    Args:
        node: The condition.
        not_null: The columns that are never NULL.
        scope: In a subquery with one table, that table's alias: there a bare column of the
            same name as one of its columns is its column.
    """
    for kind, fields in node.items():
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(fields, lambda inner: truth(inner, not_null, scope), not_null, scope)
    return None


def _bool_expression(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    values = [read(argument) for argument in fields["args"]]
    if fields["boolop"] == "NOT_EXPR":
        return None if values[0] is None else not values[0]
    deciding = bool(fields["boolop"] == "OR_EXPR")
    if deciding in values or (deciding and _complementary(fields["args"])):
        return deciding
    return None if None in values else not deciding


def _constant(fields: Node, _read: Read, _not_null: Collection[str], _: str) -> bool | None:
    value = constant_value({"A_Const": fields})
    if value is None:
        return None
    if value[0] == "sval":
        # 't'::boolean, or a bare 'true', which takes the type that its place asks for.
        return {"t": True, "true": True, "f": False, "false": False}.get(str(value[1]).lower())
    return value[1] is True if value[0] == "boolval" else None


def _cast(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    return read(fields["arg"])


def _boolean_test(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    value = read(fields["arg"])
    wanted = fields["booltesttype"] in {"IS_TRUE", "IS_NOT_FALSE"}
    if value is None or "UNKNOWN" in fields["booltesttype"]:
        return None
    return value is bool(wanted)


def _coalesce(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    values = [read(argument) for argument in fields["args"]]
    if values[0]:
        return True
    return False if set(values) == {False} else None


def _case(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    results = [item["CaseWhen"]["result"] for item in fields.get("args", ())]
    values = {read(result) for result in (*results, fields.get("defresult", {}))}
    return values.pop() if len(values) == 1 else None


def compares_with_null(node: Node) -> bool:
    """Whether an A_Expr compares with a NULL that is written there."""
    operator = strings(node.get("name"))[-1:]
    kind = node.get("kind")
    if operator[:1] not in (["="], ["<>"], ["<"], [">"], ["<="], [">="]):
        return False
    sides = [node.get("lexpr", {}), node.get("rexpr", {})]
    if kind in {"AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL", "AEXPR_OP"}:
        return any(_holds_null(side, lists=kind != "AEXPR_OP") for side in sides)
    return False


def _holds_null(node: Node, *, lists: bool) -> bool:
    if "TypeCast" in node:
        return _holds_null(node["TypeCast"]["arg"], lists=lists)
    if "A_Const" in node:
        return bool(node["A_Const"].get("isnull"))
    if lists and "List" in node:
        return any(_holds_null(item, lists=False) for item in node["List"]["items"])
    if lists and "A_ArrayExpr" in node:
        elements = node["A_ArrayExpr"].get("elements", ())
        return any(_holds_null(item, lists=False) for item in elements)
    return False


def constant_value(node: Node) -> tuple[str, Any] | None:
    """The kind and value of a constant, casts aside; None where it is none, or NULL."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    constant: Mapping[str, Any] = node.get("A_Const", {})
    for kind, default in (("ival", 0), ("fval", "0"), ("sval", ""), ("boolval", False)):
        if kind in constant:
            return kind, constant[kind].get(kind, default)
    return None


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _comparison(fields: Node, _read: Read, _not_null: Collection[str], scope: str) -> bool | None:
    """What a comparison of two constants, or of something with itself, always gives."""
    kind = fields.get("kind")
    operator = strings(fields.get("name"))[-1]
    left, right = fields.get("lexpr", {}), fields.get("rexpr", {})
    itself = bool(left) and _qualified(left, scope) == _qualified(right, scope)
    one, other = constant_value(left), constant_value(right)
    match kind:
        case "AEXPR_OP" if operator in _COMPARE:
            if one is not None and other is not None and one[0] == other[0]:
                return bool(_COMPARE[operator](one[1], other[1]))
            return operator in {"=", "<=", ">="} if itself else None
        case "AEXPR_DISTINCT" | "AEXPR_NOT_DISTINCT" if itself:
            return bool(kind == "AEXPR_NOT_DISTINCT")
        case "AEXPR_IN" | "AEXPR_OP_ANY" if operator == "=":
            items = right.get("List", {}).get("items") or right.get("A_ArrayExpr", {}).get(
                "elements", ()
            )
            mine = _qualified(left, scope)
            return any(mine == _qualified(item, scope) for item in items) or None
        case "AEXPR_LIKE" | "AEXPR_ILIKE" if operator in {"~~", "~~*"} and other:
            return set(str(other[1])) == {"%"} or None
    return None


def _qualified(node: Node, scope: str) -> Any:
    """A tree to compare: its shape, casts aside, with a bare column qualified by the scope."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    parts = strings(node.get("ColumnRef", {}).get("fields"))
    if scope and len(parts) == 1:
        parts = [scope, *parts]
    return ("column", *parts) if parts else shape(node)


def _null_test(fields: Node, _read: Read, not_null: Collection[str], _: str) -> bool | None:
    parts = strings(fields["arg"].get("ColumnRef", {}).get("fields"))
    never_null = bool(parts) and parts[-1] in not_null
    if not never_null and constant_value(fields["arg"]) is None:
        return None
    return bool(fields["nulltesttype"] == "IS_NOT_NULL")


def _complementary(arguments: list[Node]) -> bool:
    """Whether two branches of OR are each other's opposite."""
    shapes = [shape(argument) for argument in arguments]
    opposite = {"IS_NULL": "IS_NOT_NULL", "IS_NOT_NULL": "IS_NULL"}
    for one in shapes:
        if "NullTest" in one:
            test = one["NullTest"]
            other = {"NullTest": {**test, "nulltesttype": opposite[test["nulltesttype"]]}}
            if other in shapes:
                return True
        if {"BoolExpr": {"boolop": "NOT_EXPR", "args": [one]}} in shapes:
            return True
        fields = one.get("A_Expr", {})
        if fields.get("kind") == "AEXPR_OP" and strings(fields["name"]) == ["="]:
            other = {"A_Expr": {**fields, "name": [{"String": {"sval": "<>"}}]}}
            if other in shapes:
                return True
    return False


def _subquery(fields: Node, read: Read, _not_null: Collection[str], _: str) -> bool | None:
    """EXISTS without a condition on the rows, or a SELECT of something always true.

    ``EXISTS (SELECT 1 FROM f WHERE f.code = code)`` is one: inside, ``code`` is ``f.code``.
    """
    select = fields["subselect"].get("SelectStmt", {})
    tables = select.get("fromClause", [])
    where = select.get("whereClause")
    if fields["subLinkType"] == "EXPR_SUBLINK" and not tables and where is None:
        targets = select.get("targetList", [{}])
        return read(targets[0].get("ResTarget", {}).get("val", {}))
    if fields["subLinkType"] != "EXISTS_SUBLINK" or "havingClause" in select:
        return None
    scope = ""
    if len(tables) == 1 and "RangeVar" in tables[0]:
        relation = tables[0]["RangeVar"]
        scope = relation.get("alias", {}).get("aliasname", relation["relname"])
    return True if where is None or truth(where, (), scope) else None


_READERS: dict[str, Callable[[Node, Read, Collection[str], str], bool | None]] = {
    "A_Const": _constant,
    "A_Expr": _comparison,
    "BoolExpr": _bool_expression,
    "BooleanTest": _boolean_test,
    "CaseExpr": _case,
    "CoalesceExpr": _coalesce,
    "NullTest": _null_test,
    "SubLink": _subquery,
    "TypeCast": _cast,
}
