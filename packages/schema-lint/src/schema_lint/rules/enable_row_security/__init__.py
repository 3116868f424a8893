"""Row-level security is on for every table.

What: A table or partition without ENABLE ROW LEVEL SECURITY, and DISABLE ROW LEVEL SECURITY.
Why: Without it policies mean nothing: whoever may SELECT sees the rows of every tenant.
Instead: ALTER TABLE … ENABLE ROW LEVEL SECURITY.
When to allow: Never in a schema that the Data API serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import is_temporary
from schema_sql.names import range_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "enable-row-security"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that is open, and each statement that opens one."""
    facts = workspace.facts(file)
    seen = set()
    for statement in facts.statements("CreateStmt"):
        relation = statement.node["relation"]
        name = range_name(relation).qualified()
        table = workspace.table(name)
        declared_here = table is None or table.created.source.path == file.path
        if is_temporary(relation) or name in workspace.protected or not declared_here:
            continue
        if name not in seen:
            seen.add(name)
            yield statement.finding(
                ID,
                f"row-level security is off for {name}",
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;",
                relation,
            )
    for command in facts.commands:
        if command.kind == "DisableRowSecurity":
            message = f"this opens {command.table} to every tenant"
            yield command.statement.finding(ID, message, "remove it")
