"""Nobody holds UPDATE or DELETE on a history.

What: UPDATE or DELETE granted on a table whose name ends in _history, _audit or _log, or whose
    comment calls it append-only or immutable.
Why: A record that can be changed proves nothing. service_role passes row-level security, so only
    the missing privilege stops it.
Instead: GRANT SELECT, INSERT ON TABLE … TO authenticated, service_role.
When to allow: The table is called so and is none, such as a log that is trimmed by the service.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schema_lint.workspace import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "append-only-history"

_NAMES = re.compile(r".*_(history|audit|log)")
_WORDS = re.compile(r"\b(append-only|immutable)\b", re.IGNORECASE)


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each grant that lets history be changed."""
    for grant in workspace.grants(file):
        table = workspace.table(grant.table)
        comment = (table.comment if table else None) or ""
        if grant.revoke or grant.everything:
            continue  # ALL is too much on any table, which another rule says.
        if _NAMES.fullmatch(grant.table.name) or _WORDS.search(comment):
            wide = [p for p in grant.privileges if p.partition(" ")[0] in {"UPDATE", "DELETE"}]
            if wide:
                yield grant.statement.finding(
                    ID,
                    f"{', '.join(wide)} on {grant.table} lets its history be changed",
                    "GRANT SELECT, INSERT",
                    place(grant.node),
                )
