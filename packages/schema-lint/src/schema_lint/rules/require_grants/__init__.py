"""Every table grants its callers what they need to read it.

What: A table on which authenticated or service_role does not hold SELECT after all statements.
Why: Supabase does not grant new tables to the API roles any more: without GRANT every call fails
    with 42501, service_role's too, because BYPASSRLS does not bypass privileges.
Instead: GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE … TO authenticated, service_role.
When to allow: A table that no API call may read, and the reason names who does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import CALLERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "require-grants"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that a caller cannot read."""
    for table in workspace.tables(file):
        without = [role for role in CALLERS if "SELECT" not in table.acl.get(role, ())]
        if without:
            yield table.created.finding(
                ID,
                f"{' and '.join(without)} cannot read {table.name}",
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table.name} "
                f"TO {', '.join(without)};",
                table.created.node["relation"],
            )
