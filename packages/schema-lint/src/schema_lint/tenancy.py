"""How this house keeps tenants apart: the column, the claim and the roles; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_lint.logic import branches, first, operator_name
from schema_sql.names import Name
from schema_sql.statements import Node, expression, strings
from schema_sql.trees import POSITIONS, Shapes, Steps, each, run

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
    return run(_normal(node))


def _normal(node: Any) -> Steps[Any]:
    if isinstance(node, list):
        return (yield each(map(_normal, node)))
    if not isinstance(node, dict):
        return node
    if "TypeCast" in node:
        cast = node["TypeCast"]
        names = strings(cast["typeName"].get("names"))
        if "A_Const" in cast.get("arg", {}) and names[-1:] == ["text"]:
            return (yield _normal(cast["arg"]))
    if "ResTarget" in node:
        value = yield _normal(node["ResTarget"].get("val"))
        return {"ResTarget": {"val": value}}
    copy = {}
    for key, value in node.items():
        if key not in POSITIONS:
            copy[key] = yield _normal(value)
    return copy


_CLAIM = normal(expression(CLAIM))
_SUBSELECT = expression("(SELECT 1)")["SubLink"]["subselect"]["SelectStmt"]


def is_claim(node: Node) -> bool:
    """Whether an expression is the claim, spelled as it must be."""
    written = normal(node)
    shapes = Shapes()
    return shapes.number(written) == shapes.number(_CLAIM)


@dataclass(frozen=True)
class Claim:
    """A value read from the caller's token.

    Attributes:
        path: The keys, such as ``("user_metadata", "app_code")``.
    """

    path: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    """What an expression does to what stands innermost in it.

    Attributes:
        chain: The expression and, each in the one before it, what it is applied to, down to a
            call or to whatever else is no step to a claim.
        path: The keys that are taken, outermost last.
        last_step: The index in ``chain`` of the innermost node that takes a key, or -1.
    """

    chain: list[Node]
    path: tuple[str, ...]
    last_step: int

    def claim(self) -> Claim | None:
        """The claim that is read so, or None."""
        call = self.chain[-1].get("FuncCall", {})
        name = strings(call.get("funcname"))
        if name == ["auth", "jwt"] and self.path:
            return Claim(self.path)
        if name[-1:] == ["current_setting"]:
            setting = first(call).get("A_Const", {}).get("sval", {}).get("sval", "")
            if setting in _TOKEN_SETTINGS and self.path:
                return Claim(self.path)
            if setting.startswith(_CLAIM_SETTINGS) and not self.path:
                return Claim((setting.removeprefix(_CLAIM_SETTINGS),))
        return None

    def hopeless(self) -> list[Node]:
        """Where this reads no claim: the nodes of the chain that read none either."""
        # The setting of one claim is read where no key is taken.
        return self.chain[: self.last_step + 1] if self.path else self.chain


def _read(node: Node) -> _Reading:
    chain, keys, last_step = [node], [], -1
    while (step := _step(node)) is not None:
        node, taken = step
        if taken:
            last_step = len(chain) - 1
            keys.append(taken)
        chain.append(node)
    path = tuple(key for taken in reversed(keys) for key in taken)
    return _Reading(chain, path, last_step)


def _step(node: Node) -> tuple[Node, list[str]] | None:
    """What an expression is applied to, and the keys that it takes; None where it is no step."""
    inner = _unwrapped_once(node)
    if inner is not None:
        return inner, []
    fields = node.get("A_Expr", {})
    if fields.get("kind") == "AEXPR_OP" and "lexpr" in fields:
        key = _constant_text(fields.get("rexpr", {}))
        operator = operator_name(fields)
        if key is not None and operator in {"->>", "->"}:
            return fields["lexpr"], [key]
        if key is not None and operator in {"#>>", "#>"}:
            keys = [part.strip(' "') for part in key.strip("{}").split(",")]
            return fields["lexpr"], keys
    return None


def _constant_text(node: Node) -> str | None:
    """The text of a constant, whatever wraps it that does not change it."""
    while (inner := _unwrapped_once(node)) is not None:
        node = inner
    text = node.get("A_Const", {}).get("sval", {}).get("sval")
    return None if text is None else str(text)


def _unwrapped_once(node: Node) -> Node | None:
    """What a cast, NULLIF(…, '') or (SELECT …) is around; None where the node is none of them."""
    inner: Node
    if "TypeCast" in node:
        inner = node["TypeCast"].get("arg", {})
        return inner
    if node.get("A_Expr", {}).get("kind") == "AEXPR_NULLIF":
        inner = node["A_Expr"].get("lexpr", {})
        return inner
    return scalar_subselect(node)


def read_claim(node: Node) -> Claim | None:
    """The claim that an expression reads, in whatever spelling, or None."""
    return _read(node).claim()


_TOKEN_SETTINGS = {"request.jwt.claim", "request.jwt.claims"}
_CLAIM_SETTINGS = "request.jwt.claim."


def scalar_subselect(node: Node) -> Node | None:
    """The expression in ``(SELECT expression)`` without FROM or WHERE, or None."""
    link = node.get("SubLink", {})
    if link.get("subLinkType") != "EXPR_SUBLINK":
        return None
    select = link.get("subselect", {}).get("SelectStmt", {})
    targets = select.get("targetList", [])
    if len(targets) != 1 or set(select) != set(_SUBSELECT):
        return None
    value: Node = targets[0].get("ResTarget", {}).get("val", {})
    return value


def claims(node: Any) -> Iterator[tuple[Node, Claim]]:
    """Every outermost expression below a tree that reads a claim, with its node."""
    stack = [node]
    hopeless: set[int] = set()
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            if len(value) == 1 and id(value) not in hopeless:
                reading = _read(value)
                claim = reading.claim()
                if claim is not None:
                    yield value, claim
                    continue
                # Each inner part of a long chain would be read down to the same end.
                hopeless.update(map(id, reading.hopeless()))
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
    return run(_leaks(node, table, shared=shared))


def _leaks(node: Node, table: Name, *, shared: bool) -> Steps[list[Node]]:
    found: list[Node] = []
    for branch in branches(node, "OR_EXPR"):
        safe = _is_safe(branch, table, shared=shared)
        if branch.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
            for argument in branch["BoolExpr"]["args"]:
                safe = safe or not (yield _leaks(argument, table, shared=shared))
        if not safe:
            found.append(branch)
    return found


def _is_safe(node: Node, table: Name, *, shared: bool) -> bool:
    """Whether a condition without AND and OR admits no row of another tenant."""
    constant = node.get("A_Const", {})
    return (
        is_demand(node, table)
        or (shared and is_shared(node, table))
        or bool(constant.get("isnull"))
        or constant.get("boolval") == {}
    )


def is_demand(node: Node, table: Name) -> bool:
    """Whether a condition is ``app_code = claim``, in whatever spelling of the claim."""
    fields = node.get("A_Expr", {})
    if fields.get("kind") != "AEXPR_OP" or strings(fields.get("name")) not in (
        ["="],
        ["pg_catalog", "="],
    ):
        return False
    sides = (fields.get("lexpr", {}), fields.get("rexpr", {}))
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
    return test.get("nulltesttype") == "IS_NULL" and is_tenant_column(test.get("arg", {}), table)


def admits_shared(node: Node | None, table: Name) -> bool:
    """Whether a condition lets rows pass because their tenant is NULL."""
    return (
        node is not None
        and not leaks(node, table, shared=True)
        and bool(leaks(node, table, shared=False))
    )


USER_METADATA = ("user_metadata", "raw_user_meta_data")
"""What every user can write into their own token, through the sign-up and update calls."""
