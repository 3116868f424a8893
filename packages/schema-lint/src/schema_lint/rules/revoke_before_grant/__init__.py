"""Every table takes back what the platform granted, before it grants its own.

What: A table without REVOKE ALL FROM PUBLIC, anon, authenticated and service_role CASCADE above its
    GRANTs, or with a RESTRICTIVE policy below them.
Why: Supabase's default privileges have granted ALL on new tables to the API roles, and still leave
    them TRUNCATE, REFERENCES and TRIGGER; TRUNCATE ignores row-level security. Where each statement
    commits by itself, callers are let in by GRANT before the policy that restricts them is there.
    Without CASCADE, REVOKE fails where a role has granted to others what it was granted.
Instead: REVOKE ALL ON TABLE … FROM PUBLIC, anon, authenticated, service_role CASCADE; the policies;
    GRANT.
When to allow: Never for a table in public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import API_ROLES
from schema_lint.workspace import Workspace, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_sql.declared import Table
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "revoke-before-grant"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each GRANT that comes too early, and each table that revokes nothing."""
    for table in workspace.tables(file):
        if not any(not grant.revoke for grant in table.grants):
            missing = _missing(table)
            if missing:
                yield table.created.finding(
                    ID,
                    f"{table.name} leaves {', '.join(missing)} what the platform granted",
                    _remedy(table.name, missing),
                    table.created.node["relation"],
                )
    first_grants: dict[Name, _Grants] = {}
    for grant in workspace.grants(file):
        granted_on = workspace.table(grant.table)
        if granted_on is None:
            continue
        if grant.revoke:
            if grant.everything and grant.statement.node.get("behavior") != "DROP_CASCADE":
                message = "REVOKE without CASCADE fails where a role has granted on what it held"
                yield grant.statement.finding(
                    ID, message, "write CASCADE behind the roles", place(grant.node)
                )
            continue
        if granted_on.name not in first_grants:
            first_grants[granted_on.name] = _Grants(granted_on, file)
        if first_grants[granted_on.name].first is grant.node:
            missing = _missing(granted_on)
            if missing:
                yield grant.statement.finding(
                    ID,
                    f"{grant.table} is granted before {', '.join(missing)} lose all they had",
                    _remedy(grant.table, missing),
                    place(grant.node),
                )
    for policy in workspace.policies(file):
        restricted = workspace.table(policy.table)
        if policy.permissive or restricted is None:
            continue
        if restricted.name not in first_grants:
            first_grants[restricted.name] = _Grants(restricted, file)
        granted_at = first_grants[restricted.name].here
        if granted_at is not None and granted_at < policy.statement.start:
            yield policy.statement.finding(
                ID,
                f"{policy.table} is granted before {policy.name} restricts it",
                "move its GRANTs below this policy",
                place(policy.node),
            )


class _Grants:
    """A table's first GRANT: its node, and where the first one in a file stands."""

    def __init__(self, table: Table, file: SqlFile) -> None:
        granted = [grant for grant in table.grants if not grant.revoke]
        here = [g.statement.start for g in granted if g.statement.source is file.source]
        self.first = granted[0].node if granted else None
        self.here = min(here, default=None)


def _missing(table: Table) -> list[str]:
    """The API roles that keep something when the table's first GRANT comes."""
    revoked: set[str] = set()
    for grant in table.grants:
        if not grant.revoke:
            break
        if grant.everything:
            revoked.update(grant.roles)
    return [role for role in API_ROLES if role not in revoked]


def _remedy(table: Name, missing: list[str]) -> str:
    return f"write above the GRANTs: REVOKE ALL ON TABLE {table} FROM {', '.join(missing)} CASCADE;"
