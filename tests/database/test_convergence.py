"""Run again, run over a crash, run at the same time: the migration always ends in one place."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from database.callers import Caller
from database.running import ATOMIC, Way, run, statements
from database.tenants import TABLES, A, B, function_of, insert_new, seed
from schema_database import (
    ApplyError,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from database.conftest import Footprint
    from schema_database import Catalog, Database

# The regime that leaves the API roles most, so that there is most to take away.
one_regime = pytest.mark.parametrize("regime", [PrivilegeRegime.LEGACY], indirect=True)

_PARTS = 8


@pytest.mark.parametrize("first", Way)
def test_second_run_changes_nothing(
    empty: psycopg.Connection[Any],
    migration: str,
    clean: Catalog,
    footprint: Callable[[psycopg.Connection[Any]], Footprint],
    first: Way,
) -> None:
    """However the file is run and run again: same catalog, no table rewritten, no row touched."""
    assert run(first, empty, migration) == []
    assert diff_catalogs(clean, read_catalog(empty)) == []
    empty.execute(seed())
    before = footprint(empty)

    for again in Way:
        assert run(again, empty, migration) == []
        assert diff_catalogs(clean, read_catalog(empty)) == []
        assert footprint(empty) == before
    assert before["temporary"] == []


@one_regime
@pytest.mark.parametrize("part", range(_PARTS), ids=lambda part: f"part-{part + 1}-of-{_PARTS}")
def test_run_after_a_crash_behind_any_statement_ends_as_a_clean_run(
    platform_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
    part: int,
) -> None:
    """A psql that died behind any statement is mended by running the file once more."""
    parts = statements(migration)
    begin, end = (number * len(parts) // _PARTS for number in (part, part + 1))
    crashing, mending = connect(platform_database.url), connect(platform_database.url)
    for number, statement in enumerate(parts[:end]):
        crashing.execute(statement)
        if number < begin:
            continue
        # Rolled back, so that the next statement follows the same crash.
        with mending.transaction(force_rollback=True):
            apply_as_one_transaction(mending, migration)
            assert diff_catalogs(clean, read_catalog(mending)) == [], f"behind: {statement}"


@one_regime
def test_re_run_says_nothing(migrated: psycopg.Connection[Any], migration: str) -> None:
    """There is no NOTICE in which a WARNING would be lost."""
    assert list(apply_as_one_transaction(migrated, migration)) == []


BREACHES = {
    "captured a shared function": "UPDATE public.function_registry"
    f" SET app_code = '{A}' WHERE app_code IS NULL",
    "deleted a shared function": "DELETE FROM public.function_registry WHERE app_code IS NULL",
    "called a foreign function": insert_new("instance_tasks", A, function_code=function_of(B)),
    "called one by an update": "UPDATE public.instance_tasks"
    f" SET function_code = '{function_of(B)}' WHERE app_code = '{A}'",
    **{
        f"changed a foreign row of {table}": f"UPDATE public.{table} SET app_code = '{A}'"
        f" WHERE app_code = '{B}'"
        for table in TABLES
    },
}


@one_regime
def test_second_run_that_is_cut_off_leaves_no_door_open(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
) -> None:
    """Behind whatever statement psql dies, or is only slow, no tenant may do more than declared."""
    tenant = Caller(connect(migrated_database.url), "authenticated", f'{{"app_code": "{A}"}}')
    open_doors = []
    for statement in statements(migration):
        populated.execute(statement)
        if statement.startswith(("COMMENT", "CREATE TABLE", "CREATE INDEX")):
            continue
        for breach, sql in BREACHES.items():
            with tenant.connection.transaction(force_rollback=True):
                if tenant.run(sql).count > 0:
                    open_doors.append(f"{breach} behind: {statement}")
    assert open_doors == []


@pytest.mark.parametrize("way", Way)
def test_first_run_that_was_cut_off_in_the_middle_can_be_finished_in_any_way(
    empty: psycopg.Connection[Any], migration: str, clean: Catalog, way: Way
) -> None:
    """Whoever mends a half-made database may use another client than the one that died."""
    parts = statements(migration)
    for statement in parts[: len(parts) // 2]:
        empty.execute(statement)

    run(way, empty, migration)

    assert diff_catalogs(clean, read_catalog(empty)) == []


@pytest.mark.parametrize("way", ATOMIC)
def test_failed_run_leaves_nothing_behind(
    empty: psycopg.Connection[Any], migration: str, way: Way
) -> None:
    """Run as one transaction, a file that fails at its last statement has changed nothing."""
    before = read_catalog(empty)

    with pytest.raises((ApplyError, psycopg.Error), match="division by zero"):
        run(way, empty, migration + "\nSELECT 1 / 0;\n")

    assert diff_catalogs(before, read_catalog(empty)) == []


@pytest.mark.parametrize("state", ["first", "again"])
def test_runs_at_the_same_time_all_succeed(
    request: pytest.FixtureRequest,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
    state: str,
) -> None:
    """Six deployments that start at once wait for each other; none fails, none deadlocks."""
    name = "platform_database" if state == "first" else "migrated_database"
    database: Database = request.getfixturevalue(name)
    connections = [connect(database.url) for _ in range(6)]
    start = threading.Barrier(len(connections))

    def deploy(connection: psycopg.Connection[Any]) -> list[str]:
        start.wait()
        return run(Way.TRANSACTION, connection, migration)

    with ThreadPoolExecutor(len(connections)) as pool:
        assert list(pool.map(deploy, connections)) == [[]] * len(connections)

    assert diff_catalogs(clean, read_catalog(connections[0])) == []


@one_regime
@pytest.mark.parametrize("table", TABLES)
def test_run_gives_up_when_a_table_is_locked(
    *,
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
    clean: Catalog,
    footprint: Callable[[psycopg.Connection[Any]], Footprint],
    table: str,
) -> None:
    """Behind a long transaction the run ends soon and undone, instead of blocking everybody."""
    assert "lock_timeout = '5s'" in migration
    impatient = migration.replace("lock_timeout = '5s'", "lock_timeout = '20ms'")
    before = footprint(populated)
    reader = connect(migrated_database.url)

    with reader.transaction():
        reader.execute(f"SELECT FROM public.{table}")
        with pytest.raises(ApplyError) as refused:
            run(Way.TRANSACTION, populated, impatient)

    assert refused.value.sqlstate == "55P03"
    holder = f"is in use by process {reader.info.backend_pid} ("
    assert refused.value.message.startswith(f"public.{table} {holder}"), refused.value
    assert diff_catalogs(clean, read_catalog(populated)) == []
    assert footprint(populated) == before


_WAITING = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"


@one_regime
def test_run_does_not_deadlock_with_a_transaction_that_goes_on(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    migration: str,
) -> None:
    """An application that holds one table and then asks for another gets it; both succeed."""
    application, observer = (connect(migrated_database.url) for _ in range(2))
    run_pid = populated.info.backend_pid

    with ThreadPoolExecutor(1) as pool:
        with application.transaction():
            application.execute("UPDATE public.workflow_instances SET status = 'RUNNING'")
            again = pool.submit(run, Way.TRANSACTION, populated, migration)
            while observer.execute(_WAITING, [run_pid]).fetchone() == (0,):
                assert not again.done(), again.result()
            # The run has passed this table already: it stands before the one it waits for.
            application.execute("UPDATE public.function_registry SET description = 'in use'")
        assert again.result() == []


@one_regime
@pytest.mark.parametrize("way", Way)
def test_session_is_left_as_it_was(
    empty: psycopg.Connection[Any], migration: str, way: Way
) -> None:
    """Settings, locks and the current role are the caller's again once the run is over."""
    look = (
        "SELECT current_user, current_setting('lock_timeout'), current_setting('search_path'),"
        " current_setting('quote_all_identifiers'), (SELECT count(*) FROM pg_locks"
        " WHERE pid = pg_backend_pid() AND locktype = 'advisory')"
    )
    before = empty.execute(look).fetchone()

    run(way, empty, migration)

    assert empty.execute(look).fetchone() == before


@one_regime
def test_run_as_part_of_a_larger_transaction_leaves_its_names_alone(
    empty: psycopg.Connection[Any], migration: str
) -> None:
    """What follows in the same transaction finds its names by the caller's search path."""
    look = "SELECT current_setting('search_path'), current_setting('quote_all_identifiers')"
    empty.execute("SET quote_all_identifiers = on")
    before = empty.execute(look).fetchone()

    with empty.transaction():
        apply_as_one_transaction(empty, migration)
        assert empty.execute(look).fetchone() == before
