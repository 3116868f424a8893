"""Every table has the tenant column, app_code TEXT NOT NULL.

What: A table without app_code, an app_code of another type, or one that may be NULL without a
    policy that says what such a row is: one that admits app_code IS NULL for reading.
Why: Row-level security, the keys and the indexes all build on that column; a row without a tenant
    belongs to nobody, and no tenant can see or delete it.
Instead: app_code TEXT NOT NULL. Where NULL means "shared by every tenant", a policy admits it in
    USING, and restrictive policies keep such rows from being changed.
When to allow: A table that no tenant's data can ever reach, such as a list of countries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import TENANT_COLUMN, TENANTS, admits_shared, has_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Table
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "require-tenant-column"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that no tenant owns."""
    for table in workspace.tables(file):
        if not has_tenant(table):
            if table.complete:
                yield table.created.finding(
                    ID,
                    f"{table.name} has no {TENANT_COLUMN}",
                    f"add {TENANT_COLUMN} TEXT NOT NULL",
                    table.created.node["relation"],
                )
            continue
        column = table.columns[TENANT_COLUMN]
        if column.statement.source.path != file.path:
            continue
        if column.type != "text":
            message = f"{TENANT_COLUMN} is {column.type}"
            yield column.statement.finding(ID, message, "make it TEXT", column.node)
        if not column.not_null and not _is_shared(table):
            yield column.statement.finding(
                ID,
                f"{TENANT_COLUMN} may be NULL, and no policy says what such a row is",
                f"write {TENANT_COLUMN} TEXT NOT NULL",
                column.node,
            )


def _is_shared(table: Table) -> bool:
    return table.name != TENANTS and any(
        policy.permissive and admits_shared(policy.using, table.name)
        for policy in table.policies.values()
    )
