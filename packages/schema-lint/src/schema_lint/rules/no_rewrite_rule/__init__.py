"""No statement is rewritten or watched behind its author's back.

What: CREATE RULE and CREATE EVENT TRIGGER. Triggers and functions are not judged as such.
Why: A rule turns one statement into another before any policy or privilege of the first is asked
    for, with its owner's rights. An event trigger runs in every migration of everybody, and only
    a superuser may create one.
Instead: A missing privilege instead of DO INSTEAD NOTHING; a view instead of a rewritten SELECT.
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-rewrite-rule"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each rule and event trigger."""
    facts = workspace.facts(file)
    for statement in facts.statements("RuleStmt"):
        message = "a rule rewrites statements with its owner's rights"
        yield statement.finding(ID, message, "take the privilege away instead")
    for statement in facts.statements("CreateEventTrigStmt"):
        yield statement.finding(ID, "an event trigger runs in every migration", "leave it out")
