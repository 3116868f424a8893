"""No statement changes or deletes every row of a table.

What: TRUNCATE; DELETE and UPDATE without WHERE, or with one that is always true.
Why: It reaches the rows of all tenants, and runs again whenever the file does.
Instead: A WHERE that says which rows, and is false for those that are done.
When to allow: A temporary table; a column that was just added, on a table known to be small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-unbounded-write"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each write without a bound."""
    facts = workspace.facts(file)
    for statement in facts.statements("TruncateStmt"):
        names = ", ".join(item["RangeVar"]["relname"] for item in statement.node["relations"])
        message = f"TRUNCATE empties {names} for every tenant"
        yield statement.finding(ID, message, "DELETE … WHERE …")
    for kind, word in (("DeleteStmt", "DELETE"), ("UpdateStmt", "UPDATE")):
        for statement, node in facts.nodes(kind):
            where = node.get("whereClause")
            if statement.kind != "CreateFunctionStmt" and (where is None or truth(where)):
                name = node["relation"]["relname"]
                message = f"{word} reaches every row of {name}"
                yield statement.finding(ID, message, "add a WHERE", node["relation"])
