"""Catalogs: everything that makes two databases the same, and each difference by its name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import Connection

from schema_database import (
    Catalog,
    Cluster,
    Database,
    DatabaseError,
    Finding,
    Level,
    PrivilegeRegime,
    diff_catalogs,
    read_catalog,
    read_live_catalog,
    verify,
)
from schema_database.address import with_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import TupleRow

SCHEMA = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE parent (
  app TEXT NOT NULL,
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT parent_pkey PRIMARY KEY (id),
  CONSTRAINT parent_app_id_key UNIQUE (app, id)
);
CREATE TABLE task (
  id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT task_pkey PRIMARY KEY,
  app TEXT NOT NULL,
  parent_id UUID,
  status TEXT NOT NULL DEFAULT 'NEW' CONSTRAINT task_status_check CHECK (status IN ('NEW', 'OLD')),
  doubled TEXT GENERATED ALWAYS AS (status || status) STORED,
  tags TEXT[] NOT NULL DEFAULT '{}',
  at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT task_parent_fkey FOREIGN KEY (app, parent_id) REFERENCES parent (app, id)
);
CREATE INDEX task_app_idx ON task (app, at DESC) WHERE status = 'NEW';
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON task FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT ON task TO authenticated;
GRANT UPDATE (status) ON task TO service_role;
CREATE POLICY app_isolation ON task TO authenticated
  USING (app = ((SELECT auth.jwt()) ->> 'app')) WITH CHECK (app = ((SELECT auth.jwt()) ->> 'app'));
COMMENT ON TABLE task IS 'Work to do.';
COMMENT ON COLUMN task.status IS 'How far it is.';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW todo AS SELECT id FROM task WHERE status = 'NEW';
"""

_ACL = (
    "=U/pg_database_owner, anon={}/pg_database_owner, authenticated=U/pg_database_owner,"
    " pg_database_owner=UC/pg_database_owner, postgres=U/pg_database_owner,"
    " service_role=U/pg_database_owner"
)
ANON_MAY_CREATE = f"schema public: privileges is {_ACL.format('UC')}, expected {_ACL.format('U')}"

CLAIM = "(app = (( SELECT auth.jwt() AS jwt) ->> 'app'::text))"

TOUCHED_BY_DEFINER = (
    "ALTER FUNCTION touch() SECURITY DEFINER;"
    "CREATE TRIGGER touched BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION touch();"
)

FUNCTION_IS_DEFINER = (
    r"function public.touch(): definition is CREATE OR REPLACE FUNCTION public.touch()\n"
    r" RETURNS trigger\n LANGUAGE plpgsql\n SECURITY DEFINER\n"
    r"AS $function$BEGIN RETURN NEW; END$function$\n, expected"
    r" CREATE OR REPLACE FUNCTION public.touch()\n RETURNS trigger\n LANGUAGE plpgsql\n"
    r"AS $function$BEGIN RETURN NEW; END$function$\n"
)

STORED_AND_PLANNED = (
    "ALTER TABLE task ALTER app SET STORAGE MAIN, ALTER app SET COMPRESSION pglz,"
    " ALTER app SET STATISTICS 7, ALTER app SET (n_distinct = 5)"
)

# Every attribute of the catalog: a change, and what is said about it.
CHANGES = {
    "DROP TABLE parent CASCADE": [
        "table public.parent is missing",
        "table public.task: constraint task_parent_fkey is missing",
    ],
    "CREATE TABLE more (a INT PRIMARY KEY)": ["table public.more is not expected"],
    "ALTER TABLE task DISABLE ROW LEVEL SECURITY": [
        "table public.task: row-level security is off, expected on"
    ],
    "ALTER TABLE task FORCE ROW LEVEL SECURITY": [
        "table public.task: row-level security for the owner is on, expected off"
    ],
    "GRANT CREATE ON SCHEMA public TO anon; ALTER TABLE task OWNER TO anon": [
        ANON_MAY_CREATE,
        "sequence public.task_id_seq: owner is anon, expected postgres",
        "table public.task: owner is anon, expected postgres",
    ],
    "REVOKE DELETE ON task FROM CURRENT_USER": [
        "table public.task: privileges its owner lacks is DELETE, expected absent"
    ],
    "ALTER TABLE task SET UNLOGGED": [
        "sequence public.task_id_seq: persistence is unlogged, expected permanent",
        "table public.task: persistence is unlogged, expected permanent",
    ],
    "ALTER TABLE task SET (fillfactor = 70)": [
        "table public.task: storage parameters is fillfactor=70, expected absent"
    ],
    "ALTER TABLE task REPLICA IDENTITY FULL": [
        "table public.task: replica identity is whole row, expected primary key"
    ],
    "COMMENT ON TABLE task IS E'two\nlines'": [
        r"table public.task: comment is two\nlines, expected Work to do."
    ],
    "ALTER TABLE task DROP COLUMN tags": ["table public.task: column tags is missing"],
    "ALTER TABLE task ADD COLUMN extra INT": ["table public.task: column extra is not expected"],
    "ALTER TABLE task ALTER tags TYPE VARCHAR(9)[]": [
        "table public.task: column tags: type is character varying(9)[], expected text[]",
    ],
    "ALTER TABLE task ALTER tags DROP NOT NULL": [
        "table public.task: column tags: NOT NULL is no, expected yes"
    ],
    "ALTER TABLE task ALTER at DROP DEFAULT": [
        "table public.task: column at: default is absent, expected now()"
    ],
    "ALTER TABLE task ALTER doubled DROP EXPRESSION": [
        "table public.task: column doubled: generated is absent, expected stored (status || status)"
    ],
    "ALTER TABLE task ALTER id SET GENERATED BY DEFAULT": [
        "table public.task: column id: identity is by default, expected always"
    ],
    'ALTER TABLE parent ALTER app TYPE TEXT COLLATE "POSIX"': [
        'table public.parent: column app: collation is "POSIX", expected absent'
    ],
    "COMMENT ON COLUMN task.status IS NULL": [
        "table public.task: column status: comment is absent, expected How far it is."
    ],
    "ALTER TABLE parent DROP COLUMN app CASCADE; ALTER TABLE parent ADD app TEXT NOT NULL": [
        "table public.parent: column order is id, app, expected app, id",
        "table public.parent: constraint parent_app_id_key is missing",
        "table public.task: constraint task_parent_fkey is missing",
    ],
    "ALTER TABLE task DROP CONSTRAINT task_status_check;"
    "ALTER TABLE task ADD CONSTRAINT task_status_check CHECK (status = 'NEW') NOT VALID": [
        (
            "table public.task: constraint task_status_check: definition is"
            " CHECK ((status = 'NEW'::text)) NOT VALID, expected"
            " CHECK ((status = ANY (ARRAY['NEW'::text, 'OLD'::text])))"
        ),
        "table public.task: constraint task_status_check: validated is no, expected yes",
    ],
    "ALTER TABLE task ALTER CONSTRAINT task_parent_fkey DEFERRABLE": [
        "table public.task: constraint task_parent_fkey: deferrable is yes, expected no",
        (
            "table public.task: constraint task_parent_fkey: definition is FOREIGN KEY"
            " (app, parent_id) REFERENCES public.parent(app, id) DEFERRABLE, expected FOREIGN KEY"
            " (app, parent_id) REFERENCES public.parent(app, id)"
        ),
    ],
    "COMMENT ON CONSTRAINT task_pkey ON task IS 'why'": [
        "table public.task: constraint task_pkey: comment is why, expected absent"
    ],
    "DROP INDEX task_app_idx; CREATE UNIQUE INDEX task_app_idx ON task (app)": [
        (
            "table public.task: index task_app_idx: definition is CREATE UNIQUE INDEX"
            " task_app_idx ON public.task USING btree (app), expected CREATE INDEX task_app_idx"
            " ON public.task USING btree (app, at DESC) WHERE (status = 'NEW'::text)"
        ),
        "table public.task: index task_app_idx: unique is yes, expected no",
    ],
    "COMMENT ON INDEX task_app_idx IS 'why'": [
        "table public.task: index task_app_idx: comment is why, expected absent"
    ],
    "ALTER POLICY app_isolation ON task USING (true)": [
        f"policy app_isolation on public.task: USING is true, expected {CLAIM}"
    ],
    "ALTER POLICY app_isolation ON task TO PUBLIC WITH CHECK (true)": [
        f"policy app_isolation on public.task: WITH CHECK is true, expected {CLAIM}",
        "policy app_isolation on public.task: roles is PUBLIC, expected authenticated",
    ],
    "DROP POLICY app_isolation ON task;"
    "CREATE POLICY app_isolation ON task AS RESTRICTIVE FOR DELETE TO authenticated"
    " USING (app = ((SELECT auth.jwt()) ->> 'app'))": [
        f"policy app_isolation on public.task: WITH CHECK is absent, expected {CLAIM}",
        "policy app_isolation on public.task: command is DELETE, expected ALL",
        "policy app_isolation on public.task: kind is RESTRICTIVE, expected PERMISSIVE",
    ],
    "COMMENT ON POLICY app_isolation ON task IS 'why'": [
        "policy app_isolation on public.task: comment is why, expected absent"
    ],
    "CREATE POLICY hole ON task USING (true)": ["policy hole on public.task is not expected"],
    "DROP POLICY app_isolation ON task": ["policy app_isolation on public.task is missing"],
    "GRANT UPDATE ON task TO authenticated": [
        "table public.task: grant UPDATE to authenticated is not expected"
    ],
    "GRANT SELECT ON task TO PUBLIC": ["table public.task: grant SELECT to PUBLIC is not expected"],
    "REVOKE INSERT ON task FROM authenticated": [
        "table public.task: grant INSERT to authenticated is missing"
    ],
    "GRANT SELECT ON task TO authenticated WITH GRANT OPTION": [
        "table public.task: grant SELECT to authenticated: grantable is yes, expected no"
    ],
    # Each is an entry that the owner's REVOKE does not reach.
    "GRANT SELECT ON task TO anon WITH GRANT OPTION; SET LOCAL ROLE anon;"
    "GRANT SELECT ON task TO authenticated; GRANT SELECT (app) ON task TO postgres;"
    "RESET ROLE": [
        "table public.task: grant SELECT to anon is not expected",
        "table public.task: grant SELECT to authenticated: granted by is anon, expected absent",
        "table public.task: grant SELECT to postgres on column app is not expected",
    ],
    "GRANT UPDATE (app) ON task TO service_role": [
        "table public.task: grant UPDATE to service_role on column app is not expected"
    ],
    "CREATE TRIGGER touched BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION touch()": [
        "table public.task: trigger touched is not expected"
    ],
    TOUCHED_BY_DEFINER: [
        FUNCTION_IS_DEFINER,
        "table public.task: trigger touched is not expected",
    ],
    "CREATE POLICY less ON task AS RESTRICTIVE USING (status = 'NEW')": [
        "policy less on public.task is not expected"
    ],
    "CREATE RULE nothing AS ON INSERT TO task DO INSTEAD NOTHING": [
        "table public.task: rule nothing is not expected"
    ],
    "DROP FUNCTION touch()": ["function public.touch() is missing"],
    "CREATE FUNCTION touch(a INT) RETURNS INT LANGUAGE sql RETURN 1": [
        "function public.touch(a integer) is not expected"
    ],
    "ALTER TYPE mood RENAME VALUE 'bad' TO 'ill'": [
        "type public.mood: labels is 'good', 'ill', expected 'good', 'bad'"
    ],
    "CREATE SEQUENCE more": ["sequence public.more is not expected"],
    "CREATE OR REPLACE VIEW todo AS SELECT id FROM task": [
        (
            "view public.todo: definition is  SELECT id\\n   FROM public.task;, expected"
            "  SELECT id\\n   FROM public.task\\n  WHERE (status = 'NEW'::text);"
        )
    ],
    "CREATE TABLE heir () INHERITS (parent)": [
        "table public.heir is not expected",
        "table public.parent: children is public.heir, expected absent",
    ],
    "CREATE TABLE heir () INHERITS (task)": [
        "table public.heir is not expected",
        "table public.task: children is public.heir, expected absent",
    ],
    "ALTER INDEX task_app_idx SET (fillfactor = 70)": [
        (
            "table public.task: index task_app_idx: storage parameters is fillfactor=70,"
            " expected absent"
        )
    ],
    "COMMENT ON INDEX task_pkey IS 'why'": [
        "table public.task: constraint task_pkey: comment on its index is why, expected absent"
    ],
    "ALTER INDEX task_pkey SET (fillfactor = 70)": [
        (
            "table public.task: constraint task_pkey: storage parameters is fillfactor=70,"
            " expected absent"
        ),
    ],
    "ALTER TABLE task CLUSTER ON task_pkey": [
        "table public.task: clustered on is public.task_pkey, expected absent"
    ],
    STORED_AND_PLANNED: [
        "table public.task: column app: compression is p, expected absent",
        "table public.task: column app: statistics options is n_distinct=5, expected absent",
        "table public.task: column app: statistics target is 7, expected absent",
        "table public.task: column app: storage is m, expected absent",
    ],
    "CREATE STATISTICS more ON app, status FROM task": [
        "table public.task: statistics more is not expected"
    ],
    "GRANT CREATE ON SCHEMA public TO anon": [ANON_MAY_CREATE],
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON TYPES TO anon": [
        "default privileges types for postgres in public is not expected"
    ],
    "COMMENT ON SCHEMA public IS 'why'": [
        "schema public: comment is why, expected standard public schema"
    ],
    "REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC": [
        "function public.touch(): privileges is postgres=X/postgres, expected absent"
    ],
    # Both act on columns that are declared, or mean what a declared key means.
    "ALTER TABLE task ADD CONSTRAINT old FOREIGN KEY (parent_id) REFERENCES parent (id)": [
        "table public.task: constraint old is not expected"
    ],
    "CREATE TABLE person (name TEXT PRIMARY KEY);"
    "ALTER TABLE task ADD CONSTRAINT gone FOREIGN KEY (app) REFERENCES person ON DELETE CASCADE": [
        "table public.person is not expected",
        "table public.task: constraint gone is not expected",
    ],
}

# What narrows access, or harms nobody.
NOTED = [
    "ALTER TABLE task FORCE ROW LEVEL SECURITY",
    "ALTER TABLE task REPLICA IDENTITY FULL",
    "CREATE POLICY less ON task AS RESTRICTIVE USING (status = 'NEW')",
    "CREATE TRIGGER touched BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION touch()",
]

# What a later migration may add without harm to an earlier one's promises.
HARMLESS = [
    "ALTER TABLE task ADD COLUMN extra INT",
    "ALTER TABLE task ADD CONSTRAINT more CHECK (app <> '')",
    (
        "CREATE TABLE more (a INT PRIMARY KEY);"
        "ALTER TABLE task ADD more INT REFERENCES more ON DELETE SET NULL"
    ),
    (
        "CREATE TABLE more (a TEXT PRIMARY KEY);"
        "ALTER TABLE task ADD FOREIGN KEY (app) REFERENCES more"
    ),
    "ALTER TABLE task ADD earlier BIGINT REFERENCES task",
    "ALTER TABLE task SET (fillfactor = 70)",
    "ALTER INDEX task_app_idx SET (fillfactor = 70)",
    "CREATE INDEX more ON task (status)",
    "CREATE STATISTICS more ON app, status FROM task",
    "ALTER TABLE task CLUSTER ON task_pkey",
    "ALTER INDEX task_pkey SET (fillfactor = 70)",
    STORED_AND_PLANNED,
    "CREATE TABLE more (a INT)",
    "DROP VIEW todo",
    "CREATE FUNCTION more() RETURNS INT LANGUAGE sql RETURN 1",
    "ALTER TABLE parent DISABLE TRIGGER ALL",
]


def _facts(findings: list[Finding]) -> list[str]:
    return [finding.fact for finding in findings]


def _built(cluster: Cluster, stubs: tuple[tuple[str, str], ...]) -> Iterator[Database]:
    template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, (("schema.sql", SCHEMA),))
    with cluster.clone(template) as database:
        yield database


@pytest.fixture(scope="module")
def built_database(
    one_cluster: Cluster, stub_texts: tuple[tuple[str, str], ...]
) -> Iterator[Database]:
    """Return a database with SCHEMA in it, which no test changes for good."""
    yield from _built(one_cluster, stub_texts)


@pytest.fixture(scope="module")
def declared(built_database: Database) -> Catalog:
    """Return what SCHEMA declares."""
    return read_live_catalog(built_database.url)


@pytest.fixture(scope="module")
def built_connection(built_database: Database) -> Iterator[Connection[TupleRow]]:
    """Return a connection of the owner's."""
    with psycopg.connect(built_database.url) as connection:
        yield connection


@pytest.fixture
def changing(built_connection: Connection[TupleRow]) -> Iterator[Connection[TupleRow]]:
    """Return a connection whose changes are rolled back."""
    yield built_connection
    built_connection.rollback()


@pytest.mark.parametrize("change", CHANGES)
def test_every_difference_is_named(
    change: str, changing: Connection[TupleRow], declared: Catalog
) -> None:
    """One line each, sorted: the object, the attribute, what it is and what it should be.

    For the given tables, verify says the same, except for what a later migration may add.
    """
    changing.execute(change)
    actual = read_catalog(changing)
    # Before 16, PostgreSQL says in a view whose each column is.
    differences = [
        line.replace(" task.", " ").replace("(task.", "(")
        for line in diff_catalogs(declared, actual)
    ]
    assert differences == CHANGES[change]
    own = re.compile(r"table public\.task|policy \w+ on public\.task")
    said = [line for line in CHANGES[change] if own.match(line) and change not in HARMLESS]
    found = verify(declared, actual, ["public.task"])
    assert _facts(found) == said
    level = Level.NOTE if change in NOTED else Level.DIFFERENCE
    assert {finding.level for finding in found} <= {level}
    # Whoever accepts one of them writes its id, which must not accept another one as well.
    assert len({finding.id for finding in found}) == len(found)


def test_the_same_schema_has_no_difference(
    any_cluster: Cluster,
    one_cluster: Cluster,
    stub_texts: tuple[tuple[str, str], ...],
    declared: Catalog,
) -> None:
    """Two databases made alike are alike to the byte, on 15 as on 18."""
    for database in _built(any_cluster, stub_texts):
        catalog = read_live_catalog(database.url)
        task = ["task", "parent"]
        # The regime leaves MAINTAIN to the API roles from 17; task revokes all, parent nothing.
        declares, holds = (each.major >= 17 for each in (one_cluster, any_cluster))
        fault = "not expected" if holds else "missing"
        differences = [
            f"table public.parent: grant MAINTAIN to {role} is {fault}"
            for role in ("anon", "authenticated", "service_role")
            if declares != holds
        ]
        assert verify(declared, catalog, ["task"]) == []
        assert _facts(verify(declared, catalog, task)) == differences
        with psycopg.connect(database.url) as connection:
            connection.execute("SET search_path = public, auth, extensions")
            assert read_catalog(connection).to_json() == catalog.to_json()


@pytest.mark.parametrize("addition", HARMLESS)
def test_what_later_migrations_add_is_no_difference(
    addition: str, changing: Connection[TupleRow], declared: Catalog
) -> None:
    """Columns, constraints and indexes may be added, and other objects are nobody's business."""
    changing.execute(addition.replace("TRIGGER ALL", "TRIGGER USER"))
    assert verify(declared, read_catalog(changing), ["task", "parent"]) == []


def test_the_order_of_columns_is_not_verified(
    changing: Connection[TupleRow], declared: Catalog
) -> None:
    """Callers name columns; a column dropped and added again is the same to them."""
    changing.execute("ALTER TABLE task DROP at CASCADE")
    changing.execute("ALTER TABLE task ADD at TIMESTAMPTZ NOT NULL DEFAULT now(), ADD x INT")
    changing.execute("CREATE INDEX task_app_idx ON task (app, at DESC) WHERE status = 'NEW'")
    assert verify(declared, read_catalog(changing), ["task"]) == []


def test_foreign_keys_that_are_switched_off_are_told(
    built_database: Database, declared: Catalog
) -> None:
    """A table that nothing checks any more looks like any other."""
    with psycopg.connect(built_database.admin_url) as admin:
        admin.execute("ALTER TABLE public.task DISABLE TRIGGER ALL")
        actual = read_catalog(admin)
        admin.rollback()
    line = "table public.task: foreign keys is switched off, expected absent"
    assert _facts(verify(declared, actual, ["task"])) == [line]


def test_verify_refuses_a_table_that_is_not_declared(declared: Catalog) -> None:
    """A misspelt table would otherwise verify as perfect."""
    with pytest.raises(DatabaseError, match="no table tsak"):
        verify(declared, declared, ["task", "tsak"])


def test_reading_leaves_the_session_as_it_was(changing: Connection[TupleRow]) -> None:
    """The caller's transaction goes on, with its own search path and its own changes."""
    changing.execute("SET LOCAL search_path = auth")
    changing.execute("CREATE TABLE public.mine ()")
    read_catalog(changing)
    row = changing.execute("SELECT current_setting('search_path'), to_regclass('public.mine')")
    assert row.fetchone() == ("auth", "public.mine")


def test_json_is_sorted_and_complete(declared: Catalog) -> None:
    """The JSON form can be compared as text, and holds every item."""
    text = declared.to_json()
    content = json.loads(text)
    assert json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n" == text
    count = sum(len(names) for kinds in content["items"].values() for names in kinds.values())
    assert count == len(declared.items)


def test_a_live_database_is_read_by_any_role_in_a_read_only_transaction(
    built_database: Database, declared: Catalog
) -> None:
    """No privilege on the tables is needed, and nothing can be written."""
    word = "monitor"
    with psycopg.connect(built_database.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE monitor LOGIN PASSWORD '{word}'")
    try:
        url = with_parts(built_database.url, user="monitor", password=word)
        assert read_live_catalog(url) == declared
    finally:
        with psycopg.connect(built_database.admin_url, autocommit=True) as admin:
            admin.execute("DROP ROLE monitor")


def test_a_live_database_that_is_busy_is_not_waited_for(
    built_database: Database, changing: Connection
) -> None:
    """A long lock there ends in one error, not in a queue behind it."""
    changing.execute("LOCK TABLE task IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(DatabaseError, match="statement timeout") as caught:
        read_live_catalog(built_database.url, timeout=0.2)
    assert ":***@" in str(caught.value)


@pytest.mark.parametrize(
    ("index", "line"),
    [
        ("task_app_idx", "index task_app_idx: valid is no, expected yes"),
        ("task_pkey", "constraint task_pkey: its index is invalid, expected absent"),
    ],
)
def test_an_index_that_is_not_valid_is_told(
    index: str, line: str, built_database: Database, declared: Catalog
) -> None:
    """An index that a crash left invalid looks like any other, a constraint's own too."""
    with psycopg.connect(built_database.admin_url) as admin:
        admin.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass",
            [f"public.{index}"],
        )
        actual = read_catalog(admin)
        admin.rollback()
    assert diff_catalogs(declared, actual) == [f"table public.task: {line}"]
    assert _facts(verify(declared, actual, ["task"])) == [f"table public.task: {line}"]
