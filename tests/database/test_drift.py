"""A table of another shape is refused before anything changes, with every difference named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from database.running import Way, run
from schema_database import ApplyError, PrivilegeRegime, diff_catalogs, read_catalog, verify
from spec.specification import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

    from schema_database import Catalog, Database

# What a table looks like does not depend on who may use it.
pytestmark = pytest.mark.parametrize("regime", [PrivilegeRegime.EXPLICIT], indirect=True)


@dataclass(frozen=True)
class Drift:
    """A database that is not what the migration declares.

    Attributes:
        name: what happened, in a word or two.
        sql: what made it so; run by the owner.
        says: how each line of the exception must begin; there are no others.
        among_others: there may be others.
        as_admin: `sql` needs a superuser.
        since: the first PostgreSQL that knows such a thing.
    """

    name: str
    sql: str
    says: tuple[str, ...]
    among_others: bool = False
    as_admin: bool = False
    since: int = 15


def _column(name: str, change: str, says: str) -> Drift:
    table, _, column = says.partition(" ")[0].partition(".")
    return Drift(name, f"ALTER TABLE public.{table} ALTER COLUMN {column} {change}", (says,))


def _constraint(name: str, table: str, constraint: str, definition: str, says: str) -> Drift:
    return Drift(
        name,
        f"ALTER TABLE public.{table} DROP CONSTRAINT {constraint},"
        f" ADD CONSTRAINT {constraint} {definition}",
        (f"{table}: constraint {constraint} {says}",),
    )


_TENANT = "workflow_history_app_code_fkey"
_TASK = "workflow_history_app_code_task_id_fkey"
_TO_TASK = "FOREIGN KEY (app_code, task_id) REFERENCES public.instance_tasks (app_code, id)"
_IN_TASKS = "REFERENCES instance_tasks(app_code, id)"
_STATUS = "instance_tasks_status_check"
_VERSION = "instance_context_workflow_instance_id_version_key"
_FKEY = "FOREIGN KEY (app_code)"

COLUMNS = [
    Drift(
        "column missing",
        "ALTER TABLE public.workflow_history DROP COLUMN metadata",
        ("workflow_history.metadata is missing, must be jsonb NOT NULL DEFAULT '{}'::jsonb",),
    ),
    Drift(
        "column renamed",
        "ALTER TABLE public.workflow_history RENAME COLUMN node_id TO nodeid",
        ("workflow_history.node_id is missing",),
    ),
    Drift(
        "column missing with its key",
        "ALTER TABLE public.workflow_history DROP COLUMN task_id",
        ("workflow_history.task_id is missing", f"workflow_history: constraint {_TASK} is missing"),
    ),
    *(
        _column(f"type {actual}", f"TYPE {written}", f"{place} is {actual}")
        for place, written, actual in (
            ("workflow_history.node_id", "VARCHAR(20)", "character varying(20)"),
            ("workflow_history.from_node_id", "VARCHAR", "character varying"),
            ("workflow_history.to_node_id", "CHAR(8)", "character(8)"),
            ("workflow_history.to_node_id", "NAME", "name"),
            ("workflow_history.metadata", "JSON USING '{}'::json", "json NOT NULL DEFAULT"),
            ("workflow_history.metadata", "TEXT", "text NOT NULL DEFAULT"),
            (
                "workflow_history.created_at",
                "TIMESTAMP",
                "timestamp without time zone NOT NULL DEFAULT",
            ),
            (
                "workflow_history.created_at",
                "TIMESTAMPTZ(3)",
                "timestamp(3) with time zone NOT NULL",
            ),
            ("workflow_history.actor_id", "TEXT", "text"),
            ("instance_context.version", "BIGINT", "bigint NOT NULL DEFAULT"),
            ("instance_context.version", "SMALLINT", "smallint NOT NULL DEFAULT"),
            ("instance_context.version", "NUMERIC(9, 0)", "numeric(9,0) NOT NULL DEFAULT"),
            ("function_registry.tags", "VARCHAR[]", "character varying[] NOT NULL DEFAULT"),
            ("workflow_definitions.l4_operation_code", 'TEXT COLLATE "C"', 'text COLLATE "C"'),
        )
    ),
    Drift(
        "type enum",
        "CREATE TYPE public.node AS ENUM ('start');"
        "ALTER TABLE public.workflow_history ALTER COLUMN node_id TYPE public.node"
        " USING NULL::public.node",
        ("workflow_history.node_id is public.node, must be text",),
    ),
    Drift(
        "type called like ours in another schema",
        "CREATE DOMAIN public.text AS pg_catalog.text;"
        "ALTER TABLE public.workflow_history ALTER COLUMN node_id TYPE public.text",
        ("workflow_history.node_id is public.text, must be text",),
    ),
    _column("nullable", "DROP NOT NULL", "workflow_history.app_code is text, must be text NOT"),
    _column("not null", "SET NOT NULL", "function_registry.app_code is text NOT NULL, must be"),
    Drift(
        "not null not validated",
        "ALTER TABLE public.workflow_history ALTER COLUMN event_type DROP NOT NULL,"
        " ADD CONSTRAINT given NOT NULL event_type NOT VALID",
        ("workflow_history.event_type is text, must be text NOT NULL",),
        since=18,
    ),
    _column(
        "no default",
        "DROP DEFAULT",
        "workflow_history.id is uuid NOT NULL, must be uuid NOT NULL DEFAULT gen_random_uuid()",
    ),
    *(
        _column(f"default {value}", f"SET DEFAULT {value}", f"{place} is {shape}, must be")
        for place, value, shape in (
            ("workflow_instances.status", "'ERROR'", "text NOT NULL DEFAULT 'ERROR'::text"),
            ("workflow_instances.input_data", "'[]'", "jsonb NOT NULL DEFAULT '[]'::jsonb"),
            ("workflow_instances.is_active", "FALSE", "boolean NOT NULL DEFAULT false"),
            (
                "workflow_instances.created_at",
                "clock_timestamp()",
                "timestamp with time zone NOT NULL DEFAULT clock_timestamp()",
            ),
            ("workflow_instances.completed_at", "now()", "timestamp with time zone DEFAULT now()"),
        )
    ),
    Drift(
        "default by a function called like ours",
        "CREATE FUNCTION public.now() RETURNS timestamptz"
        " LANGUAGE sql AS 'SELECT NULL::timestamptz';"
        "ALTER TABLE public.workflow_history ALTER COLUMN created_at SET DEFAULT public.now()",
        ("workflow_history.created_at is timestamp with time zone NOT NULL DEFAULT public.now(),",),
    ),
    _column(
        "identity",
        "DROP DEFAULT, ALTER COLUMN version ADD GENERATED ALWAYS AS IDENTITY",
        "instance_context.version is integer NOT NULL GENERATED ALWAYS, must be integer",
    ),
    Drift(
        "child of another table",
        "CREATE TABLE public.every_context (LIKE public.instance_context);"
        "ALTER TABLE public.instance_context INHERIT public.every_context",
        ("instance_context inherits from public.every_context, must stand alone",),
    ),
    Drift(
        "rule",
        "CREATE RULE keep AS ON DELETE TO public.instance_context DO INSTEAD NOTHING",
        ("instance_context has the rule keep, must have none",),
    ),
    *(
        Drift(
            f"owned by {role}",
            f"ALTER TABLE public.instance_context OWNER TO {role}",
            (f"instance_context is owned by {role}, as whom {role} may act",),
            among_others=True,
            as_admin=True,
        )
        for role in ("anon", "authenticated", "service_role")
    ),
    Drift(
        "foreign keys switched off",
        "ALTER TABLE public.instance_context DISABLE TRIGGER ALL",
        ("instance_context has its foreign keys switched off",),
        as_admin=True,
    ),
    Drift(
        "parent of another table",
        "CREATE TABLE public.old_context () INHERITS (public.instance_context)",
        ("instance_context is inherited by public.old_context, must stand alone",),
    ),
    Drift(
        "foreign keys checked on replicas alone",
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger"
        " WHERE tgrelid = 'public.instance_context'::regclass LOOP EXECUTE format("
        "'ALTER TABLE public.instance_context ENABLE REPLICA TRIGGER %I', t); END LOOP; END $$",
        ("instance_context has its foreign keys switched off",),
        as_admin=True,
    ),
    Drift(
        "generated",
        "ALTER TABLE public.workflow_history DROP COLUMN node_id,"
        " ADD COLUMN node_id TEXT GENERATED ALWAYS AS (event_type) STORED",
        ("workflow_history.node_id is text STORED DEFAULT event_type, must be text",),
    ),
]

CONSTRAINTS = [
    Drift(
        "primary key missing",
        "ALTER TABLE public.workflow_history DROP CONSTRAINT workflow_history_pkey",
        ("workflow_history: constraint workflow_history_pkey is missing, must be PRIMARY KEY",),
    ),
    _constraint(
        "primary key over other columns",
        "workflow_history",
        "workflow_history_pkey",
        "PRIMARY KEY (app_code, id)",
        "is PRIMARY KEY (app_code, id), must be PRIMARY KEY (id)",
    ),
    Drift(
        "unique missing",
        "ALTER TABLE public.instance_context"
        " DROP CONSTRAINT instance_context_workflow_instance_id_version_key",
        (f"instance_context: constraint {_VERSION} is missing",),
    ),
    Drift(
        "unique under another name",
        "ALTER TABLE public.instance_context"
        " RENAME CONSTRAINT instance_context_workflow_instance_id_version_key TO other_key",
        (f"instance_context: constraint {_VERSION} is missing",),
    ),
    Drift(
        "unique index instead of a constraint",
        "ALTER TABLE public.instance_context"
        " DROP CONSTRAINT instance_context_workflow_instance_id_version_key;"
        "CREATE UNIQUE INDEX instance_context_workflow_instance_id_version_key"
        " ON public.instance_context (workflow_instance_id, version)",
        (f"instance_context: constraint {_VERSION} is missing",),
        among_others=True,
    ),
    *(
        _constraint(
            f"unique {written}",
            "instance_context",
            "instance_context_workflow_instance_id_version_key",
            f"UNIQUE {written}",
            f"is UNIQUE {written}, must be UNIQUE (workflow_instance_id, version)",
        )
        for written in (
            "(app_code, version)",
            "(version, workflow_instance_id)",
            "NULLS NOT DISTINCT (workflow_instance_id, version)",
            "(workflow_instance_id, version) INCLUDE (app_code)",
            "(workflow_instance_id, version) DEFERRABLE",
        )
    ),
    Drift(
        "check missing",
        f"ALTER TABLE public.instance_tasks DROP CONSTRAINT {_STATUS}",
        (f"instance_tasks: constraint {_STATUS} is missing",),
    ),
    *(
        _constraint(name, "instance_tasks", _STATUS, f"CHECK {written}", "is CHECK")
        for name, written in (
            ("check wider", "(status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'LOST'))"),
            ("check narrower", "(status IN ('PENDING', 'RUNNING', 'COMPLETED'))"),
            ("check on another column", "(node_id IN ('PENDING', 'RUNNING'))"),
            ("check of everything", "(TRUE)"),
            (
                "check with a quote more",
                "(status IN ('PENDING', 'RUNNING', 'COMPLETED', '\"FAILED\"'))",
            ),
            (
                "check not valid",
                "(status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')) NOT VALID",
            ),
            (
                "check not inherited",
                "(status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')) NO INHERIT",
            ),
        )
    ),
    Drift(
        "foreign key missing",
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK}",
        (f"workflow_history: constraint {_TASK} is missing, must be FOREIGN KEY",),
    ),
    *(
        _constraint(
            f"foreign key {change.lower()}",
            "workflow_history",
            _TASK,
            f"{_TO_TASK} {change}",
            f"is FOREIGN KEY (app_code, task_id) {shape or f'{_IN_TASKS} {change}'}, must be",
        )
        for change, shape in (
            ("ON DELETE CASCADE", ""),
            ("ON DELETE SET NULL (task_id)", ""),
            ("ON UPDATE CASCADE", ""),
            ("NOT VALID", ""),
            ("DEFERRABLE", ""),
            ("DEFERRABLE INITIALLY DEFERRED", ""),
            ("MATCH FULL", f"{_IN_TASKS} MATCH FULL"),
        )
    ),
    Drift(
        "foreign key not enforced",
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK},"
        f" ADD CONSTRAINT {_TASK} {_TO_TASK} NOT ENFORCED",
        (f"workflow_history: constraint {_TASK} is FOREIGN KEY (app_code, task_id)",),
        since=18,
    ),
    _constraint(
        "foreign key without the tenant",
        "workflow_history",
        _TASK,
        "FOREIGN KEY (task_id) REFERENCES public.instance_tasks (id)",
        "is FOREIGN KEY (task_id) REFERENCES instance_tasks(id), must be",
    ),
    Drift(
        "foreign key to another table",
        "CREATE TABLE public.tenants (app_code TEXT UNIQUE);"
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TENANT},"
        f" ADD CONSTRAINT {_TENANT} {_FKEY} REFERENCES public.tenants (app_code)",
        (f"workflow_history: constraint {_TENANT} is {_FKEY} REFERENCES tenants(app_code),",),
    ),
    Drift(
        "foreign key to a namesake in another schema",
        "CREATE SCHEMA old; CREATE TABLE old.applications (app_code TEXT UNIQUE);"
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TENANT},"
        f" ADD CONSTRAINT {_TENANT} {_FKEY} REFERENCES old.applications (app_code)",
        (f"workflow_history: constraint {_TENANT} is {_FKEY} REFERENCES old.applications(",),
    ),
    Drift(
        "foreign key to a namesake in capitals",
        'CREATE TABLE public."Applications" (app_code TEXT UNIQUE);'
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TENANT},"
        f' ADD CONSTRAINT {_TENANT} {_FKEY} REFERENCES public."Applications" (app_code)',
        (f"workflow_history: constraint {_TENANT} is {_FKEY} REFERENCES",),
    ),
]


_OTHERS = (
    "CREATE TABLE public.people (id UUID PRIMARY KEY);"
    "CREATE TABLE public.nodes (id TEXT PRIMARY KEY);"
    "CREATE TABLE public.members (app_code TEXT, id UUID, PRIMARY KEY (app_code, id));"
    "CREATE TABLE public.runs (id UUID, app_code TEXT, PRIMARY KEY (id, app_code));"
    "ALTER TABLE public.workflow_history ADD COLUMN added UUID;"
)
"""Tables that a later migration may have made."""


def _left_over(name: str, table: str, definition: str) -> Drift:
    return Drift(
        name,
        f"{_OTHERS} ALTER TABLE public.{table} ADD CONSTRAINT old_fkey {definition}",
        (f"{table}: constraint old_fkey is FOREIGN KEY",),
    )


_RUN = "FOREIGN KEY (workflow_instance_id) REFERENCES public.workflow_instances (id)"

LEFT_OVER = [
    # It fires before ours and deletes as the owner, so that a tenant could empty the history.
    _left_over("left-over key that cascades", "workflow_history", f"{_RUN} ON DELETE CASCADE"),
    _left_over(
        "left-over key that empties a column",
        "workflow_history",
        "FOREIGN KEY (task_id) REFERENCES public.instance_tasks (id) ON DELETE SET NULL",
    ),
    _left_over("left-over key without action", "instance_tasks", _RUN),
    _left_over(
        "second key under another name", "workflow_history", f"{_TO_TASK} ON UPDATE RESTRICT"
    ),
    _left_over(
        "left-over key of the tenant",
        "instance_context",
        f"{_FKEY} REFERENCES public.applications (app_code) ON UPDATE CASCADE",
    ),
    Drift(
        "log that goes with its actor",
        "CREATE TABLE public.people (id UUID PRIMARY KEY);"
        "ALTER TABLE public.workflow_history ADD CONSTRAINT actor"
        " FOREIGN KEY (actor_id) REFERENCES public.people ON DELETE CASCADE",
        ("workflow_history: constraint actor is FOREIGN KEY (actor_id) REFERENCES people(id) ON",),
    ),
    *(
        _left_over(f"log that changes {action}", "workflow_history", definition)
        for action, definition in {
            "with a run": "FOREIGN KEY (workflow_instance_id, app_code)"
            " REFERENCES public.runs ON DELETE CASCADE",
            "with an actor": "FOREIGN KEY (actor_id) REFERENCES public.people ON DELETE SET NULL",
            "when a person is renumbered": "FOREIGN KEY (actor_id)"
            " REFERENCES public.people ON UPDATE CASCADE",
            "by an added column": "FOREIGN KEY (added) REFERENCES public.people ON DELETE CASCADE",
        }.items()
    ),
    *(
        _left_over(f"key that sets {what}", "instance_tasks", definition)
        for what, definition in {
            "a column that is NOT NULL": "FOREIGN KEY (node_id)"
            " REFERENCES public.nodes ON DELETE SET DEFAULT",
            "the tenant": "FOREIGN KEY (app_code, assigned_to)"
            " REFERENCES public.members ON DELETE SET NULL",
            "the tenant by an update": "FOREIGN KEY (app_code, assigned_to)"
            " REFERENCES public.members ON UPDATE CASCADE",
            "a part of a key": "FOREIGN KEY (function_code)"
            " REFERENCES public.nodes ON UPDATE CASCADE",
        }.items()
    ),
    _left_over(
        "tasks that go with a person",
        "instance_tasks",
        "FOREIGN KEY (assigned_to) REFERENCES public.people ON DELETE CASCADE",
    ),
    Drift(
        "key missing, its older form still there",
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK}, ADD CONSTRAINT old_fkey"
        " FOREIGN KEY (task_id) REFERENCES public.instance_tasks (id)",
        (
            f"workflow_history: constraint {_TASK} is missing, must be FOREIGN KEY",
            "workflow_history: constraint old_fkey is FOREIGN KEY (task_id)",
        ),
    ),
]

_INDEX = "instance_tasks_app_code_created_at_idx"

INDEXES = [
    *(
        Drift(
            f"index {shape}",
            f"DROP INDEX public.{_INDEX}; CREATE {unique}INDEX {_INDEX} ON public.{shape}",
            (f"index {_INDEX} is CREATE {unique}INDEX {_INDEX} ON public.",),
        )
        for unique, shape in (
            ("", "instance_tasks (app_code)"),
            ("", "instance_tasks (app_code, created_at)"),
            ("", "instance_tasks (created_at, app_code) WHERE status = 'PENDING'"),
            ("", "instance_tasks (app_code, created_at DESC) WHERE status = 'PENDING'"),
            ("", "instance_tasks (app_code, created_at) WHERE status = 'RUNNING'"),
            ("", "instance_tasks USING hash (app_code) WHERE status = 'PENDING'"),
            (
                "",
                "instance_tasks (app_code text_pattern_ops, created_at) WHERE status = 'PENDING'",
            ),
            ("UNIQUE ", "instance_tasks (app_code, created_at) WHERE status = 'PENDING'"),
            ("", "workflow_instances (app_code, created_at) WHERE status = 'PENDING'"),
            ("", "instance_tasks (app_code, created_at) WHERE status = 'PENDING WITH (x)'"),
        )
    ),
    Drift(
        "index invalid",
        f"UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'public.{_INDEX}'::regclass",
        (f"index {_INDEX} is CREATE INDEX {_INDEX} ON public.instance_tasks",),
        as_admin=True,
    ),
    Drift(
        "index name taken by a table",
        f"DROP INDEX public.{_INDEX}; CREATE TABLE public.{_INDEX} (a INTEGER)",
        (f"index {_INDEX} is no index, must be CREATE INDEX",),
    ),
    Drift(
        "index name taken by another table's constraint",
        f"DROP INDEX public.{_INDEX};"
        f"ALTER TABLE public.workflow_instances ADD CONSTRAINT {_INDEX} UNIQUE (id, app_code)",
        (f"index {_INDEX} is CREATE UNIQUE INDEX {_INDEX} ON public.workflow_instances",),
    ),
    Drift(
        "older table renamed, its names still taken",
        "ALTER TABLE public.workflow_history RENAME TO workflow_history_2019",
        tuple(
            f"index workflow_history_{name} is CREATE {unique}INDEX workflow_history_{name}"
            " ON public.workflow_history_2019"
            for unique, name in (
                ("", "app_code_event_timestamp_idx"),
                ("", "app_code_instance_id_event_timestamp_idx"),
                ("", "app_code_task_id_idx"),
                ("UNIQUE ", "pkey"),
            )
        ),
    ),
]


def _instead(
    name: str, sql: str, says: str = "workflow_history is a", *, as_admin: bool = False
) -> Drift:
    return Drift(
        name,
        f"DROP TABLE public.workflow_history; {sql}",
        (says,),
        among_others=True,
        as_admin=as_admin,
    )


KINDS = [
    _instead(
        "table without columns",
        "CREATE TABLE public.workflow_history ()",
        "workflow_history.metadata is missing",
    ),
    _instead("view", "CREATE VIEW public.workflow_history AS SELECT 1 AS id"),
    _instead("materialized view", "CREATE MATERIALIZED VIEW public.workflow_history AS SELECT 1"),
    _instead(
        "partitioned table",
        "CREATE TABLE public.workflow_history (id UUID) PARTITION BY HASH (id)",
    ),
    _instead("sequence", "CREATE SEQUENCE public.workflow_history"),
    _instead("composite type", "CREATE TYPE public.workflow_history AS (id UUID)"),
    _instead("enum", "CREATE TYPE public.workflow_history AS ENUM ('a')"),
    _instead("domain", "CREATE DOMAIN public.workflow_history AS TEXT"),
    _instead(
        "foreign table",
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;"
        " CREATE FOREIGN TABLE public.workflow_history (id UUID) SERVER nowhere",
        as_admin=True,
    ),
    Drift(
        "unlogged table",
        "ALTER TABLE public.workflow_history SET UNLOGGED",
        ("workflow_history is not a permanent table",),
    ),
    Drift(
        "somebody else's table",
        "ALTER TABLE public.workflow_history OWNER TO CURRENT_USER",
        ("workflow_history is owned by ",),
        as_admin=True,
    ),
]


def _refused(connection: psycopg.Connection[Any], migration: str) -> list[str]:
    """Run the file in two ways, demand the same refusal without any change, return its lines."""
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
    return [line[2:] for line in message.splitlines() if line.startswith("- ")]


def _assert_said(lines: Sequence[str], says: Sequence[str], *, among_others: bool = False) -> None:
    for beginning in says:
        assert sum(line.startswith(beginning) for line in lines) == 1, (beginning, lines)
    if not among_others:
        assert len(lines) == len(says), lines


@pytest.mark.parametrize(
    "drift",
    [*COLUMNS, *CONSTRAINTS, *LEFT_OVER, *INDEXES, *KINDS],
    ids=lambda drift: drift.name.replace(" ", "-").replace(chr(34), ""),
)
def test_drift_is_refused_by_name(
    request: pytest.FixtureRequest,
    *,
    migrated: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    drift: Drift,
) -> None:
    """One exception names exactly what differs, nothing has changed, and verify sees it as well."""
    if migrated.info.server_version // 10000 < drift.since:
        pytest.skip(f"PostgreSQL {drift.since} is the first to know this")
    maker = request.getfixturevalue("admin") if drift.as_admin else migrated
    maker.execute(drift.sql)

    lines = _refused(migrated, migration)

    _assert_said(lines, drift.says, among_others=drift.among_others)
    assert verify(clean, read_catalog(migrated), TABLES) != []


WHOLE = {
    "types": ("", "TYPE BOOLEAN USING FALSE"),
    "nullability": ("NOT NULL", "DROP NOT NULL"),
    "defaults": ("DEFAULT", "DROP DEFAULT"),
}
"""What a column's shape must contain to be changed, and how it is changed."""


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("what", WHOLE)
def test_no_column_escapes(
    *, migrated: psycopg.Connection[Any], migration: str, clean: Catalog, table: str, what: str
) -> None:
    """Type, NOT NULL and default of every column are compared, and all listed at once."""
    word, change = WHOLE[what]
    made = {item.name for item in clean.of_relations([table]).items.values()}
    columns = [
        name
        for name, shape in TABLES[table].columns.items()
        # The specification knows those of later migrations too.
        if name in made and word in shape and not (what == "types" and shape.startswith("bool"))
    ]
    # A twin without constraints, under the table's name, whose every column is then changed.
    migrated.execute(
        f"CREATE TABLE public.bare (LIKE public.{table} INCLUDING DEFAULTS);"
        f"DROP TABLE public.{table} CASCADE; ALTER TABLE public.bare RENAME TO {table}"
    )
    drop = "DROP DEFAULT, ALTER COLUMN {0} " if what == "types" else ""
    for name in columns:
        migrated.execute(
            f"ALTER TABLE public.{table} ALTER COLUMN {name} " + drop.format(name) + change
        )

    lines = _refused(migrated, migration)

    named = [line.partition(" is ")[0] for line in lines if " constraint " not in line]
    assert sorted(named) == sorted(f"{table}.{column}" for column in columns)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_no_constraint_escapes(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog, table: str
) -> None:
    """Every constraint of every table is compared, and all that are missing are listed at once."""
    names = [
        item.name
        for item in clean.of_relations([table]).items.values()
        if item.kind == "constraint"
    ]
    for name in names:
        migrated.execute(f"ALTER TABLE public.{table} DROP CONSTRAINT {name} CASCADE")

    lines = _refused(migrated, migration)

    ours = [line.partition(" is ")[0] for line in lines if line.startswith(f"{table}:")]
    assert sorted(ours) == sorted(f"{table}: constraint {name}" for name in names)


def test_no_index_escapes(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog
) -> None:
    """Every index's name is defended against an index of another shape, all at once."""
    names = [item.name for item in clean.items.values() if item.kind == "index"]
    assert len(names) >= 17
    migrated.execute("CREATE TABLE public.elsewhere (a INTEGER)")
    for name in names:
        migrated.execute(f"DROP INDEX public.{name}; CREATE INDEX {name} ON public.elsewhere (a)")

    lines = _refused(migrated, migration)

    assert sorted(line.partition(" is ")[0] for line in lines) == sorted(
        f"index {name}" for name in names
    )


def test_several_drifts_are_one_exception(
    migrated: psycopg.Connection[Any], migration: str
) -> None:
    """Whoever has many differences reads them all at once, in order, not one an attempt."""
    migrated.execute(
        "ALTER TABLE public.workflow_history DROP COLUMN metadata;"
        "ALTER TABLE public.instance_tasks DROP CONSTRAINT instance_tasks_task_type_check,"
        " ALTER COLUMN node_id DROP NOT NULL;"
        "ALTER TABLE public.function_registry ALTER COLUMN version SET DEFAULT '2.0';"
        f"DROP INDEX public.{_INDEX}; CREATE INDEX {_INDEX} ON public.instance_tasks (app_code)"
    )

    lines = _refused(migrated, migration)

    says = (
        "function_registry.version is",
        f"index {_INDEX} is",
        "instance_tasks.node_id is",
        "instance_tasks: constraint instance_tasks_task_type_check is missing",
        "workflow_history.metadata is missing",
    )
    _assert_said(lines, says)
    assert [line.partition(" ")[0] for line in lines] == [say.partition(" ")[0] for say in says]


def test_a_team_with_an_older_table_is_told_all_at_once(
    empty: psycopg.Connection[Any], migration: str
) -> None:
    """The table that cost a real team a day: each missing column is named, and nothing is lost."""
    empty.execute(
        "CREATE TABLE public.workflow_instances (id UUID PRIMARY KEY DEFAULT gen_random_uuid(),"
        " instance_code TEXT UNIQUE, stakeholder_id UUID, status TEXT,"
        " created_at TIMESTAMPTZ DEFAULT now());"
        "INSERT INTO public.workflow_instances (instance_code) VALUES ('WF-1')"
    )

    lines = _refused(empty, migration)

    wanted = TABLES["workflow_instances"].columns.keys() - {"id"}
    assert {f"workflow_instances.{column}" for column in wanted} <= {
        line.partition(" is ")[0] for line in lines
    }
    assert all(line.startswith("workflow_instances") for line in lines)
    # It is their table: what they have beyond ours is none of the migration's business.
    assert not any("instance_code" in line or "stakeholder_id" in line for line in lines)
    assert empty.execute("SELECT instance_code FROM public.workflow_instances").fetchall() == [
        ("WF-1",)
    ]


HARMLESS = {
    "column added": "ALTER TABLE public.instance_tasks ADD COLUMN priority INTEGER DEFAULT 0",
    "constraint added": "ALTER TABLE public.instance_tasks"
    " ADD CONSTRAINT instance_tasks_node_id_check CHECK (node_id <> ''),"
    " ADD UNIQUE (workflow_instance_id, id)",
    "foreign key added": "CREATE TABLE public.queues (id UUID PRIMARY KEY);"
    "ALTER TABLE public.instance_tasks ADD COLUMN queue UUID REFERENCES public.queues",
    "foreign key that acts on an added column": "CREATE TABLE public.queues (id UUID PRIMARY KEY);"
    "ALTER TABLE public.instance_tasks"
    " ADD COLUMN queue UUID REFERENCES public.queues ON DELETE SET NULL",
    "foreign key of a declared column": "CREATE TABLE public.people (id UUID PRIMARY KEY);"
    "ALTER TABLE public.instance_tasks ADD FOREIGN KEY (assigned_to) REFERENCES public.people",
    "assigned person who leaves": f"{_OTHERS} ALTER TABLE public.instance_tasks"
    " ADD FOREIGN KEY (assigned_to) REFERENCES public.people ON DELETE SET NULL,"
    " ADD FOREIGN KEY (app_code, assigned_to) REFERENCES public.members"
    " ON DELETE SET NULL (assigned_to)",
    "tree of tasks": "ALTER TABLE public.instance_tasks ADD COLUMN parent_id UUID,"
    " ADD FOREIGN KEY (app_code, parent_id) REFERENCES public.instance_tasks (app_code, id)"
    " ON DELETE CASCADE",
    "key of another table to ours": "CREATE TABLE public.notes (app_code TEXT, task_id UUID,"
    " FOREIGN KEY (app_code, task_id) REFERENCES public.instance_tasks (app_code, id)"
    " ON DELETE CASCADE)",
    "replica identity": "ALTER TABLE public.instance_tasks REPLICA IDENTITY FULL;"
    "ALTER TABLE public.workflow_history REPLICA IDENTITY USING INDEX workflow_history_pkey",
    "publication": "CREATE PUBLICATION changes FOR TABLE public.instance_tasks"
    " WHERE (status <> 'PENDING')",
    "restrictive policy and FORCE": "CREATE POLICY working_hours ON public.instance_tasks"
    " AS RESTRICTIVE TO authenticated USING (now() > '2000-01-01');"
    "ALTER TABLE public.workflow_history FORCE ROW LEVEL SECURITY",
    "statistics": "CREATE STATISTICS public.spread (dependencies)"
    " ON app_code, status FROM public.instance_tasks;"
    "ALTER TABLE public.instance_tasks ALTER COLUMN status SET STATISTICS 0",
    "second relationship between two tables": "ALTER TABLE public.instance_tasks"
    " ADD COLUMN repeats UUID, ADD FOREIGN KEY (app_code, repeats)"
    " REFERENCES public.instance_tasks (app_code, id)",
    "index added": "CREATE INDEX ON public.instance_tasks (node_id)",
    "trigger added": "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';"
    "CREATE TRIGGER touch BEFORE UPDATE ON public.instance_tasks"
    " FOR EACH ROW EXECUTE FUNCTION public.touch()",
    "table and view of another name": "CREATE TABLE public.instance_tasks_archive"
    " (LIKE public.instance_tasks INCLUDING ALL);"
    "CREATE VIEW public.open_tasks AS SELECT * FROM public.instance_tasks",
    "our names in another schema": "CREATE SCHEMA old;"
    "CREATE TABLE old.instance_tasks (id INTEGER CONSTRAINT instance_tasks_pkey PRIMARY KEY);"
    f"CREATE INDEX {_INDEX} ON old.instance_tasks (id)",
    "column in another place": "ALTER TABLE public.workflow_history DROP COLUMN metadata,"
    " ADD COLUMN metadata JSONB NOT NULL DEFAULT '{}';"
    "COMMENT ON COLUMN public.workflow_history.metadata IS 'Moved.'",
    "check in other words": f"ALTER TABLE public.instance_tasks DROP CONSTRAINT {_STATUS},"
    f" ADD CONSTRAINT {_STATUS}"
    " CHECK (status = ANY (ARRAY['PENDING', 'RUNNING', 'COMPLETED', 'FAILED']))",
    "defaults in other words": "ALTER TABLE public.workflow_history"
    " ALTER COLUMN metadata SET DEFAULT '{}'::pg_catalog.jsonb,"
    " ALTER COLUMN created_at SET DEFAULT pg_catalog.now()",
    "key in other words": f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK},"
    f" ADD CONSTRAINT {_TASK} {_TO_TASK} MATCH SIMPLE ON DELETE NO ACTION NOT DEFERRABLE",
    "key made from an index": "CREATE UNIQUE INDEX made ON public.instance_tasks (app_code, id);"
    f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK};"
    "ALTER TABLE public.instance_tasks DROP CONSTRAINT instance_tasks_app_code_id_key,"
    " ADD CONSTRAINT instance_tasks_app_code_id_key UNIQUE USING INDEX made;"
    f"ALTER TABLE public.workflow_history ADD CONSTRAINT {_TASK} {_TO_TASK}",
    "storage settings": "ALTER TABLE public.instance_tasks SET (fillfactor = 70);"
    "ALTER TABLE public.workflow_history CLUSTER ON workflow_history_pkey",
    "index storage settings": f"ALTER INDEX public.{_INDEX} SET (fillfactor = 70)",
    "index missing": f"DROP INDEX public.{_INDEX}",
    "table missing": "DROP TABLE public.workflow_history",
}
"""What a later migration or a careful administrator may do."""


@pytest.mark.parametrize("name", HARMLESS, ids=lambda name: name.replace(" ", "-"))
def test_what_a_later_migration_did_is_no_drift(
    migrated: psycopg.Connection[Any], migration: str, name: str
) -> None:
    """The file still runs after later migrations have built on it, and undoes none of them."""
    migrated.execute(HARMLESS[name])
    before = read_catalog(migrated)

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        assert run(way, migrated, migration) == []

    undone = [
        line
        for line in diff_catalogs(before, read_catalog(migrated))
        if "comment" not in line and "is not expected" not in line
    ]
    assert undone == []


SESSIONS = {
    "search path empty": "SET search_path = ''",
    "search path with namesakes first": "CREATE SCHEMA old;"
    "CREATE TABLE old.applications (a INTEGER);"
    "CREATE TABLE old.instance_tasks (a INTEGER); SET search_path = old, public",
    "temporary schema first": "SET search_path = pg_temp, public",
    "temporary schema last": "SET search_path = public, pg_temp",
    "temporary tables": "CREATE TEMPORARY TABLE mine (a INTEGER)",
    "identifiers quoted": "SET quote_all_identifiers = on",
    "backslashes in strings": "SET escape_string_warning = off;"
    "SET standard_conforming_strings = off",
    "dates": "SET DateStyle = 'SQL, DMY'; SET IntervalStyle = sql_standard;"
    "SET TimeZone = 'Asia/Kathmandu'; SET extra_float_digits = -15",
    "quiet": "SET client_min_messages = error",
    "PL/pgSQL checks": "SET plpgsql.extra_errors = 'all'",
    "deferrable": "SET default_transaction_deferrable = on",
    "row security off": "SET row_security = off",
    "null equals": "SET transform_null_equals = on",
    "no JIT, no sequential scans": "SET enable_seqscan = off; SET jit = off",
    "claims of a request": """SET request.jwt.claims = '{"app_code": "app_a"}'""",
}
"""What a session may have set before it runs the file."""


@pytest.mark.parametrize("name", SESSIONS, ids=lambda name: name.replace(" ", "-"))
def test_sessions_settings_do_not_matter(
    *,
    migrated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
    name: str,
) -> None:
    """A clean database is accepted and a drifted one is refused, whatever the session has set."""
    migrated.execute(SESSIONS[name])
    observer = connect(migrated_database.url)

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        assert run(way, migrated, migration) == []
        assert diff_catalogs(clean, read_catalog(observer)) == []

    migrated.execute(
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TASK},"
        " ALTER COLUMN node_id TYPE pg_catalog.varchar(20);"
    )
    lines = _refused(migrated, migration)
    _assert_said(
        lines,
        (
            "workflow_history.node_id is character varying(20)",
            f"workflow_history: constraint {_TASK} is missing",
        ),
    )


_OPERATOR = (
    "CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT TRUE';"
    "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);"
)

UNSAFE = {
    "catalog last": ("SET search_path = public, pg_catalog", "pg_catalog first in search_path"),
    "catalog behind an operator": (
        f"{_OPERATOR} SET search_path = public, pg_catalog",
        "pg_catalog first in search_path",
    ),
    "catalog behind operators for numbers as well": (
        f"{_OPERATOR} {_OPERATOR.replace('text', 'int')} SET search_path = public, pg_catalog",
        "pg_catalog first in search_path",
    ),
    "catalog behind a temporary schema and another": (
        "CREATE TEMPORARY TABLE mine (a INTEGER); SET search_path = pg_temp, auth, pg_catalog",
        "pg_catalog first in search_path",
    ),
    "serializable": (
        "SET default_transaction_isolation = serializable",
        "transaction isolation level READ COMMITTED",
    ),
    "repeatable read": (
        "SET default_transaction_isolation = 'repeatable read'",
        "transaction isolation level READ COMMITTED",
    ),
}
"""Sessions in which policies would mean something else, or changes of others would not be seen."""


@pytest.mark.parametrize("name", UNSAFE, ids=lambda name: name.replace(" ", "-"))
@pytest.mark.parametrize("state", ["empty", "migrated"])
@pytest.mark.usefixtures("regime")
def test_session_in_which_the_file_would_mean_something_else_is_refused(
    request: pytest.FixtureRequest, migration: str, name: str, state: str
) -> None:
    """No policy is made with another schema's operators, nor from a snapshot of before."""
    connection: psycopg.Connection[Any] = request.getfixturevalue(state)
    sql, says = UNSAFE[name]
    connection.execute(sql)

    assert _refused(connection, migration) == [says]


def test_foreign_key_to_a_namesake_is_seen_from_that_schema(
    migrated: psycopg.Connection[Any], migration: str
) -> None:
    """The search path cannot make another schema's table pass for ours."""
    migrated.execute(
        "CREATE SCHEMA old; CREATE TABLE old.applications (app_code TEXT UNIQUE);"
        f"ALTER TABLE public.workflow_history DROP CONSTRAINT {_TENANT},"
        f" ADD CONSTRAINT {_TENANT} {_FKEY} REFERENCES old.applications (app_code);"
        "SET search_path = old, public, pg_temp"
    )

    lines = _refused(migrated, migration)

    _assert_said(lines, (f"workflow_history: constraint {_TENANT} is",))


def test_fresh_database_does_not_depend_on_the_search_path(
    empty: psycopg.Connection[Any], migration: str, clean: Catalog
) -> None:
    """Everything lands in public, even where the session's path leads elsewhere."""
    empty.execute(
        "CREATE SCHEMA old; CREATE TABLE old.instance_tasks (a INTEGER); SET search_path = old"
    )

    run(Way.TRANSACTION, empty, migration)

    assert diff_catalogs(clean, read_catalog(empty)) == []


def test_tables_of_others_are_not_even_read(
    migrated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
) -> None:
    """A maintenance of somebody else's table does not hold up the run, which would lock it."""
    migrated.execute(
        "CREATE TABLE public.notes (id INTEGER DEFAULT 1, kind TEXT CHECK (kind <> ''));"
        "CREATE INDEX notes_idx ON public.notes (lower(kind)) WHERE id > 0"
    )
    impatient = migration.replace("lock_timeout = '5s'", "lock_timeout = '20ms'")
    other = connect(migrated_database.url)

    with other.transaction():
        other.execute("LOCK TABLE public.notes IN ACCESS EXCLUSIVE MODE")
        assert run(Way.TRANSACTION, migrated, impatient) == []


def test_event_trigger_finds_its_names(
    admin: psycopg.Connection[Any], migrated: psycopg.Connection[Any], migration: str
) -> None:
    """A log of DDL that relies on the session's search path works as it does for other DDL."""
    migrated.execute("CREATE TABLE public.ddl_log (tag TEXT)")
    admin.execute(
        "CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql"
        " AS 'BEGIN INSERT INTO ddl_log VALUES (tg_tag); END';"
        "CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION public.log_ddl();"
        "CREATE EVENT TRIGGER log_drops ON sql_drop EXECUTE FUNCTION public.log_ddl()"
    )

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        assert run(way, migrated, migration) == []


_DEMANDS_KEY = """
CREATE FUNCTION public.demand_key() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  made RECORD;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = made.objid AND indisprimary) THEN
      RAISE EXCEPTION '% has no primary key', made.object_identity;
    END IF;
  END LOOP;
END $$;
CREATE EVENT TRIGGER demand_key ON ddl_command_end WHEN tag IN ('CREATE TABLE')
  EXECUTE FUNCTION public.demand_key();
"""


def test_event_trigger_that_demands_primary_keys_is_content(
    empty: psycopg.Connection[Any],
    platform_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
) -> None:
    """A server on which no table may be without a primary key takes the file, twice."""
    admin = connect(platform_database.admin_url)
    if admin.info.parameter_status("is_superuser") != "on":
        pytest.skip("needs a superuser: unset DATABASE_URL, or name one in it")
    admin.execute(_DEMANDS_KEY)

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        assert run(way, empty, migration) == []
    empty.execute("DROP TABLE public.workflow_history")
    assert run(Way.TRANSACTION, empty, migration) == []


_NO_TEMPORARY_TABLES = """
CREATE FUNCTION public.no_temporary() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name = 'pg_temp') THEN
    RAISE EXCEPTION 'a temporary table';
  END IF;
END $$;
CREATE EVENT TRIGGER no_temporary ON ddl_command_end WHEN tag IN ('CREATE TABLE')
  EXECUTE FUNCTION public.no_temporary();
"""


def test_clean_re_run_needs_no_reference_tables(
    admin: psycopg.Connection[Any], migrated: psycopg.Connection[Any], migration: str
) -> None:
    """What the build expects PostgreSQL to say is what each PostgreSQL says, word for word."""
    admin.execute(_NO_TEMPORARY_TABLES)

    for way in Way:
        assert run(way, migrated, migration) == []

    migrated.execute("ALTER TABLE public.workflow_history ALTER COLUMN node_id SET DEFAULT 'x'")
    with pytest.raises(ApplyError, match="a temporary table"):
        run(Way.TRANSACTION, migrated, migration)


_WAITING = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"


def test_what_changes_while_the_run_waits_is_seen(
    migrated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
) -> None:
    """A table that another session alters between the comparison and the locks is refused."""
    reader, other, observer = (connect(migrated_database.url) for _ in range(3))
    pid = migrated.info.backend_pid

    with ThreadPoolExecutor(1) as pool:
        with reader.transaction():
            reader.execute("SELECT FROM public.workflow_history")
            attempt = pool.submit(run, Way.TRANSACTION, migrated, migration)
            while observer.execute(_WAITING, [pid]).fetchone() == (0,):
                assert not attempt.done(), attempt.result()
            # The run lets go of this table again and again: it waits for another one.
            other.execute("ALTER TABLE public.function_registry ALTER COLUMN version DROP NOT NULL")
        with pytest.raises(ApplyError) as refused:
            attempt.result()

    assert "function_registry.version is text DEFAULT" in refused.value.message


@pytest.mark.parametrize("table", sorted(TABLES))
def test_run_behind_a_later_migration_is_refused(
    migrated: psycopg.Connection[Any], migration: str, clean: Catalog, table: str
) -> None:
    """What a later migration has changed is not undone: it left its name, and this file sees it."""
    assert clean.items  # As the first run left it, with this file's own name on each table.
    mark = f"COMMENT ON CONSTRAINT {table}_pkey ON public.{table} IS"
    own = "'Last migration: 20251120_phase1d_workflow_tables'"
    assert f"{mark}\n  {own};" in migration
    assert run(Way.TRANSACTION, migrated, migration) == []

    migrated.execute(f"{mark} 'Last migration: 20260115_priority'")

    assert _refused(migrated, migration) == [f"{table} was changed since by 20260115_priority"]
    for earlier in ("NULL", "'The key.'"):
        migrated.execute(f"{mark} {earlier}")
        assert run(Way.TRANSACTION, migrated, migration) == []
        assert diff_catalogs(clean, read_catalog(migrated)) == []


def test_temporary_table_of_our_name_is_refused_without_harm(
    migrated: psycopg.Connection[Any], migration: str
) -> None:
    """A session that hides our names behind its own temporary tables changes nothing."""
    migrated.execute("CREATE TEMPORARY TABLE instance_tasks (a INTEGER)")
    before = read_catalog(migrated)

    for way in (Way.TRANSACTION, Way.STATEMENTS):
        with pytest.raises(ApplyError):
            run(way, migrated, migration)
        assert diff_catalogs(before, read_catalog(migrated)) == []


def test_role_that_is_a_member_of_the_owner_may_run_it(
    admin: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
) -> None:
    """A deployment account with the owner's rights re-runs the file, and can still be told no."""
    member = f"{migrated_database.name}_member"
    owner = admin.execute(
        "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'public.applications'::regclass"
    ).fetchone()
    assert owner is not None
    admin.execute(f"CREATE ROLE {member} IN ROLE {owner[0]}")
    try:
        admin.execute(f"SET SESSION AUTHORIZATION {member}")
        assert run(Way.TRANSACTION, admin, migration) == []
        assert diff_catalogs(clean, read_catalog(admin)) == []
        admin.execute("ALTER TABLE public.workflow_history DROP COLUMN metadata")
        lines = _refused(admin, migration)
        _assert_said(lines, ("workflow_history.metadata is missing",))
    finally:
        admin.execute("RESET SESSION AUTHORIZATION")
        admin.execute(f"DROP OWNED BY {member}; DROP ROLE {member}")
