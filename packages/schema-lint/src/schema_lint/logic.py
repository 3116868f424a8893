"""Conditions whose value no row changes: knows SQL's logic; knows no tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_sql.statements import Node, strings
from schema_sql.trees import Shapes, Steps, each, run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

Truth = bool | None
"""True or false for every row; None where that depends on the row, or cannot be told."""


def truth(node: Node, not_null: Collection[str] = ()) -> Truth:
    """What a condition is for every row, whatever the row holds; None where that depends on it.

    A comparison of a column with itself counts as true: it is NULL only where the column is.

    Args:
        node: The condition.
        not_null: The columns that are never NULL.
    """
    return Logic(not_null).truth(node)


@dataclass(frozen=True)
class _Scope:
    """Where a condition stands.

    Attributes:
        not_null: The columns that are never NULL.
        table: In a subquery with one table, that table's alias: there a bare column of the same
            name as one of its columns is its column.
    """

    not_null: Collection[str] = ()
    table: str = ""


class Logic:
    """What conditions are for every row; a part of one is worked out once.

    Args:
        not_null: The columns that are never NULL.
    """

    def __init__(self, not_null: Collection[str] = ()) -> None:
        self._scope = _Scope(not_null)
        self._shapes = Shapes()
        self._known: dict[tuple[int, str, bool], Truth] = {}

    def truth(self, node: Node) -> Truth:
        """What a condition is for every row; see the function of this name."""
        return run(self._truth(node, self._scope))

    def _truth(self, node: Node, scope: _Scope) -> Steps[Truth]:
        for kind, fields in node.items():
            reader = _READERS.get(kind)
            if reader is not None:
                place = (id(fields), scope.table, bool(scope.not_null))
                if place not in self._known:
                    self._known[place] = yield reader(self, fields, scope)
                return self._known[place]
        return None

    def _bool_expression(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        if fields.get("boolop") == "NOT_EXPR":
            value = yield self._truth(first(fields), scope)
            return None if value is None else not value
        values = yield each(self._truth(item, scope) for item in fields.get("args", ()))
        deciding = fields.get("boolop") == "OR_EXPR"
        if deciding in values or (deciding and self._complementary(fields["args"])):
            return deciding
        return None if None in values else not deciding

    def _constant(self, fields: Node, _: _Scope) -> Steps[Truth]:
        yield from ()
        value = constant_value({"A_Const": fields})
        if value is None:
            return None
        if value[0] == "sval":
            # 't'::boolean, or a bare 'true', which takes the type that its place asks for.
            words = {"t": True, "true": True, "f": False, "false": False}
            return words.get(str(value[1]).lower())
        return value[1] is True if value[0] == "boolval" else None

    def _cast(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        value: Truth = yield self._truth(fields.get("arg", {}), scope)
        return value

    def _boolean_test(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        value = yield self._truth(fields.get("arg", {}), scope)
        test = fields.get("booltesttype", "IS_TRUE")
        if value is None or "UNKNOWN" in test:
            return None
        return value is (test in {"IS_TRUE", "IS_NOT_FALSE"})

    def _coalesce(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        values = yield each(self._truth(item, scope) for item in fields.get("args", ()))
        if values[:1] == [True]:
            return True
        return False if set(values) == {False} else None

    def _case(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        results = [item.get("CaseWhen", {}).get("result", {}) for item in fields.get("args", ())]
        results.append(fields.get("defresult", {}))
        values = set((yield each(self._truth(result, scope) for result in results)))
        return values.pop() if len(values) == 1 else None

    def _comparison(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        """What a comparison of two constants, or of something with itself, always gives."""
        yield from ()
        operator = operator_name(fields)
        left, right = fields.get("lexpr", {}), fields.get("rexpr", {})
        one, other = constant_value(left), constant_value(right)
        match fields.get("kind"):
            case "AEXPR_OP" if operator in _COMPARE:
                if one is not None and other is not None and one[0] == other[0]:
                    return bool(_COMPARE[operator](one[1], other[1]))
                return operator in {"=", "<=", ">="} if self._same(left, right, scope) else None
            case ("AEXPR_DISTINCT" | "AEXPR_NOT_DISTINCT") as kind:
                return kind == "AEXPR_NOT_DISTINCT" if self._same(left, right, scope) else None
            case "AEXPR_IN" | "AEXPR_OP_ANY" if operator == "=":
                mine = self._qualified(left, scope)
                return any(mine == self._qualified(item, scope) for item in elements(right)) or None
            case "AEXPR_LIKE" | "AEXPR_ILIKE" if operator in {"~~", "~~*"} and other:
                return set(str(other[1])) == {"%"} or None
        return None

    def _same(self, left: Node, right: Node, scope: _Scope) -> bool:
        return bool(left) and self._qualified(left, scope) == self._qualified(right, scope)

    def _qualified(self, node: Node, scope: _Scope) -> Any:
        """What to compare: a shape, casts aside, with a bare column qualified by the scope."""
        node = without_casts(node)
        parts = strings(node.get("ColumnRef", {}).get("fields"))
        if scope.table and len(parts) == 1:
            parts = [scope.table, *parts]
        return ("column", *parts) if parts else self._shapes.number(node)

    def _null_test(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        yield from ()
        argument = fields.get("arg", {})
        parts = strings(argument.get("ColumnRef", {}).get("fields"))
        never_null = bool(parts) and parts[-1] in scope.not_null
        if not never_null and constant_value(argument) is None:
            return None
        return fields.get("nulltesttype") == "IS_NOT_NULL"

    def _complementary(self, arguments: list[Node]) -> bool:
        """Whether two branches of OR are each other's opposite."""
        number = self._shapes.number
        negated = [
            first(argument["BoolExpr"])
            for argument in arguments
            if argument.get("BoolExpr", {}).get("boolop") == "NOT_EXPR"
        ]
        # Most have none, and numbering the branches takes as long as all else.
        if negated and not {number(a) for a in arguments}.isdisjoint(map(number, negated)):
            return True
        pairs = set()
        for argument in arguments:
            test = argument.get("NullTest", {})
            if test:
                pairs.add((number(test.get("arg", {})), 0, test.get("nulltesttype")))
            fields = argument.get("A_Expr", {})
            if fields.get("kind") == "AEXPR_OP" and len(fields.get("name", ())) == 1:
                sides = number(fields.get("lexpr", {})), number(fields.get("rexpr", {}))
                pairs.add((*sides, operator_name(fields)))
        opposite = {"IS_NULL": "IS_NOT_NULL", "=": "<>"}
        return any((*sides, opposite.get(how)) in pairs for *sides, how in pairs)

    def _subquery(self, fields: Node, scope: _Scope) -> Steps[Truth]:
        """EXISTS without a condition on the rows, or a SELECT of something always true.

        ``EXISTS (SELECT 1 FROM f WHERE f.code = code)`` is one: inside, ``code`` is ``f.code``.
        """
        select = fields.get("subselect", {}).get("SelectStmt", {})
        tables = select.get("fromClause", [])
        where = select.get("whereClause")
        if fields.get("subLinkType") == "EXPR_SUBLINK" and not tables and where is None:
            targets = select.get("targetList") or [{}]
            value: Truth = yield self._truth(targets[0].get("ResTarget", {}).get("val", {}), scope)
            return value
        if fields.get("subLinkType") != "EXISTS_SUBLINK" or "havingClause" in select:
            return None
        if where is None:
            return True
        table = ""
        if len(tables) == 1 and "RangeVar" in tables[0]:
            relation = tables[0]["RangeVar"]
            table = relation.get("alias", {}).get("aliasname", relation["relname"])
        value = yield self._truth(where, _Scope((), table))
        return True if value else None


_READERS: dict[str, Callable[[Logic, Node, _Scope], Steps[Truth]]] = {
    "A_Const": Logic._constant,  # noqa: SLF001 - its own table
    "A_Expr": Logic._comparison,  # noqa: SLF001
    "BoolExpr": Logic._bool_expression,  # noqa: SLF001
    "BooleanTest": Logic._boolean_test,  # noqa: SLF001
    "CaseExpr": Logic._case,  # noqa: SLF001
    "CoalesceExpr": Logic._coalesce,  # noqa: SLF001
    "NullTest": Logic._null_test,  # noqa: SLF001
    "SubLink": Logic._subquery,  # noqa: SLF001
    "TypeCast": Logic._cast,  # noqa: SLF001
}


def first(fields: Node) -> Node:
    """The first argument of a node, or an empty one."""
    arguments = fields.get("args") or [{}]
    node: Node = arguments[0]
    return node


def operator_name(fields: Node) -> str:
    """The operator of an A_Expr without its schema; empty where it has none."""
    return (strings(fields.get("name")) or [""])[-1]


def without_casts(node: Node) -> Node:
    """An expression without the casts around it."""
    while "TypeCast" in node:
        node = node["TypeCast"].get("arg", {})
    return node


def elements(node: Node) -> list[Node]:
    """The items of the list behind IN, or of ARRAY[…]; none of anything else."""
    items: list[Node] = node.get("List", {}).get("items") or []
    return items or node.get("A_ArrayExpr", {}).get("elements", [])


def branches(node: Node, boolop: str) -> Iterator[Node]:
    """The parts that AND_EXPR or OR_EXPR joins, however they are nested; else the node itself."""
    stack = [node]
    while stack:
        inner = stack.pop()
        fields = inner.get("BoolExpr", {})
        if fields.get("boolop") == boolop:
            stack.extend(reversed(fields.get("args", ())))
        else:
            yield inner


def compares_with_null(node: Node) -> bool:
    """Whether an A_Expr compares with a NULL that is written there."""
    kind = node.get("kind")
    if operator_name(node) not in _COMPARE:
        return False
    sides = [node.get("lexpr", {}), node.get("rexpr", {})]
    if kind in {"AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL", "AEXPR_OP"}:
        lists = kind != "AEXPR_OP"
        items = [item for side in sides if lists for item in elements(without_casts(side))]
        return any(_is_null(item) for item in (*sides, *items))
    return False


def _is_null(node: Node) -> bool:
    return bool(without_casts(node).get("A_Const", {}).get("isnull"))


def constant_value(node: Node) -> tuple[str, Any] | None:
    """The kind and value of a constant, casts aside; None where it is none, or NULL."""
    constant: Mapping[str, Any] = without_casts(node).get("A_Const", {})
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
