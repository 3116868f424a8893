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

from schema_lint.logic import constant_value, truth
from schema_lint.tenancy import TENANT_COLUMN, demand_on
from schema_lint.workspace import place
from schema_sql.statements import shape, strings, walk

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
        not_null = {TENANT_COLUMN}
        if table is not None:
            not_null = {name for name, column in table.columns.items() if column.not_null}
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


def _culprit(node: Node, not_null: set[str]) -> Node | None:
    """The branch of OR that is always true, or the whole; None where it is not."""
    if truth(node, not_null) is not True:
        return _useless_lookup(node)
    if node.get("BoolExpr", {}).get("boolop") == "OR_EXPR":
        for argument in node["BoolExpr"]["args"]:
            if truth(argument, not_null):
                return _culprit(argument, not_null)
    return node


def _useless_lookup(node: Node) -> Node | None:
    """A subquery below the condition whose own condition is always true."""
    for kind, fields in walk(node):
        if kind == "SubLink" and fields["subLinkType"] == "EXISTS_SUBLINK":
            link = {"SubLink": fields}
            if truth(link):
                return link
    return None


def _signed_in(node: Node) -> Node | None:
    """The part that asks only whether somebody is signed in, where a branch asks nothing else."""
    fields = node.get("BoolExpr", {})
    if fields:
        found = [_signed_in(argument) for argument in fields["args"]]
        if fields["boolop"] == "OR_EXPR":
            return next((item for item in found if item), None)
        if fields["boolop"] == "AND_EXPR" and all(found):
            return found[0]
        return None
    if "NullTest" in node and node["NullTest"]["nulltesttype"] == "IS_NOT_NULL":
        return node if _auth_call(node["NullTest"]["arg"]) in {"uid", "jwt", "role"} else None
    comparison = node.get("A_Expr", {})
    if comparison.get("kind") == "AEXPR_OP" and strings(comparison["name"])[-1] == "=":
        sides = (comparison.get("lexpr", {}), comparison["rexpr"])
        if any(_auth_call(side) == "role" for side in sides) and any(
            constant_value(side) == ("sval", "authenticated") for side in sides
        ):
            return node
    return None


def _auth_call(node: Node) -> str:
    """The name of the function of the schema auth that an expression calls, SELECT aside."""
    for kind, fields in walk(shape(node)):
        if kind == "FuncCall":
            names = strings(fields["funcname"])
            return names[1] if names[:1] == ["auth"] and len(names) == 2 else ""
        if kind in {"ColumnRef", "A_Expr"}:
            return ""
    return ""
