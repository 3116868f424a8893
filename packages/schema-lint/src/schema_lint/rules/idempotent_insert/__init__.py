"""Every INSERT can run twice without a second row or an error.

What: INSERT without ON CONFLICT, and without a WHERE NOT EXISTS in its SELECT.
Why: The second run fails on a unique key, or where there is none makes every row again.
Instead: INSERT … ON CONFLICT (key) DO NOTHING, or DO UPDATE SET.
When to allow: A table that the same file has just created as temporary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.statements import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile, Statement

ID = "idempotent-insert"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each INSERT that would insert again."""
    for statement, node in workspace.facts(file).nodes("InsertStmt"):
        if statement.kind in {"CreateFunctionStmt", "RuleStmt"}:
            continue  # It does not run when the file does.
        if "onConflictClause" not in node and not statement.conditional and not _asks(node):
            table = node["relation"]["relname"]
            yield statement.finding(
                ID,
                f"a second run inserts into {table} again",
                "add ON CONFLICT (its key) DO NOTHING",
                node["relation"],
            )


def _asks(node: Statement | dict[str, object]) -> bool:
    """Whether the source of the rows asks whether they exist."""
    return any(
        kind == "BoolExpr"
        and fields["boolop"] == "NOT_EXPR"
        and fields["args"][0].get("SubLink", {}).get("subLinkType") == "EXISTS_SUBLINK"
        for kind, fields in walk(node)
    )
