"""The tenant column references the tenants, public.applications (app_code).

What: A table with app_code and no foreign key from app_code alone to public.applications
    (app_code).
Why: Without it any text is a tenant: a misspelled one owns rows that nobody will ever see.
Instead: CONSTRAINT <table>_app_code_fkey FOREIGN KEY (app_code) REFERENCES public.applications
    (app_code).
When to allow: A table whose rows must outlive the tenant, such as an invoice archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import TENANT_COLUMN, TENANTS, has_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "require-tenant-fkey"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table whose tenants may not exist."""
    for table in workspace.tables(file):
        if not has_tenant(table) or table.name == TENANTS:
            continue
        if not any(
            key.columns == (TENANT_COLUMN,)
            and key.target == TENANTS
            and key.target_columns == (TENANT_COLUMN,)
            for key in table.foreign_keys
        ):
            column = table.columns[TENANT_COLUMN]
            # Where another file adds the column, the finding still belongs to the table's.
            own = column.statement.source.path == file.path
            statement = column.statement if own else table.created
            yield statement.finding(
                ID,
                f"{table.name} ({TENANT_COLUMN}) does not reference {TENANTS} ({TENANT_COLUMN})",
                f"add CONSTRAINT {table.name.name}_{TENANT_COLUMN}_fkey\n"
                f"FOREIGN KEY ({TENANT_COLUMN}) REFERENCES {TENANTS} ({TENANT_COLUMN})",
                column.node if own else table.created.node["relation"],
            )
