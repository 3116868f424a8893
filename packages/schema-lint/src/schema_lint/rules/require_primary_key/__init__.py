"""Every table has a primary key.

What: A table without PRIMARY KEY.
Why: The Data API cannot address one row, and logical replication, on which Supabase Realtime
    builds, cannot UPDATE or DELETE in it.
Instead: CONSTRAINT <table>_pkey PRIMARY KEY (id).
When to allow: A table of raw events that is only ever inserted into and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "require-primary-key"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table whose rows have no name."""
    for table in workspace.tables(file):
        if table.primary_key is None and table.complete:
            yield table.created.finding(
                ID,
                f"{table.name} has no primary key",
                f"add CONSTRAINT {table.name.name}_pkey PRIMARY KEY (id)",
                table.created.node["relation"],
            )
