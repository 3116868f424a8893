"""Every table has a comment that says what it holds.

What: A table without COMMENT ON TABLE, or with an empty one; an empty comment on anything else.
Why: The comment is the only documentation that reaches the database, its dumps and the Data API's
    description of itself.
Instead: COMMENT ON TABLE public.tasks IS 'Work tokens: one row per task.'.
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "comment-table"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each table that says nothing of itself, and each comment that says nothing."""
    for table in workspace.tables(file):
        if not (table.comment or "").strip():
            yield table.created.finding(
                ID,
                f"{table.name} has no comment",
                f"COMMENT ON TABLE {table.name} IS '…';",
                table.created.node["relation"],
            )
    for statement in workspace.facts(file).statements("CommentStmt"):
        # The tree leaves out an empty text as it does NULL, which removes a comment on purpose.
        text = statement.node.get("comment", "")
        quoted = statement.text.endswith("'")
        if quoted and not text.strip() and statement.node["objtype"] != "OBJECT_TABLE":
            message = "an empty comment removes the comment"
            yield statement.finding(ID, message, "write what it is, or leave the statement out")
