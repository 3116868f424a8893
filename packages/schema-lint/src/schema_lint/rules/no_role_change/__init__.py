"""A migration runs as the role that it is run by, and changes no role.

What: SET ROLE, SET SESSION AUTHORIZATION; ALTER … OWNER TO, REASSIGN OWNED; GRANT of a role to a
    role; CREATE, ALTER and DROP ROLE; FORCE or NO FORCE ROW LEVEL SECURITY.
Why: Supabase runs migrations as postgres, which is no superuser: some of these fail there and pass
    on a developer's machine. An owner passes row-level security; a member of service_role is one.
Instead: Nothing. Roles are the platform's; what a table needs are GRANTs.
When to allow: A stub of the platform for local tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-role-change"

_STATEMENTS = {
    "AlterOwnerStmt": "ALTER … OWNER TO",
    "ReassignOwnedStmt": "REASSIGN OWNED",
    "AlterRoleStmt": "ALTER ROLE",
    "AlterRoleSetStmt": "ALTER ROLE … SET",
    "CreateRoleStmt": "CREATE ROLE",
    "DropRoleStmt": "DROP ROLE",
}
_SETTINGS = {"role": "SET ROLE", "session_authorization": "SET SESSION AUTHORIZATION"}
_COMMANDS = {
    "ChangeOwner": "ALTER … OWNER TO",
    "ForceRowSecurity": "FORCE ROW LEVEL SECURITY",
    "NoForceRowSecurity": "NO FORCE ROW LEVEL SECURITY",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each change of who somebody is or what they own."""
    facts = workspace.facts(file)
    remedy = "leave it out: roles and owners are the platform's"
    for statement in facts.statements(*_STATEMENTS):
        message = f"{_STATEMENTS[statement.kind]} changes who may do what everywhere"
        yield statement.finding(ID, message, remedy)
    for statement in facts.statements("GrantRoleStmt"):
        if statement.node.get("is_grant"):
            message = "GRANT of a role hands over all its rights"
            yield statement.finding(ID, message, "grant what is needed, on each table")
    for statement in facts.statements("VariableSetStmt"):
        word = _SETTINGS.get(statement.node.get("name", ""))
        if word:
            message = f"{word} runs what follows as somebody else"
            yield statement.finding(ID, message, remedy)
    for command in facts.commands:
        word = _COMMANDS.get(command.kind)
        if word:
            yield command.statement.finding(
                ID, f"{word} changes whom row-level security binds", remedy
            )
