"""Rights are given table by table.

What: GRANT … ON ALL TABLES, FUNCTIONS or SEQUENCES IN SCHEMA; ALTER DEFAULT PRIVILEGES … GRANT.
Why: It reaches tables that somebody else made, and those that somebody will make, whatever their
    own REVOKE says.
Instead: GRANT on each table, beside it.
When to allow: A schema of its own that no API role can use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-blanket-grant"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each grant on more than it names."""
    facts = workspace.facts(file)
    for statement in facts.statements("GrantStmt"):
        node = statement.node
        if node.get("is_grant") and node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
            message = "GRANT … ON ALL reaches tables that are not ours"
            yield statement.finding(ID, message, "grant on each table, beside it")
    for statement in facts.statements("AlterDefaultPrivilegesStmt"):
        if statement.node["action"].get("is_grant"):
            message = "this grants every object that will ever be made here"
            yield statement.finding(ID, message, "grant on each object, beside it")
