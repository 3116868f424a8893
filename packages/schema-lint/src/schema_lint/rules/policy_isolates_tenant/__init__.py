"""Every permissive policy keeps tenants apart, in every branch.

What: A USING or WITH CHECK of a permissive policy on a table with app_code that admits a row
    without app_code = the caller's claim: in a branch of OR, by another claim or value, or by
    another comparison. app_code IS NULL may stand in USING, for shared rows.
Why: Permissive policies add up. One branch without the tenant opens the table to all of them.
Instead: app_code = ((SELECT auth.jwt()) ->> 'app_code') AND …; further conditions that take away
    belong into a restrictive policy.
When to allow: A row that every tenant may see by design, and the reason names which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import truth
from schema_lint.tenancy import DEMAND, TENANT_COLUMN, has_tenant, is_shared, leaks
from schema_lint.workspace import place
from schema_sql.statements import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Policy
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "policy-isolates-tenant"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each condition, or branch of one, that admits other tenants."""
    for policy in workspace.policies(file):
        if policy.permissive and _concerns(policy, workspace):
            yield from _check_policy(policy, workspace)


def _concerns(policy: Policy, workspace: Workspace) -> bool:
    """Whether the table has tenants; of an unknown one, whether the policy says so."""
    table = workspace.table(policy.table)
    if table is not None:
        return has_tenant(table)
    return any(TENANT_COLUMN in text for text in _texts([policy.using, policy.check]))


def _texts(tree: object) -> Iterator[str]:
    """The names and constants in a tree."""
    for kind, fields in walk(tree):
        if kind == "String":
            yield fields.get("sval", "")
        elif kind == "A_Const":
            yield fields.get("sval", {}).get("sval", "")


def _check_policy(policy: Policy, workspace: Workspace) -> Iterator[Finding]:
    not_null = workspace.not_null(policy.table)
    if not_null is None:
        not_null = frozenset({TENANT_COLUMN})
    for word, condition in (("USING", policy.using), ("WITH CHECK", policy.check)):
        # What is true for every row is another rule's finding.
        if condition is None or truth(condition, not_null):
            continue
        for leak in leaks(condition, policy.table, shared=True):
            if is_shared(leak, policy.table):
                continue
            yield policy.statement.finding(
                ID,
                f'{word} of "{policy.name}" admits rows of other tenants here',
                f"write {DEMAND}",
                place(leak),
            )
