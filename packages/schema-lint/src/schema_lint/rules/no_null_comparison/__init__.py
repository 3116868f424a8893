"""NULL is asked for with IS NULL, never compared.

What: = NULL, <> NULL and the like, IN with a NULL in its list, = ANY with one in its array.
Why: It is never true: the condition gives NULL, which a policy takes for no and a CHECK for yes.
    NOT IN with a NULL is never true either.
Instead: IS NULL, IS NOT NULL, IS DISTINCT FROM.
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import compares_with_null

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-null-comparison"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each comparison with a written NULL."""
    for statement, node in workspace.facts(file).nodes("A_Expr"):
        if compares_with_null(node):
            message = "a comparison with NULL is never true"
            yield statement.finding(ID, message, "write IS NULL or IS NOT NULL", node)
