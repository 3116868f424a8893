"""No policy is true for every row.

What: A USING or WITH CHECK that no row can fail: true, 1 = 1, app_code = app_code, OR true,
    NOT false, EXISTS (SELECT 1), a NOT NULL column IS NOT NULL, a condition or its opposite, a
    subquery that compares its own column with itself, and what is true for whoever is signed in.
Why: A permissive one admits every tenant to every row; a restrictive one restricts nothing.
Instead: app_code = ((SELECT auth.jwt()) ->> 'app_code').
When to allow: A public table without tenants, such as a list of countries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import Logic, constant_value, operator_name
from schema_lint.tenancy import TENANT_COLUMN, demand_on
from schema_lint.workspace import place
from schema_sql.statements import strings, walk
from schema_sql.trees import Steps, each, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "policy-tautology"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each condition that holds for every row."""
    for policy in workspace.policies(file):
        table = workspace.table(policy.table)
        not_null = workspace.not_null(policy.table)
        if not_null is None:
            not_null = frozenset({TENANT_COLUMN})
        for word, condition in (("USING", policy.using), ("WITH CHECK", policy.check)):
            if condition is None:
                continue
            culprit = _culprit(condition, not_null)
            if culprit is not None:
                yield policy.statement.finding(
                    ID,
                    f'{word} of "{policy.name}" is true for every row',
                    f"write {demand_on(table)}",
                    place(culprit),
                )
            elif (culprit := _signed_in(condition)) is not None:
                yield policy.statement.finding(
                    ID,
                    f'{word} of "{policy.name}" is true for everybody who is signed in',
                    f"write {demand_on(table)}",
                    place(culprit),
                )


def _culprit(node: Node, not_null: frozenset[str]) -> Node | None:
    """The branch of OR that is always true, or the whole; None where it is not."""
    logic = Logic(not_null)
    if not logic.truth(node):
        return _useless_lookup(node)
    while node.get("BoolExpr", {}).get("boolop") == "OR_EXPR":
        branch = next((item for item in node["BoolExpr"]["args"] if logic.truth(item)), None)
        if branch is None:
            return node
        node = branch
    return node


def _useless_lookup(node: Node) -> Node | None:
    """A subquery below the condition whose own condition is always true."""
    logic = Logic()
    for kind, fields in walk(node):
        if kind == "SubLink" and fields.get("subLinkType") == "EXISTS_SUBLINK":
            link = {"SubLink": fields}
            if logic.truth(link):
                return link
    return None


def _signed_in(node: Node) -> Node | None:
    """The part that asks only whether somebody is signed in, where a branch asks nothing else."""
    return run(_signed_in_steps(node))


def _signed_in_steps(node: Node) -> Steps[Node | None]:
    fields = node.get("BoolExpr", {})
    if fields.get("boolop") == "NOT_EXPR":
        return None
    if fields:
        found: list[Node | None] = yield each(map(_signed_in_steps, fields.get("args", ())))
        if fields.get("boolop") == "OR_EXPR":
            return next((item for item in found if item), None)
        return found[0] if found and all(found) else None
    if "NullTest" in node and node["NullTest"].get("nulltesttype") == "IS_NOT_NULL":
        is_call = _auth_call(node["NullTest"].get("arg", {})) in {"uid", "jwt", "role"}
        return node if is_call else None
    comparison = node.get("A_Expr", {})
    if comparison.get("kind") == "AEXPR_OP" and operator_name(comparison) == "=":
        sides = (comparison.get("lexpr", {}), comparison.get("rexpr", {}))
        if any(_auth_call(side) == "role" for side in sides) and any(
            constant_value(side) == ("sval", "authenticated") for side in sides
        ):
            return node
    return None


def _auth_call(node: Node) -> str:
    """The name of the function of the schema auth that an expression calls, SELECT aside."""
    for kind, fields in walk(node):
        if kind == "FuncCall":
            names = strings(fields.get("funcname"))
            return names[1] if names[:1] == ["auth"] and len(names) == 2 else ""
        if kind in {"ColumnRef", "A_Expr"}:
            return ""
    return ""
