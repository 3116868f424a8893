"""Every DROP says IF EXISTS.

What: DROP of an object, a role, a column or a constraint without IF EXISTS, outside a guard.
Why: The second run fails: what the first one dropped does not exist.
Instead: DROP … IF EXISTS.
When to allow: In a file that a tool is known to run at most once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import dropped_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "idempotent-drop"

_COMMANDS = {
    "DropColumn": "DROP COLUMN",
    "DropConstraint": "DROP CONSTRAINT",
    "DropIdentity": "DROP IDENTITY",
    "DropExpression": "DROP EXPRESSION",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each DROP that fails when there is nothing to drop."""
    facts = workspace.facts(file)
    for statement in facts.statements("DropStmt", "DropRoleStmt", "DropUserMappingStmt"):
        temporary = statement.kind == "DropStmt" and all(
            "pg_temp" in names for names in dropped_names(statement)
        )
        if not (statement.conditional or statement.node.get("missing_ok") or temporary):
            kind = statement.node.get("removeType", "OBJECT_ROLE").removeprefix("OBJECT_")
            word = {"MATVIEW": "MATERIALIZED VIEW"}.get(kind, kind.replace("_", " "))
            message = f"DROP {word} fails when there is none"
            yield statement.finding(ID, message, f"write DROP {word} IF EXISTS")
    for command in facts.commands:
        word = _COMMANDS.get(command.kind, "")
        missing_ok = command.node.get("missing_ok")
        if word and not command.statement.conditional and not missing_ok:
            name = command.node["name"]
            yield command.statement.finding(
                ID, f"{word} fails when {name} is gone", f"write {word} IF EXISTS {name}"
            )
