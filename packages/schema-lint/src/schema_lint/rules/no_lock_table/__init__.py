"""No statement takes a table lock by hand.

What: LOCK TABLE.
Why: It fails outside an explicit transaction on PostgreSQL 15 and 17, and holds up every reader or
    writer of the table until the whole migration ends.
Instead: An advisory lock, pg_advisory_xact_lock, where two runs must not meet.
When to allow: A data change in which nobody may write in between, and the reason says how long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-lock-table"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each LOCK TABLE."""
    for statement in workspace.facts(file).statements("LockStmt"):
        names = ", ".join(item["RangeVar"]["relname"] for item in statement.node["relations"])
        yield statement.finding(
            ID,
            f"LOCK TABLE holds {names} until the migration ends",
            "take an advisory lock: SELECT pg_advisory_xact_lock(…);",
        )
