"""How this house keeps tenants apart: the column, the claim and the roles; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_sql.names import Name
from schema_sql.statements import Node, expression, shape, strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_sql.declared import Table

TENANT_COLUMN = "app_code"
"""The column that names a row's tenant, in every table."""

TENANTS = Name("public", "applications")
"""The table of tenants, whose column of the same name is unique."""

CLAIM = f"((SELECT auth.jwt()) ->> '{TENANT_COLUMN}')"
"""The caller's tenant, read once per statement."""

DEMAND = f"{TENANT_COLUMN} = {CLAIM}"
"""What a policy demands of a row."""

API_ROLES = ("PUBLIC", "anon", "authenticated", "service_role")
"""Every role that Supabase may have granted something on a new table."""

CALLERS = ("authenticated", "service_role")
"""The roles that use a table."""

ROW_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""What a caller can need; the others reach past row-level security."""


def has_tenant(table: Table) -> bool:
    """Whether the table has the tenant column."""
    return TENANT_COLUMN in table.columns


def demand_on(table: Table | None) -> str:
    """What to write in a policy of a table, as far as its columns are known."""
    return DEMAND if table is None or has_tenant(table) else "what the caller's rows have in common"


def normal(node: Any) -> Any:
    """A tree's shape without what means nothing: output names and casts of constants to text.

    PostgreSQL writes both into an expression that it prints, so a dumped policy has them.
    """
    if isinstance(node, list):
        return [normal(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "TypeCast" in node:
        cast = node["TypeCast"]
        names = strings(cast["typeName"].get("names"))
        if "A_Const" in cast["arg"] and names[-1:] == ["text"]:
            return normal(cast["arg"])
    if "ResTarget" in node:
        return {"ResTarget": normal({"val": node["ResTarget"].get("val")})}
    return {key: normal(value) for key, value in node.items() if key not in _POSITIONS}


_POSITIONS = {"location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"}


_CLAIM = normal(expression(CLAIM))
_SUBSELECT = expression("(SELECT 1)")["SubLink"]["subselect"]["SelectStmt"]


def is_claim(node: Node) -> bool:
    """Whether an expression is the claim, spelled as it must be."""
    return bool(normal(node) == _CLAIM)


@dataclass(frozen=True)
class Claim:
    """A value read from the caller's token.

    Attributes:
        path: The keys, such as ``("user_metadata", "app_code")``.
    """

    path: tuple[str, ...]


def read_claim(node: Node) -> Claim | None:
    """The claim that an expression reads, in whatever spelling, or None."""
    node = _unwrapped(node)
    path: list[str] = []
    while "A_Expr" in node and node["A_Expr"].get("kind") == "AEXPR_OP":
        fields = node["A_Expr"]
        operator = strings(fields["name"])[-1]
        key = _unwrapped(fields["rexpr"]).get("A_Const", {}).get("sval", {}).get("sval")
        if key is None or "lexpr" not in fields:
            return None
        if operator in {"->>", "->"}:
            path.insert(0, key)
        elif operator in {"#>>", "#>"}:
            path[:0] = [part.strip(' "') for part in key.strip("{}").split(",")]
        else:
            return None
        node = _unwrapped(fields["lexpr"])
    call = node.get("FuncCall", {})
    name = strings(call.get("funcname"))
    if name == ["auth", "jwt"] and path:
        return Claim(tuple(path))
    if name[-1:] == ["current_setting"]:
        setting = call["args"][0].get("A_Const", {}).get("sval", {}).get("sval", "")
        if setting in _TOKEN_SETTINGS and path:
            return Claim(tuple(path))
        if setting.startswith(_CLAIM_SETTINGS) and not path:
            return Claim((setting.removeprefix(_CLAIM_SETTINGS),))
    return None


_TOKEN_SETTINGS = {"request.jwt.claim", "request.jwt.claims"}
_CLAIM_SETTINGS = "request.jwt.claim."


def _unwrapped(node: Node) -> Node:
    """An expression without casts, NULLIF(…, '') and (SELECT …) around it."""
    while True:
        if "TypeCast" in node:
            node = node["TypeCast"]["arg"]
        elif node.get("A_Expr", {}).get("kind") == "AEXPR_NULLIF":
            node = node["A_Expr"]["lexpr"]
        elif (inner := scalar_subselect(node)) is not None:
            node = inner
        else:
            return node


def scalar_subselect(node: Node) -> Node | None:
    """The expression in ``(SELECT expression)`` without FROM or WHERE, or None."""
    link = node.get("SubLink", {})
    if link.get("subLinkType") != "EXPR_SUBLINK":
        return None
    select = link["subselect"].get("SelectStmt", {})
    targets = select.get("targetList", [])
    if len(targets) != 1 or set(select) != set(_SUBSELECT):
        return None
    value: Node = targets[0]["ResTarget"]["val"]
    return value


def claims(node: Any) -> Iterator[tuple[Node, Claim]]:
    """Every outermost expression below a tree that reads a claim, with its node."""
    stack = [node]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            claim = read_claim(value) if len(value) == 1 else None
            if claim is not None:
                yield value, claim
            else:
                stack.extend(reversed(list(value.values())))


def is_tenant_column(node: Node, table: Name) -> bool:
    """Whether an expression is the tenant column of a policy's own table."""
    parts = strings(node.get("ColumnRef", {}).get("fields"))
    return parts in (
        [TENANT_COLUMN],
        [table.name, TENANT_COLUMN],
        [table.schema, table.name, TENANT_COLUMN],
    )


def leaks(node: Node, table: Name, *, shared: bool) -> list[Node]:
    """The branches of a condition that admit a row of another tenant.

    Only what is sure counts as safe: the tenant column compared by ``=`` with the claim, in every
    branch of OR and in at least one of AND; a constant false or NULL admits nothing.

    Args:
        node: The condition.
        table: The policy's table.
        shared: Rows whose tenant is NULL are everybody's and may be admitted.

    Returns:
        The branches, outermost first; empty where the condition keeps tenants apart.
    """
    if "BoolExpr" in node:
        arguments = node["BoolExpr"]["args"]
        found = [leaks(argument, table, shared=shared) for argument in arguments]
        if node["BoolExpr"]["boolop"] == "OR_EXPR":
            return [leak for part in found for leak in part]
        if node["BoolExpr"]["boolop"] == "AND_EXPR":
            return [] if any(not part for part in found) else [node]
        return [node]
    if is_demand(node, table) or (shared and is_shared(node, table)):
        return []
    constant = node.get("A_Const", {})
    if constant.get("isnull") or constant.get("boolval") == {}:
        return []
    return [node]


def is_demand(node: Node, table: Name) -> bool:
    """Whether a condition is ``app_code = claim``, in whatever spelling of the claim."""
    fields = node.get("A_Expr", {})
    if fields.get("kind") != "AEXPR_OP" or strings(fields["name"]) not in (
        ["="],
        ["pg_catalog", "="],
    ):
        return False
    sides = (fields.get("lexpr", {}), fields["rexpr"])
    return any(
        is_tenant_column(one, table)
        and (claim := read_claim(other)) is not None
        # A wrong claim of the right name is another rule's finding.
        and claim.path in ((TENANT_COLUMN,), *((word, TENANT_COLUMN) for word in USER_METADATA))
        for one, other in (sides, reversed(sides))
    )


def is_shared(node: Node, table: Name) -> bool:
    """Whether a condition is ``app_code IS NULL``."""
    test = node.get("NullTest", {})
    return test.get("nulltesttype") == "IS_NULL" and is_tenant_column(test["arg"], table)


def admits_shared(node: Node | None, table: Name) -> bool:
    """Whether a condition lets rows pass because their tenant is NULL."""
    return (
        node is not None
        and not leaks(node, table, shared=True)
        and bool(leaks(node, table, shared=False))
    )


USER_METADATA = ("user_metadata", "raw_user_meta_data")
"""What every user can write into their own token, through the sign-up and update calls."""


def subqueries(node: Any) -> Iterator[Node]:
    """The SELECT nodes of the subqueries below a tree."""
    for kind, fields in walk(node):
        if kind == "SubLink":
            select = fields.get("subselect", {}).get("SelectStmt")
            if select is not None:
                yield select


def same(one: Any, other: Any) -> bool:
    """Whether two trees mean the same, but for positions."""
    return bool(shape(one) == shape(other))
