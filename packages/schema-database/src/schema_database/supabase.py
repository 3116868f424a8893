"""Makes an empty database look like Supabase's.

Knows Supabase's roles, schemas and default privileges; the project's own platform objects come in
as texts. Must not know where the server is, nor what the project's tables are called.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from psycopg import Connection, IsolationLevel
from psycopg.sql import SQL, Composed, Identifier, Literal

from schema_database.apply import apply_as_one_transaction
from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.rows import TupleRow

API_ROLES = ("anon", "authenticated", "service_role")
"""The roles that Supabase's Data API acts as."""

AUTHENTICATOR = "authenticator"
"""The role that the Data API logs in as, before it becomes one of those."""

PLATFORM_LOGINS = frozenset(
    {AUTHENTICATOR, "cli_login_postgres", "dashboard_user", "pgbouncer", "postgres"}
)
"""Logins of the platform's own besides its administrators: supabase/postgres, migrations/."""

CLAIM_FUNCTION = "auth.jwt()"
"""What policies ask for the token's claims: supabase/auth, migrations/."""

SEARCH_PATH = '"$user", public, extensions'
"""The search path of `postgres` on Supabase."""


class PrivilegeRegime(StrEnum):
    """What the API roles hold on a new table in schema public before anyone grants anything.

    Supabase, "Breaking Change: Tables not exposed to Data and GraphQL API automatically".
    """

    LEGACY = "legacy"
    """Everything: projects made before the change, until 2026-10-30."""

    EXPLICIT = "explicit"
    """TRUNCATE, REFERENCES, TRIGGER, from 17 MAINTAIN; every project from 2026-10-30."""


def is_platform_admin(role: str) -> bool:
    """Tell whether a role is one of those that Supabase runs its own services as.

    They are called `supabase_admin`, `supabase_auth_admin` and so on: supabase/postgres,
    migrations/. Nobody but a superuser may give a role such a name on Supabase: supautils reserves
    them.
    """
    return re.fullmatch(r"supabase_(\w+_)?admin|pgbouncer", role) is not None


def create_owner(connection: Connection[TupleRow], name: str, password: str) -> None:
    """Create the role that plays Supabase's `postgres`: it runs migrations and is no superuser.

    Args:
        connection: a superuser's.
        name: `postgres`, or another name where that one is taken.
        password: its password; sent as a SCRAM verifier, so that no server log can hold it.
    """
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        SQL(
            "CREATE ROLE {} LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS NOSUPERUSER PASSWORD {}"
        ).format(Identifier(name), Literal(verifier))
    )


def bootstrap(
    connection: Connection[TupleRow],
    *,
    owner: str,
    regime: PrivilegeRegime,
    stubs: Sequence[tuple[str, str]],
    role_comment: str,
) -> None:
    """Make an empty database look like Supabase's, all of it or nothing.

    The API roles' membership and default privileges are set as soon as the roles exist, so that
    they hold for the tables of all later stubs too: keep the roles in a stub of their own and
    put it first. What the stubs create in schema public belongs to `owner` in the end, as if an
    earlier migration of the project had made it.

    Args:
        connection: an administrator's, in autocommit mode, to a database made from template0.
        owner: owner of the database and runner of migrations.
        regime: what the API roles get on new tables.
        stubs: (name, SQL) in order; what the platform provides beyond this module. Each must bear
            that its roles exist already, since roles belong to the whole server.
        role_comment: set on each role that the stubs create, so that it can be told apart from
            those that were there before.

    Raises:
        ApplyError: a stub was refused; its name stands for the file.
        DatabaseError: a stub changes a role that existed before, or `owner` may not act as an API
            role.
    """
    previous = connection.isolation_level
    # One snapshot: what others do to roles meanwhile is not mistaken for our doing.
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            before = _roles(connection)
            _prepare_schemas(connection, owner)
            settled = _settle_api_roles(connection, owner, regime, before)
            for name, sql in stubs:
                apply_as_one_transaction(connection, sql, name=name)
                settled = settled or _settle_api_roles(connection, owner, regime, before)
            _give_public_to(connection, owner)
            after = _roles(connection)
            changed = sorted(
                role for role in before if role != owner and before[role] != after.get(role)
            )
            if changed:
                raise DatabaseError(
                    f"the platform stubs change {', '.join(changed)}, which existed on this server",
                    "let a stub create a role only where it does not exist, and not alter it",
                )
            for role in sorted(after.keys() - before.keys()):
                connection.execute(
                    SQL("COMMENT ON ROLE {} IS {}").format(Identifier(role), Literal(role_comment))
                )
    finally:
        connection.isolation_level = previous


def _prepare_schemas(connection: Connection[TupleRow], owner: str) -> None:
    connection.execute(SQL("CREATE SCHEMA extensions AUTHORIZATION {}").format(Identifier(owner)))


def _settle_api_roles(
    connection: Connection[TupleRow],
    owner: str,
    regime: PrivilegeRegime,
    before: dict[str, object],
) -> bool:
    """Do what needs the API roles, and return True, if all of them exist."""
    found = connection.execute(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY (%s)", [list(API_ROLES)]
    ).fetchone()
    if found != (len(API_ROLES),):
        return False
    for role in API_ROLES:
        _make_member(connection, role, owner, existed=role in before)
    roles = SQL(", ").join(map(Identifier, API_ROLES))
    for schema in ("public", "extensions"):
        connection.execute(
            SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(
                Identifier(schema), Identifier(owner), roles
            )
        )
    admin = connection.execute("SELECT current_user").fetchone()
    assert admin is not None  # noqa: S101 - a SELECT without FROM has a row
    for creator in sorted({owner, str(admin[0])}):
        for statement in _default_privileges(
            creator, roles, regime, connection.info.server_version
        ):
            connection.execute(statement)
    return True


def _default_privileges(
    creator: str, roles: Composed, regime: PrivilegeRegime, server_version: int
) -> list[Composed]:
    if regime is PrivilegeRegime.LEGACY:
        granted = [(SQL("ALL"), SQL(kind)) for kind in ("TABLES", "SEQUENCES", "FUNCTIONS")]
    elif server_version >= 17_00_00:
        granted = [(SQL("TRUNCATE, REFERENCES, TRIGGER, MAINTAIN"), SQL("TABLES"))]
    else:
        granted = [(SQL("TRUNCATE, REFERENCES, TRIGGER"), SQL("TABLES"))]
    return [
        SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} ON {} TO {}").format(
            Identifier(creator), privileges, kind, roles
        )
        for privileges, kind in granted
    ]


def _make_member(connection: Connection[TupleRow], role: str, owner: str, *, existed: bool) -> None:
    # pg_has_role says yes for superusers, and from 16 without SET option it is not enough.
    mode = "SET" if connection.info.server_version >= 16_00_00 else "MEMBER"
    state = connection.execute(
        "SELECT pg_has_role(%(owner)s, %(role)s, %(mode)s),"
        " pg_has_role(%(owner)s, %(role)s, 'MEMBER WITH ADMIN OPTION'), current_user = %(owner)s",
        {"owner": owner, "role": role, "mode": mode},
    ).fetchone()
    assert state is not None  # noqa: S101 - a SELECT without FROM has a row
    is_member, is_admin, is_self = state
    if is_member and (is_admin or is_self or connection.info.server_version < 16_00_00):
        return
    if is_self and existed:
        raise DatabaseError(
            f"{owner} may not act as {role}, which exists on this server",
            f"GRANT {role} TO {owner}, or give the URL of a superuser",
        )
    plain = is_self or connection.info.server_version < 16_00_00
    statement = SQL("GRANT {} TO {}" if plain else "GRANT {} TO {} WITH ADMIN OPTION")
    connection.execute(statement.format(Identifier(role), Identifier(owner)))


def _give_public_to(connection: Connection[TupleRow], owner: str) -> None:
    relations = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner <> %s::regrole ORDER BY 1",
        [Identifier(owner).as_string()],
    ).fetchall()
    for (name,) in relations:
        connection.execute(
            SQL("ALTER TABLE public.{} OWNER TO {}").format(Identifier(name), Identifier(owner))
        )


def _roles(connection: Connection[TupleRow]) -> dict[str, object]:
    """Return every role with its attributes and its memberships in other roles."""
    rows = connection.execute(
        "SELECT r.rolname, to_jsonb(r),"
        " (SELECT jsonb_agg(g.rolname || CASE WHEN m.admin_option THEN ' with admin' ELSE '' END"
        " ORDER BY g.rolname, m.admin_option)"
        " FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)"
        " FROM pg_roles r"
    ).fetchall()
    return {str(name): (attributes, groups) for name, attributes, groups in rows}
