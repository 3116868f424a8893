"""At least one index or unique key of every table begins with the tenant column.

What: A table with app_code and no full index, unique constraint or primary key that app_code leads.
Why: Every query carries app_code = …, from its policy; without such an index each of them reads the
    rows of all tenants.
Instead: CREATE INDEX IF NOT EXISTS <table>_app_code_<column>_idx ON … (app_code, column), with the
    column that most queries ask for.
When to allow: A table that stays small for every tenant together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import TENANT_COLUMN, TENANTS, has_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "tenant-leads-index"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that is read whole for one tenant."""
    for table in workspace.tables(file):
        if not has_tenant(table) or table.name == TENANTS:
            continue
        leading = {key.columns[:1] for key in table.keys} | {
            (index.columns[0].name,)
            for index in table.indexes
            if index.predicate is None and index.method == "btree"
        }
        if (TENANT_COLUMN,) not in leading:
            yield table.created.finding(
                ID,
                f"no index of {table.name} begins with {TENANT_COLUMN}",
                f"CREATE INDEX IF NOT EXISTS {table.name.name}_{TENANT_COLUMN}_…_idx\n"
                f"ON {table.name} ({TENANT_COLUMN}, …);",
                table.created.node["relation"],
            )
