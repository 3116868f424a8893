"""Statuses and types are text with a CHECK, not an enum.

What: CREATE TYPE … AS ENUM.
Why: An enum's value can be added and never removed, and a new one cannot be used in the
    transaction that adds it; CREATE TYPE has no IF NOT EXISTS.
Instead: TEXT with CONSTRAINT … CHECK (status IN ('OPEN', 'DONE')).
When to allow: The order of the values is what queries sort by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-enum-type"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each enum."""
    for statement in workspace.facts(file).statements("CreateEnumStmt"):
        message = "an enum's values can never be removed"
        yield statement.finding(ID, message, "make the column TEXT with a CHECK (… IN (…))")
