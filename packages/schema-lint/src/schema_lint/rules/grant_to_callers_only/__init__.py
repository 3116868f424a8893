"""Tables are granted to authenticated and service_role, and to nobody else.

What: GRANT on a table to PUBLIC, anon or any other role.
Why: anon is everybody on the internet with the project's public key; PUBLIC is that and every role
    that will ever exist.
Instead: GRANT … TO authenticated, service_role.
When to allow: Data that is meant for the whole internet, or a reporting role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import CALLERS
from schema_sql.names import role_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "grant-to-callers-only"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each role that a table is granted to and that is no caller."""
    for statement in workspace.facts(file).statements("GrantStmt"):
        node = statement.node
        if not node.get("is_grant") or node.get("objtype") != "OBJECT_TABLE":
            continue
        for item in node.get("grantees", ()):
            role = role_name(item["RoleSpec"])
            if role not in CALLERS:
                yield statement.finding(
                    ID,
                    f"a table is granted to {role}",
                    f"grant it to {', '.join(CALLERS)} alone",
                    item["RoleSpec"],
                )
