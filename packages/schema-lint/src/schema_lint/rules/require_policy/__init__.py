"""Every table has a permissive policy.

What: A table with app_code without any permissive policy for reading.
Why: Row-level security without one admits nobody: every query of a signed-in user returns nothing,
    without an error. Restrictive policies only take away.
Instead: A policy "app_isolation" that compares app_code with the caller's claim.
When to allow: A table for the service alone, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import DEMAND, has_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "require-policy"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that nobody can read."""
    for table in workspace.tables(file):
        if has_tenant(table) and not any(
            policy.permissive and policy.command in {"ALL", "SELECT"}
            for policy in table.policies.values()
        ):
            yield table.created.finding(
                ID,
                f"no policy lets a tenant read {table.name}",
                f'CREATE POLICY "app_isolation" ON {table.name} FOR ALL TO authenticated\n'
                f"USING ({DEMAND})\nWITH CHECK ({DEMAND});",
                table.created.node["relation"],
            )
