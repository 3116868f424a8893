"""Nothing is dropped that is not named.

What: CASCADE in DROP, DROP COLUMN, DROP CONSTRAINT, TRUNCATE and REVOKE of a role; DROP OWNED.
Why: It drops whatever depends on the object on that database: views, foreign keys, and policies,
    whose absence opens or closes tables without a word. REVOKE of a privilege drops nothing: there
    CASCADE takes it from those to whom it was granted on, and without it the REVOKE fails.
Instead: Drop each dependent object by name, above.
When to allow: Never in a migration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-cascade"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each statement that drops more than it names."""
    facts = workspace.facts(file)
    message, remedy = "CASCADE drops what it does not name", "name what else is to go, above"
    for statement in facts.statements("DropStmt", "GrantRoleStmt"):
        if statement.node.get("behavior") == "DROP_CASCADE":
            yield statement.finding(ID, message, remedy)
    for statement in facts.statements("TruncateStmt"):
        if statement.node.get("behavior") == "DROP_CASCADE":
            yield statement.finding(ID, "CASCADE empties tables that it does not name", remedy)
    for command in facts.commands:
        if command.node.get("behavior") == "DROP_CASCADE":
            yield command.statement.finding(ID, message, remedy)
    for statement in facts.statements("DropOwnedStmt"):
        yield statement.finding(ID, "DROP OWNED drops what it does not name", remedy)
