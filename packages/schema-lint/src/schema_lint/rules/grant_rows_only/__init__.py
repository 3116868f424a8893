"""No caller holds more than SELECT, INSERT, UPDATE and DELETE on a table.

What: GRANT ALL, TRUNCATE, REFERENCES, TRIGGER or MAINTAIN on a table, and WITH GRANT OPTION on
    anything.
Why: TRUNCATE ignores row-level security: one tenant empties the table of all. The others change
    tables rather than rows, and a grant option hands the decision on.
Instead: GRANT SELECT, INSERT, UPDATE, DELETE, or fewer.
When to allow: A maintenance role that no API call can take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import ROW_PRIVILEGES
from schema_lint.workspace import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "grant-rows-only"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each grant that reaches past rows."""
    facts = workspace.facts(file)
    for grant in workspace.grants(file):
        if grant.revoke:
            continue
        wide = [p for p in grant.privileges if p.partition(" ")[0] not in ROW_PRIVILEGES]
        if wide:
            held = "ALL" if grant.everything else ", ".join(wide)
            yield grant.statement.finding(
                ID,
                f"GRANT {held} on {grant.table} reaches past row-level security",
                f"GRANT {', '.join(ROW_PRIVILEGES)}, or fewer",
                place(grant.node),
            )
    for statement in facts.statements("GrantStmt", "GrantRoleStmt"):
        options = [item["DefElem"]["defname"] for item in statement.node.get("opt", ())]
        if statement.node.get("is_grant") and (statement.node.get("grant_option") or options):
            message = "the grant may be handed on"
            yield statement.finding(ID, message, "leave WITH GRANT OPTION out")
