"""Every policy is for authenticated, and says so.

What: A policy without TO, or TO anything but authenticated: PUBLIC, anon, service_role, postgres.
Why: Without TO a policy is for everybody and is evaluated for anon too; service_role passes
    row-level security, so a policy for it means nothing.
Instead: TO authenticated.
When to allow: Data that is meant for the whole internet, TO anon, on a table without tenants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "policy-to-authenticated"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each role of a policy that is not authenticated."""
    for policy in workspace.policies(file):
        written = [item["RoleSpec"] for item in policy.statement.node.get("roles", ())]
        for role, node in zip(policy.roles, written, strict=False):
            if role != "authenticated":
                # A policy without TO carries a role without a place.
                at = place(node) if node.get("location", -1) >= 0 else None
                message = f'"{policy.name}" is for {role}'
                yield policy.statement.finding(ID, message, "write TO authenticated", at)
