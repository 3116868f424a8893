"""Rows without a tenant are everybody's to read and nobody's to change.

What: A WITH CHECK that admits app_code IS NULL; and where USING admits it for UPDATE or DELETE, a
    table without restrictive policies for both that demand the caller's own app_code in USING.
Why: USING chooses the rows that UPDATE and DELETE may touch. A tenant could take a shared row for
    itself, change it for all, or delete it.
Instead: CREATE POLICY … AS RESTRICTIVE FOR UPDATE TO authenticated
    USING (app_code = ((SELECT auth.jwt()) ->> 'app_code')), and the same FOR DELETE.
When to allow: Never; the service role writes shared rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import DEMAND, admits_shared, is_shared, leaks
from schema_lint.workspace import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Policy, Table
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "shared-rows-read-only"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each way in which a tenant could change a shared row."""
    keepers: dict[Name, list[Policy]] = {}
    for policy in workspace.policies(file):
        if not policy.permissive:
            continue
        if policy.check is not None:
            for leak in leaks(policy.check, policy.table, shared=False):
                if is_shared(leak, policy.table):
                    yield policy.statement.finding(
                        ID,
                        f'WITH CHECK of "{policy.name}" lets a tenant write shared rows',
                        f"write WITH CHECK ({DEMAND})",
                        place(leak),
                    )
        table = workspace.table(policy.table)
        if table is not None and admits_shared(policy.using, policy.table):
            if table.name not in keepers:
                keepers[table.name] = _keepers(table)
            for command in ("UPDATE", "DELETE"):
                if policy.command in {"ALL", command} and not _is_kept(
                    keepers[table.name], policy, command
                ):
                    yield policy.statement.finding(
                        ID,
                        f'"{policy.name}" lets a tenant {command} shared rows',
                        f'CREATE POLICY "own_rows_on_{command.lower()}" ON {policy.table}\n'
                        f"AS RESTRICTIVE FOR {command} TO authenticated\nUSING ({DEMAND});",
                        place(policy.using),
                    )


def _keepers(table: Table) -> list[Policy]:
    """The restrictive policies that keep callers to their own rows."""
    return [
        policy
        for policy in table.policies.values()
        if not policy.permissive
        and policy.using is not None
        and not leaks(policy.using, table.name, shared=False)
    ]


def _is_kept(keepers: list[Policy], policy: Policy, command: str) -> bool:
    """Whether a restrictive policy keeps the roles of a permissive one to their own rows."""
    return any(
        other.command in {"ALL", command}
        and ("PUBLIC" in other.roles or set(policy.roles) <= set(other.roles))
        for other in keepers
    )
