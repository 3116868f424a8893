"""A policy that lets rows be written says which, in WITH CHECK.

What: A permissive policy FOR ALL, INSERT or UPDATE without WITH CHECK, and any policy FOR INSERT
    without one; WITH CHECK in a policy FOR SELECT or DELETE, and USING in one FOR INSERT, which
    PostgreSQL refuses.
Why: USING speaks of the rows that are there. Without WITH CHECK PostgreSQL takes USING for new rows
    as well, which is right only as long as USING admits nothing else, such as shared rows.
Instead: WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code')).
When to allow: Never: one line says what is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import demand_on
from schema_sql.declared import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "policy-with-check"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each policy that does not say what may be written."""
    for statement in workspace.facts(file).statements("CreatePolicyStmt"):
        policy = read_policy(statement)
        writes = policy.permissive and policy.command in {"ALL", "UPDATE"}
        if policy.check is None and (writes or policy.command == "INSERT"):
            yield statement.finding(
                ID,
                f'"{policy.name}" does not say which rows may be written',
                f"add WITH CHECK ({demand_on(workspace.table(policy.table))})",
            )
        refused = ""
        if policy.check is not None and policy.command in {"SELECT", "DELETE"}:
            refused = "WITH CHECK"
        elif policy.using is not None and policy.command == "INSERT":
            refused = "USING"
        if refused:
            message = f"PostgreSQL refuses {refused} in a policy FOR {policy.command}"
            yield statement.finding(ID, message, f"leave {refused} out, or choose another command")
