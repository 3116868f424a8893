"""Access, comments and missing indexes are made again as declared, and nothing is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from database.running import Way, run, statements
from database.tenants import TABLES
from schema_database import PrivilegeRegime, diff_catalogs, read_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from schema_database import Catalog, Database


# The same access is declared under both; the legacy one leaves more to take away.
one_regime = pytest.mark.parametrize("regime", [PrivilegeRegime.LEGACY], indirect=True)


@dataclass(frozen=True)
class Disorder:
    """What somebody did to a migrated database.

    Attributes:
        name: what it was, in a word or two.
        sql: what they ran, as the owner; `{role}` is a role that the migration does not know.
        warns: what each warning of the next run names; there are no others.
    """

    name: str
    sql: str
    warns: tuple[str, ...] = ()


_POLICY = "CREATE POLICY {0} ON public.instance_tasks"
_DROP = "DROP POLICY app_isolation ON public.instance_tasks"

POLICIES = [
    Disorder(
        "using true",
        "ALTER POLICY app_isolation ON public.instance_tasks USING (TRUE) WITH CHECK (TRUE)",
    ),
    Disorder(
        "every policy using true",
        ";".join(
            f"ALTER POLICY app_isolation ON public.{table} USING (TRUE) WITH CHECK (TRUE)"
            for table in TABLES
        ),
    ),
    Disorder("policy dropped", _DROP),
    Disorder(
        "restrictive policies dropped",
        "DROP POLICY function_visible_on_insert ON public.instance_tasks;"
        "DROP POLICY function_visible_on_update ON public.instance_tasks;"
        "DROP POLICY own_functions_on_update ON public.function_registry;"
        "DROP POLICY own_functions_on_delete ON public.function_registry",
    ),
    Disorder(
        "restrictive policy made permissive",
        "DROP POLICY own_functions_on_delete ON public.function_registry;"
        "CREATE POLICY own_functions_on_delete ON public.function_registry"
        " FOR DELETE TO authenticated USING (TRUE)",
    ),
    Disorder("policy for anon", "ALTER POLICY app_isolation ON public.instance_tasks TO anon"),
    Disorder(
        "policy for everybody", "ALTER POLICY app_isolation ON public.instance_tasks TO PUBLIC"
    ),
    Disorder(
        "policy for one command",
        f"{_DROP}; {_POLICY.format('app_isolation')} FOR SELECT TO authenticated USING (TRUE)",
    ),
    Disorder(
        "policy renamed",
        "ALTER POLICY app_isolation ON public.instance_tasks RENAME TO tenant_isolation",
        ("DROP POLICY tenant_isolation ON public.instance_tasks",),
    ),
    Disorder(
        "permissive policy added",
        f"{_POLICY.format('everybody')} USING (TRUE)",
        ("DROP POLICY everybody ON public.instance_tasks",),
    ),
    Disorder(
        "policy with an odd name added",
        _POLICY.format('"lets; ""see"" 100 %"') + " TO anon USING (TRUE)",
        ('DROP POLICY "lets; ""see"" 100 %" ON public.instance_tasks',),
    ),
    Disorder(
        "policy named as another table's added",
        _POLICY.format("own_functions_on_update") + " FOR UPDATE USING (TRUE)",
        ("DROP POLICY own_functions_on_update ON public.instance_tasks",),
    ),
    Disorder(
        "policy on every table added",
        ";".join(f"CREATE POLICY everybody ON public.{table} USING (TRUE)" for table in TABLES),
        tuple(f"DROP POLICY everybody ON public.{table}" for table in TABLES),
    ),
    Disorder(
        "policy of a foreign role added",
        _POLICY.format("theirs") + " TO {role} USING (TRUE)",
        ("DROP POLICY theirs ON public.instance_tasks",),
    ),
    Disorder(
        "row security off",
        ";".join(f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY" for table in TABLES),
    ),
]

_FOREIGN = "REVOKE ALL ON TABLE public.instance_tasks FROM {role}"

GRANTS = [
    Disorder(
        "everything to everybody",
        ";".join(
            f"GRANT ALL ON public.{table} TO PUBLIC, anon, authenticated, service_role"
            for table in TABLES
        ),
    ),
    Disorder(
        "columns to API roles",
        "GRANT SELECT (id), UPDATE (status) ON public.instance_tasks TO anon, PUBLIC;"
        "GRANT UPDATE (description) ON public.workflow_history TO authenticated, service_role",
    ),
    Disorder(
        "log made writable",
        "GRANT UPDATE, DELETE, TRUNCATE ON public.workflow_history TO authenticated, service_role",
    ),
    Disorder(
        "everything revoked",
        ";".join(
            f"REVOKE ALL ON public.{table} FROM PUBLIC, anon, authenticated, service_role"
            for table in TABLES
        ),
    ),
    Disorder("one privilege revoked", "REVOKE SELECT ON public.instance_tasks FROM service_role"),
    Disorder("foreign role", "GRANT SELECT ON public.instance_tasks TO {role}", (_FOREIGN,)),
    Disorder(
        "foreign role's columns",
        "GRANT SELECT (status), UPDATE (status) ON public.instance_tasks TO {role}",
        (_FOREIGN,),
    ),
    Disorder(
        "foreign role that passed its grant on",
        "GRANT SELECT ON public.instance_tasks TO {role} WITH GRANT OPTION;"
        "SET ROLE {role}; GRANT SELECT ON public.instance_tasks TO anon; RESET ROLE",
        (_FOREIGN,),
    ),
    Disorder(
        "API role that passed its grant on",
        "GRANT SELECT ON public.instance_tasks TO authenticated WITH GRANT OPTION;"
        "SET ROLE authenticated; GRANT SELECT ON public.instance_tasks TO anon; RESET ROLE",
    ),
    Disorder(
        "API role that passed a column on",
        "GRANT SELECT (id) ON public.instance_tasks TO service_role WITH GRANT OPTION;"
        "SET ROLE service_role; GRANT SELECT (id) ON public.instance_tasks TO anon; RESET ROLE",
    ),
    # A column's privilege that rests on a table's: revoking the table's does not reach it.
    Disorder(
        "API role that passed a column of its table on",
        "GRANT ALL ON public.workflow_history TO service_role WITH GRANT OPTION;"
        "SET ROLE service_role; GRANT UPDATE (description), SELECT (id) ON public.workflow_history"
        " TO anon, PUBLIC, authenticated; RESET ROLE",
        tuple(
            f"GRANT ALL ({column}) ON TABLE public.workflow_history TO service_role WITH GRANT"
            f" OPTION; REVOKE ALL ({column}) ON TABLE public.workflow_history FROM service_role"
            for column in ("description", "id")
        ),
    ),
    Disorder(
        "foreign role that passed its table on, to somebody who passed a column on",
        "GRANT ALL ON public.workflow_history TO {role} WITH GRANT OPTION;"
        "SET ROLE {role}; GRANT UPDATE ON public.workflow_history TO authenticated"
        " WITH GRANT OPTION; RESET ROLE; SET ROLE authenticated;"
        "GRANT UPDATE (description), UPDATE ON public.workflow_history TO anon; RESET ROLE",
        (
            "REVOKE ALL ON TABLE public.workflow_history FROM {role}",
            "REVOKE ALL (description) ON TABLE public.workflow_history FROM authenticated",
        ),
    ),
    Disorder(
        "grant on a column of which its grantor holds another privilege",
        "GRANT ALL ON public.instance_tasks TO {role} WITH GRANT OPTION;"
        "GRANT INSERT (app_code) ON public.instance_tasks TO {role};"
        "SET ROLE {role}; GRANT SELECT (app_code) ON public.instance_tasks TO PUBLIC; RESET ROLE",
        (
            "REVOKE ALL ON TABLE public.instance_tasks FROM {role}",
            "REVOKE ALL (app_code) ON TABLE public.instance_tasks FROM {role}",
        ),
    ),
    Disorder(
        "grant of a role that has lost its own",
        "GRANT SELECT ON public.instance_tasks TO {role} WITH GRANT OPTION;"
        "SET ROLE {role}; GRANT SELECT (id) ON public.instance_tasks TO PUBLIC; RESET ROLE;"
        "REVOKE ALL ON public.instance_tasks FROM {role} CASCADE",
        ("REVOKE ALL (id) ON TABLE public.instance_tasks FROM {role}",),
    ),
]

OTHERS = [
    Disorder(
        "comments changed",
        "COMMENT ON TABLE public.instance_tasks IS 'wrong';"
        "COMMENT ON COLUMN public.instance_tasks.status IS 'wrong'",
    ),
    Disorder(
        "comments removed",
        "COMMENT ON TABLE public.instance_tasks IS NULL;"
        "COMMENT ON COLUMN public.instance_tasks.status IS NULL",
    ),
    Disorder(
        "owner's privileges revoked",
        "REVOKE ALL ON public.instance_tasks, public.workflow_instances FROM CURRENT_USER",
        (
            "GRANT ALL ON TABLE public.instance_tasks",
            "GRANT ALL ON TABLE public.workflow_instances",
        ),
    ),
    Disorder("one index dropped", "DROP INDEX public.instance_tasks_function_code_idx"),
    Disorder(
        "every index dropped",
        "DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT indexrelid FROM pg_index JOIN pg_class"
        " ON pg_class.oid = indrelid"
        " WHERE NOT indisunique AND relnamespace = 'public'::regnamespace"
        " LOOP EXECUTE format('DROP INDEX %s', i); END LOOP; END $$",
    ),
    Disorder(
        "a bit of everything",
        "ALTER TABLE public.workflow_history DISABLE ROW LEVEL SECURITY;"
        "GRANT ALL ON public.workflow_history TO anon, {role};"
        "CREATE POLICY everybody ON public.instance_tasks USING (TRUE);"
        "COMMENT ON TABLE public.workflow_instances IS NULL;"
        "DROP INDEX public.function_registry_app_code_is_active_idx",
        ("DROP POLICY everybody", "REVOKE ALL ON TABLE public.workflow_history FROM {role}"),
    ),
]


@pytest.fixture
def role(migrated_database: Database, admin: psycopg.Connection[Any]) -> Iterator[str]:
    """Make a role that the migration does not know; its name needs quotes."""
    name = f'"{migrated_database.name}, 100 %"'
    owner = admin.execute(
        "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'public.applications'::regclass"
    ).fetchone()
    assert owner is not None
    admin.execute(f"CREATE ROLE {name} ROLE {owner[0]}")
    yield name
    admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def _assert_restored(
    connection: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    *,
    sql: str,
    warns: tuple[str, ...],
    way: Way,
) -> None:
    connection.execute(sql)
    assert diff_catalogs(clean, read_catalog(connection)) != []

    warnings = run(way, connection, migration)

    assert diff_catalogs(clean, read_catalog(connection)) == []
    assert len(warnings) == len(warns), warnings
    for words in warns:
        assert sum(words in warning for warning in warnings) == 1, (words, warnings)


@one_regime
@pytest.mark.parametrize(
    "disorder", [*POLICIES, *GRANTS, *OTHERS], ids=lambda disorder: disorder.name.replace(" ", "-")
)
def test_one_run_restores_what_is_declared(
    request: pytest.FixtureRequest,
    migrated: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    disorder: Disorder,
) -> None:
    """After one run access, comments and indexes are a clean run's; each removal is announced."""
    foreign = request.getfixturevalue("role") if "{role}" in disorder.sql else ""
    sql = disorder.sql.replace("{role}", foreign)
    warns = tuple(words.replace("{role}", foreign) for words in disorder.warns)
    _assert_restored(migrated, migration, clean, sql=sql, warns=warns, way=Way.TRANSACTION)


NARROWER = {
    "restrictive policy": "CREATE POLICY office_hours ON public.instance_tasks"
    " AS RESTRICTIVE TO authenticated USING (FALSE)",
    "FORCE": "ALTER TABLE public.instance_tasks FORCE ROW LEVEL SECURITY",
}


@one_regime
@pytest.mark.parametrize("name", NARROWER)
def test_what_only_narrows_access_stays(
    migrated: psycopg.Connection[Any], migration: str, name: str
) -> None:
    """A restriction that a team added can let nobody see more, so a run leaves it alone."""
    migrated.execute(NARROWER[name])
    before = read_catalog(migrated)

    for way in Way:
        assert run(way, migrated, migration) == []

    assert diff_catalogs(before, read_catalog(migrated)) == []


@one_regime
def test_no_grant_has_another_grantor_than_the_owner(
    migrated: psycopg.Connection[Any], migration: str, role: str
) -> None:
    """Whoever granted something on, on a table or a column, none of it is left after a run."""
    migrated.execute(
        f"GRANT ALL ON public.instance_tasks, public.workflow_history TO {role}, authenticated"
        f" WITH GRANT OPTION; SET ROLE {role};"
        "GRANT ALL (id) ON public.workflow_history TO anon, authenticated, PUBLIC;"
        "GRANT SELECT ON public.workflow_history TO anon, PUBLIC;"
        "RESET ROLE; SET ROLE authenticated;"
        f"GRANT SELECT (status), TRUNCATE ON public.instance_tasks TO anon, {role}; RESET ROLE"
    )

    run(Way.TRANSACTION, migrated, migration)

    foreign = migrated.execute(
        "SELECT relname, acl.* FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid,"
        " aclexplode(relacl || attacl) AS acl"
        " WHERE relnamespace = 'public'::regnamespace AND grantor <> relowner"
    ).fetchall()
    assert foreign == []


def test_new_table_is_closed_before_anything_else_happens_to_it(
    empty: psycopg.Connection[Any], migration: str
) -> None:
    """Run statement by statement, a table is open for one statement: that which closes it."""
    held = (
        "SELECT relname, rolname FROM pg_class, pg_roles WHERE relname = ANY (%s)"
        " AND relnamespace = 'public'::regnamespace AND rolname IN ('anon', 'authenticated')"
        " AND has_table_privilege(pg_roles.oid, pg_class.oid, 'TRUNCATE')"
    )
    unprotected = (
        "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND NOT relrowsecurity"
        " AND relnamespace = 'public'::regnamespace"
    )
    created = 0
    for number, statement in enumerate(statements(migration)):
        empty.execute(statement)
        created = number if statement.startswith("CREATE TABLE") else created
        if number > created:
            assert empty.execute(held, [list(TABLES)]).fetchall() == [], statement
        if number > created + 1:
            assert empty.execute(unprotected, [list(TABLES)]).fetchall() == [], statement


@pytest.mark.parametrize("way", Way)
def test_every_client_restores_what_is_declared(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog, way: Way
) -> None:
    """All sorts of disorder at once are put right however the file is run, under both regimes."""
    disorders = [*POLICIES[:1], *GRANTS[:3], *OTHERS[:-1]]
    sql = ";".join(each.sql for each in disorders)
    added = "CREATE POLICY everybody ON public.instance_context USING (TRUE)"
    warns = (
        "DROP POLICY everybody ON public.instance_context",
        *(words for each in disorders for words in each.warns),
    )
    _assert_restored(migrated, migration, clean, sql=f"{sql};{added}", warns=warns, way=way)


@one_regime
def test_other_tables_are_left_alone(migrated: psycopg.Connection[Any], migration: str) -> None:
    """Policies, grants and settings of tables that are not ours stay as they are."""
    migrated.execute(
        "CREATE TABLE public.notes (id INTEGER);"
        "ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY everybody ON public.notes USING (TRUE); GRANT ALL ON public.notes TO anon;"
        "ALTER TABLE public.notes FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY everybody ON public.applications USING (TRUE);"
        "CREATE SCHEMA old; CREATE TABLE old.instance_tasks (id INTEGER);"
        "CREATE POLICY everybody ON old.instance_tasks USING (TRUE);"
        "GRANT ALL ON old.instance_tasks TO anon"
    )
    before = read_catalog(migrated), read_catalog(migrated, "old")

    assert run(Way.TRANSACTION, migrated, migration) == []

    assert diff_catalogs(before[0], read_catalog(migrated)) == []
    assert diff_catalogs(before[1], read_catalog(migrated, "old")) == []


@one_regime
def test_first_run_takes_back_what_new_tables_are_given(
    empty: psycopg.Connection[Any],
    platform_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
) -> None:
    """Neither default privileges nor an event trigger can leave a new table open to more."""
    role = f"{platform_database.name}_analyst"
    admin = connect(platform_database.admin_url)
    if admin.info.parameter_status("is_superuser") != "on":
        pytest.skip("needs a superuser: unset DATABASE_URL, or name one in it")
    admin.execute(
        "CREATE FUNCTION public.open_door() RETURNS event_trigger LANGUAGE plpgsql AS $$"
        " DECLARE made record; BEGIN"
        " FOR made IN SELECT * FROM pg_event_trigger_ddl_commands()"
        "   WHERE command_tag = 'CREATE TABLE' AND schema_name = 'public'"
        " LOOP EXECUTE format('CREATE POLICY door ON %s USING (TRUE)', made.object_identity);"
        " END LOOP; END $$;"
        "CREATE EVENT TRIGGER open_door ON ddl_command_end WHEN tag IN ('CREATE TABLE')"
        " EXECUTE FUNCTION public.open_door();"
        f"CREATE ROLE {role}"
    )
    try:
        empty.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {role}")

        warnings = run(Way.TRANSACTION, empty, migration)

        differences = diff_catalogs(clean, read_catalog(empty))
        ours = ("table ", "policy ", "index ")
        assert [line for line in differences if line.startswith(ours)] == []
        for table in TABLES:
            assert any(f"DROP POLICY door ON public.{table}" in said for said in warnings)
            assert any(f"ON TABLE public.{table} FROM {role}" in said for said in warnings)
    finally:
        admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@one_regime
def test_names_that_others_planted_are_not_called(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog
) -> None:
    """Who may create in public, or in the session, can neither run code as us nor blind us."""
    planted = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$"
    migrated.execute(
        f"CREATE FUNCTION public.hashtextextended(text, int) RETURNS bigint {planted};"
        f"CREATE FUNCTION public.same(oid, regnamespace) RETURNS boolean {planted};"
        "CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regnamespace, FUNCTION = public.same);"
        f"CREATE FUNCTION public.same(oid, regclass) RETURNS boolean {planted};"
        "CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.same);"
        "CREATE POLICY everybody ON public.instance_tasks USING (TRUE);"
        "CREATE TEMPORARY TABLE pg_policies AS SELECT * FROM pg_catalog.pg_policies WHERE FALSE;"
        "CREATE TEMPORARY TABLE pg_class AS SELECT * FROM pg_catalog.pg_class WHERE FALSE"
    )

    warnings = run(Way.TRANSACTION, migrated, migration)

    assert len(warnings) == 1
    assert "DROP POLICY everybody ON public.instance_tasks" in warnings[0]
    migrated.execute("DROP TABLE pg_temp.pg_policies, pg_temp.pg_class")
    found = diff_catalogs(clean, read_catalog(migrated))
    assert [line for line in found if not line.startswith("function ")] == []


_PLANTED = {
    "format": "CREATE FUNCTION public.format(f text, n name) RETURNS text {body}",
    "multiplication": "CREATE FUNCTION public.f(interval, numeric) RETURNS interval {body};"
    "CREATE OPERATOR public.* (LEFTARG = interval, RIGHTARG = numeric, FUNCTION = public.f);"
    "CREATE FUNCTION public.f(numeric, interval) RETURNS interval {body};"
    "CREATE OPERATOR public.* (LEFTARG = numeric, RIGHTARG = interval, FUNCTION = public.f)",
    "names that are equal": "CREATE FUNCTION public.f(name[], name[]) RETURNS boolean {body};"
    "CREATE OPERATOR public.= (LEFTARG = name[], RIGHTARG = name[], FUNCTION = public.f)",
    "texts that are equal": "CREATE FUNCTION public.f(text[], text[]) RETURNS boolean {body};"
    "CREATE OPERATOR public.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.f)",
    "names that are joined": "CREATE FUNCTION public.f(name, name[]) RETURNS name[] {body};"
    "CREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = name[], FUNCTION = public.f);"
    "CREATE FUNCTION public.array_remove(name[], name) RETURNS name[] {body}",
}
"""What somebody who may create in public can plant: a better match than PostgreSQL's own."""


@one_regime
@pytest.mark.parametrize("name", _PLANTED, ids=lambda name: name.replace(" ", "-"))
def test_no_better_match_in_public_is_called(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog, name: str
) -> None:
    """A function or operator of exactly the right types, in public, is never called by the file."""
    body = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$"
    migrated.execute(_PLANTED[name].format(body=body))
    migrated.execute("CREATE POLICY everybody ON public.instance_tasks USING (TRUE)")

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        run(way, migrated, migration)

    found = diff_catalogs(clean, read_catalog(migrated))
    assert [line for line in found if not line.startswith(("function ", "operator "))] == []


_DOORS = {
    "grants to the API": "GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, service_role",
    "grants to everybody": "GRANT SELECT ON public.workflow_history TO PUBLIC",
    "columns": "GRANT UPDATE (description) ON public.workflow_history TO authenticated",
    "options": "GRANT SELECT ON public.workflow_history TO authenticated WITH GRANT OPTION",
    "row security off": "ALTER TABLE public.workflow_history DISABLE ROW LEVEL SECURITY",
}


@one_regime
@pytest.mark.parametrize("door", _DOORS, ids=lambda name: name.replace(" ", "-"))
def test_what_an_event_trigger_opens_behind_the_fragments_is_closed(
    admin: psycopg.Connection[Any],
    migrated: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    door: str,
) -> None:
    """Access is exact at the end, whatever was granted by whom after the file's own REVOKE."""
    admin.execute(
        "CREATE FUNCTION public.door() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF to_regclass('public.workflow_history') IS NOT NULL THEN"
        f" {_DOORS[door]}; END IF; END $$;"
        "CREATE EVENT TRIGGER door ON ddl_command_end WHEN tag IN ('COMMENT')"
        " EXECUTE FUNCTION public.door()"
    )

    warnings = run(Way.TRANSACTION, migrated, migration)

    assert warnings
    found = diff_catalogs(clean, read_catalog(migrated))
    assert [line for line in found if not line.startswith("function ")] == []
