"""What the platform lacks is named in plain words before anything changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from database.running import Way, run
from schema_database import (
    ApplyError,
    Database,
    PrivilegeRegime,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from schema_database import Catalog

# What must exist is the same under both.
pytestmark = pytest.mark.parametrize("regime", [PrivilegeRegime.EXPLICIT], indirect=True)

API_ROLES = ("anon", "authenticated", "service_role")

KEY = "unique key public.applications (app_code)"
TABLE = "table public.applications"
FUNCTION = "function auth.jwt() returning jsonb"
SCHEMA = "schema auth (with USAGE on it)"
IN_AUTH = "USAGE on schema auth for authenticated"


@dataclass(frozen=True)
class Lack:
    """A platform that lacks something.

    Attributes:
        name: what it lacks, in a word or two.
        sql: what took it away; run by a superuser.
        says: the things that the exception lists; no others.
        hints: a word of the remedy.
    """

    name: str
    sql: str
    says: tuple[str, ...]
    hints: str


_NO_KEY = "ALTER TABLE public.applications DROP CONSTRAINT applications_app_code_key"

LACKS = [
    Lack("no applications", "DROP TABLE public.applications", (KEY, TABLE), "applications"),
    Lack(
        "applications in another schema",
        "CREATE SCHEMA tenancy; ALTER TABLE public.applications SET SCHEMA tenancy",
        (KEY, TABLE),
        "applications",
    ),
    Lack("no unique key", _NO_KEY, (KEY,), "UNIQUE"),
    Lack(
        "no app_code",
        "ALTER TABLE public.applications RENAME COLUMN app_code TO code",
        (KEY,),
        "UNIQUE",
    ),
    *(
        Lack(f"only {name}", f"{_NO_KEY}; {sql}", (KEY,), "UNIQUE")
        for name, sql in {
            "a plain index": "CREATE INDEX ON public.applications (app_code)",
            "a partial unique index": "CREATE UNIQUE INDEX ON public.applications (app_code)"
            " WHERE app_name <> ''",
            "a unique index of an expression": "CREATE UNIQUE INDEX ON public.applications"
            " (lower(app_code))",
            "a unique index with an expression beside": "CREATE UNIQUE INDEX"
            " ON public.applications (app_code, lower(app_name))",
            "a unique key of more columns": "ALTER TABLE public.applications"
            " ADD UNIQUE (app_code, app_name)",
            "a deferrable unique key": "ALTER TABLE public.applications"
            " ADD UNIQUE (app_code) DEFERRABLE",
            "a view": "ALTER TABLE public.applications RENAME TO apps;"
            "CREATE VIEW public.applications AS SELECT * FROM public.apps",
        }.items()
    ),
    Lack("no auth schema", "DROP SCHEMA auth CASCADE", (FUNCTION, SCHEMA), "Supabase"),
    Lack("no auth.jwt", "DROP FUNCTION auth.jwt()", (FUNCTION,), "Supabase"),
    Lack(
        "auth.jwt with an argument",
        "DROP FUNCTION auth.jwt();"
        "CREATE FUNCTION auth.jwt(text) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'",
        (FUNCTION,),
        "Supabase",
    ),
    Lack(
        "auth.jwt returning text",
        "DROP FUNCTION auth.jwt();"
        "CREATE FUNCTION auth.jwt() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
        (FUNCTION,),
        "Supabase",
    ),
    Lack(
        "no way into auth",
        "REVOKE USAGE ON SCHEMA auth FROM PUBLIC",
        (SCHEMA, IN_AUTH),
        "Supabase",
    ),
    Lack(
        "no way into auth for callers",
        "REVOKE USAGE ON SCHEMA auth FROM PUBLIC; GRANT USAGE ON SCHEMA auth TO {owner}",
        (IN_AUTH,),
        "Grant it",
    ),
    Lack(
        "auth.jwt that callers may not call",
        "REVOKE EXECUTE ON FUNCTION auth.jwt() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION auth.jwt() TO {owner}",
        ("EXECUTE on function auth.jwt() for authenticated",),
        "Grant it",
    ),
    *(
        Lack(
            f"no way into public for {role}",
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC, {role};"
            " GRANT USAGE ON SCHEMA public TO {{owner}}, {others}".format(
                role=role,
                others=", ".join({"anon", "authenticated", "service_role"} - {role}),
            ),
            (f"USAGE on schema public for {role}",),
            "Grant it",
        )
        for role in ("authenticated", "service_role")
    ),
    Lack(
        "no way into public for whoever runs it",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC, {owner}, pg_database_owner, anon, authenticated,"
        " service_role",
        tuple(
            f"USAGE on schema public for {role}"
            for role in ("{owner}", "authenticated", "service_role")
        ),
        "Grant it",
    ),
    Lack(
        "auth.jwt elsewhere",
        "DROP FUNCTION auth.jwt();"
        "CREATE FUNCTION public.jwt() RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'",
        (FUNCTION,),
        "Supabase",
    ),
    Lack(
        "nothing at all",
        "DROP TABLE public.applications; DROP SCHEMA auth CASCADE",
        (FUNCTION, SCHEMA, TABLE, KEY),
        "Supabase",
    ),
]


@pytest.fixture
def bare(
    platform_database: Database, connect: Callable[[str], psycopg.Connection[Any]]
) -> psycopg.Connection[Any]:
    """Return a superuser's connection to the database of `empty`, to take things away."""
    connection = connect(platform_database.admin_url)
    if connection.info.parameter_status("is_superuser") != "on":
        pytest.skip("needs a superuser: unset DATABASE_URL, or name one in it")
    return connection


def _refused(connection: psycopg.Connection[Any], migration: str) -> tuple[list[str], str]:
    """Run it in two ways, demand the same refusal and no change, return list and hint."""
    before = read_catalog(connection)
    said = []
    for way in (Way.TRANSACTION, Way.STATEMENTS):
        with pytest.raises(ApplyError) as refused:
            run(way, connection, migration)
        assert refused.value.sqlstate == "55000", refused.value
        said.append((refused.value.message, refused.value.hint))
    assert diff_catalogs(before, read_catalog(connection)) == []
    assert said[0] == said[1]
    message, hint = said[0]
    assert "nothing was changed" in message
    assert hint
    return [line[2:] for line in message.splitlines() if line.startswith("- ")], hint


@pytest.mark.parametrize("lack", LACKS, ids=lambda lack: lack.name.replace(" ", "-"))
def test_lack_is_named_with_its_remedy(
    empty: psycopg.Connection[Any],
    bare: psycopg.Connection[Any],
    migration: str,
    lack: Lack,
) -> None:
    """Who runs this too early, or not on Supabase, reads what is missing and what to do."""
    owner = empty.info.user
    bare.execute(lack.sql.replace("{owner}", owner))

    lines, hint = _refused(empty, migration)

    assert sorted(lines) == sorted(each.replace("{owner}", owner) for each in lack.says)
    assert lack.hints in hint


@pytest.mark.parametrize("missing", [*((role,) for role in API_ROLES), API_ROLES], ids="-".join)
def test_missing_roles_are_named(
    empty: psycopg.Connection[Any],
    platform_database: Database,
    migration: str,
    missing: tuple[str, ...],
) -> None:
    """Each API role that the server has not got is named, and what creates it."""
    # Roles belong to the whole server, so the file asks for some that nobody has.
    absent = {role: f"{platform_database.name}_{role}" for role in missing}
    text = migration
    for role, name in absent.items():
        text = re.sub(rf"\b{role}\b", name, text)

    lines, hint = _refused(empty, text)

    assert sorted(lines) == sorted(f"role {name}" for name in absent.values())
    assert "Supabase" in hint


def test_all_that_is_missing_is_one_exception(
    empty: psycopg.Connection[Any],
    platform_database: Database,
    bare: psycopg.Connection[Any],
    migration: str,
) -> None:
    """On a plain PostgreSQL everything is listed at once, each remedy once."""
    bare.execute("DROP TABLE public.applications; DROP SCHEMA auth CASCADE")
    names = [f"{platform_database.name}_{role}" for role in API_ROLES]
    text = migration
    for role, name in zip(API_ROLES, names, strict=True):
        text = re.sub(rf"\b{role}\b", name, text)

    lines, hint = _refused(empty, text)

    assert sorted(lines) == sorted(
        [FUNCTION, SCHEMA, TABLE, KEY, *(f"role {name}" for name in names)]
    )
    remedies = hint.split(". ")
    assert len(remedies) == len(set(remedies))


ENOUGH = {
    "primary key": f"{_NO_KEY}, DROP CONSTRAINT applications_pkey, ADD PRIMARY KEY (app_code)",
    "unique index": f"{_NO_KEY}; CREATE UNIQUE INDEX ON public.applications (app_code)",
    "unique key of another name": f"{_NO_KEY}, ADD CONSTRAINT codes UNIQUE (app_code)",
    "unique key that includes": f"{_NO_KEY}, ADD UNIQUE (app_code) INCLUDE (app_name)",
    "nulls not distinct": f"{_NO_KEY}, ADD UNIQUE NULLS NOT DISTINCT (app_code)",
    "nullable": "ALTER TABLE public.applications ALTER COLUMN app_code DROP NOT NULL",
    "varchar": "ALTER TABLE public.applications ALTER COLUMN app_code TYPE VARCHAR(40)",
    "more columns": "ALTER TABLE public.applications ADD COLUMN plan TEXT",
    "row security": "ALTER TABLE public.applications ENABLE ROW LEVEL SECURITY",
}
"""Forms of applications.app_code that a foreign key can refer to."""


@pytest.mark.parametrize("name", ENOUGH, ids=lambda name: name.replace(" ", "-"))
def test_every_usable_key_is_accepted(
    empty: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    name: str,
) -> None:
    """The guard asks for what a foreign key needs and no more, in the first run and in the next."""
    empty.execute(ENOUGH[name])

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        assert run(way, empty, migration) == []

    ours = [
        line
        for line in diff_catalogs(clean, read_catalog(empty))
        if "public.applications" not in line
    ]
    assert ours == []


def test_runner_as_whom_an_api_role_can_act_is_refused(
    empty: psycopg.Connection[Any],
    bare: psycopg.Connection[Any],
    platform_database: Database,
    migration: str,
) -> None:
    """Whoever makes the tables owns them, so that role must be closed to the API's."""
    deploy = f"{platform_database.name}_deploy"
    bare.execute(f"CREATE ROLE {deploy}; GRANT {deploy} TO authenticated, {empty.info.user}")
    bare.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {deploy}")
    bare.execute(f"GRANT REFERENCES ON public.applications TO {deploy}")
    try:
        empty.execute(f"SET ROLE {deploy}")
        lines, _ = _refused(empty, migration)
        assert lines == ["a role to run this as which no API role can act"]
    finally:
        empty.execute("RESET ROLE")
        bare.execute(f"DROP OWNED BY {deploy}; DROP ROLE {deploy}")
