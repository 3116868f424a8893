"""A bootstrapped database is like Supabase's where a migration can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from schema_database import ApplyError, Cluster, DatabaseError, PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Iterator

API_ROLES = {"anon", "authenticated", "service_role"}
Stubs = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module", params=list(PrivilegeRegime))
def regime(request: pytest.FixtureRequest) -> PrivilegeRegime:
    """Return each privilege regime."""
    regime: PrivilegeRegime = request.param
    return regime


@pytest.fixture(scope="module")
def as_postgres(
    any_cluster: Cluster, regime: PrivilegeRegime, stub_texts: Stubs
) -> Iterator[psycopg.Connection]:
    """Return a connection of `postgres`, on each major version, under each regime."""
    template = any_cluster.template(regime, stub_texts)
    with (
        any_cluster.clone(template) as database,
        psycopg.connect(database.url, autocommit=True) as connection,
    ):
        yield connection


def test_postgres_is_no_superuser(as_postgres: psycopg.Connection) -> None:
    """It has what Supabase gives it, and owns the database; supabase_admin is the superuser."""
    assert as_postgres.execute(
        "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " rolcanlogin, pg_get_userbyid(datdba) FROM pg_roles, pg_database"
        " WHERE rolname = current_user AND datname = current_database()"
    ).fetchone() == ("postgres", False, True, True, True, True, True, "postgres")
    assert as_postgres.execute("SELECT rolname::text FROM pg_roles WHERE rolsuper").fetchall() == [
        ("supabase_admin",)
    ]


def test_postgres_finds_extensions(as_postgres: psycopg.Connection) -> None:
    """The search path is Supabase's, in a clone as in its template."""
    row = as_postgres.execute("SHOW search_path").fetchone()
    assert row == ('"$user", public, extensions',)
    as_postgres.execute("CREATE FUNCTION extensions.here() RETURNS int LANGUAGE sql RETURN 1")
    assert as_postgres.execute("SELECT here()").fetchone() == (1,)


def test_public_belongs_to_the_database_owner(as_postgres: psycopg.Connection) -> None:
    """Schema public is pg_database_owner's; API roles may use it and create nothing in it."""
    assert as_postgres.execute(
        "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
    ).fetchone() == ("pg_database_owner",)
    rights = as_postgres.execute(
        "SELECT rolname::text, has_schema_privilege(oid, 'public', 'USAGE'),"
        " has_schema_privilege(oid, 'public', 'CREATE') FROM pg_roles WHERE rolname = ANY (%s)",
        [list(API_ROLES)],
    ).fetchall()
    assert set(rights) == {(role, True, False) for role in API_ROLES}


def test_new_tables_bear_the_privileges_of_the_regime(
    as_postgres: psycopg.Connection, regime: PrivilegeRegime
) -> None:
    """What the API roles hold on a table before any GRANT is what Supabase gives them."""
    as_postgres.execute("CREATE TABLE fresh ()")
    left = {"TRUNCATE", "REFERENCES", "TRIGGER"}
    if as_postgres.info.server_version >= 17_00_00:
        left.add("MAINTAIN")
    if regime is PrivilegeRegime.LEGACY:
        left |= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    # tenants is a stub's table, made after the roles and before any migration.
    for table in ("fresh", "tenants"):
        rows = as_postgres.execute(
            "SELECT a.grantee::regrole::text, a.privilege_type FROM pg_class,"
            " aclexplode(relacl) AS a WHERE pg_class.oid = %s::regclass AND a.grantee <> relowner",
            [table],
        ).fetchall()
        assert set(rows) == {(role, privilege) for role in API_ROLES for privilege in left}, table


def test_platform_tables_belong_to_postgres(as_postgres: psycopg.Connection) -> None:
    """As if an earlier migration had made them: a foreign key may point at them."""
    as_postgres.execute("CREATE TABLE child (code text REFERENCES tenants)")
    assert as_postgres.execute(
        "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'tenants'::regclass"
    ).fetchone() == ("postgres",)


def test_postgres_may_act_as_the_api_roles(as_postgres: psycopg.Connection) -> None:
    """SET ROLE works for each, and from 16 postgres may pass the membership on."""
    for role in sorted(API_ROLES):
        as_postgres.execute(f"SET ROLE {role}")
        assert as_postgres.execute("SELECT current_user::text").fetchone() == (role,)
        as_postgres.execute("RESET ROLE")
    if as_postgres.info.server_version >= 16_00_00:
        as_postgres.execute("CREATE ROLE guest")
        as_postgres.execute("GRANT anon TO guest")
        as_postgres.execute("DROP ROLE guest")


def test_row_level_security_holds_for_an_api_role(as_postgres: psycopg.Connection) -> None:
    """The platform is good enough to see a policy work: a claim decides which rows are seen."""
    as_postgres.execute(
        "CREATE TABLE note (code text); INSERT INTO note VALUES ('a'), ('b');"
        "GRANT SELECT ON note TO authenticated;"
        "CREATE POLICY own ON note USING (code = ((SELECT auth.jwt()) ->> 'code'))"
    )

    def seen() -> list[str]:
        with as_postgres.transaction():
            as_postgres.execute("""SET LOCAL request.jwt.claims = '{"code": "a"}'""")
            as_postgres.execute("SET LOCAL ROLE authenticated")
            return [code for (code,) in as_postgres.execute("SELECT code FROM note ORDER BY 1")]

    assert seen() == ["a", "b"]
    as_postgres.execute("ALTER TABLE note ENABLE ROW LEVEL SECURITY")
    assert seen() == ["a"]


def test_a_stub_may_not_change_a_role_that_was_there(
    one_cluster: Cluster, stub_texts: Stubs
) -> None:
    """Roles belong to the server, which may be somebody's: the whole template is refused."""
    one_cluster.template(PrivilegeRegime.EXPLICIT, stub_texts)
    meddling = (*stub_texts, ("meddling.sql", "CREATE ROLE extra; ALTER ROLE anon LOGIN;"))
    with pytest.raises(DatabaseError, match="stubs change anon, which existed on this server"):
        one_cluster.template(PrivilegeRegime.EXPLICIT, meddling)
    template = one_cluster.template(PrivilegeRegime.EXPLICIT, stub_texts)
    with (
        one_cluster.clone(template) as database,
        psycopg.connect(database.url) as connection,
    ):
        assert connection.execute(
            "SELECT rolname::text, rolcanlogin FROM pg_roles WHERE rolname IN ('anon', 'extra')"
        ).fetchall() == [("anon", False)]


def test_an_error_in_a_stub_names_its_file_and_line(
    one_cluster: Cluster, stub_texts: Stubs
) -> None:
    """A stub is a file that people edit."""
    broken = (*stub_texts, ("platform/broken.sql", "SELECT 1;\nSELECT 1 FROM nowhere;"))
    with pytest.raises(ApplyError, match=r"^platform/broken\.sql:2:15: 42P01: ") as caught:
        one_cluster.template(PrivilegeRegime.LEGACY, broken)
    assert caught.value.line == 2
