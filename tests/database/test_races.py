"""What two sessions do at the same time cannot cross the line between tenants."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from database.tenants import A, B, insert_new, row_id
from schema_database import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable

    from schema_database import Database

# Policies are the same under both.
pytestmark = pytest.mark.parametrize("regime", [PrivilegeRegime.EXPLICIT], indirect=True)

_PAUSE = 42
_CODE = f"{A}.brief"
_WAITING = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"


def _as_tenant(connection: psycopg.Connection[Any], app: str, sql: str) -> int:
    """Run a statement for a tenant, commit it, and return how many rows it touched."""
    with connection.transaction():
        connection.execute(
            "SELECT set_config('request.jwt.claims', %s, TRUE)", [json.dumps({"app_code": app})]
        )
        connection.execute("SET LOCAL ROLE authenticated")
        return connection.execute(sql).rowcount


# Each looks at the tables as of its beginning, and then waits before it writes its row.
STATEMENTS = {
    "insert": "INSERT INTO public.instance_tasks"
    " (app_code, workflow_instance_id, workflow_code, function_code, node_id, task_type)"
    f" SELECT '{A}', '{row_id('workflow_instances', A)}', 'onboarding', '{_CODE}', 'start',"
    f" 'SERVICE_TASK' FROM (SELECT pg_advisory_xact_lock({_PAUSE})) AS pause",
    "update": f"UPDATE public.instance_tasks SET function_code = '{_CODE}'"
    f" FROM (SELECT pg_advisory_xact_lock({_PAUSE})) AS pause"
    f" WHERE id = '{row_id('instance_tasks', A)}'",
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_task_cannot_come_to_hang_on_a_function_that_changed_hands(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
    kind: str,
) -> None:
    """A code that another application registers while a statement runs is not used by it."""
    slow, quick, other = (connect(migrated_database.url) for _ in range(3))
    _as_tenant(quick, A, insert_new("function_registry", A, function_code=_CODE))

    with ThreadPoolExecutor(1) as pool:
        with populated.transaction():
            populated.execute("SELECT pg_advisory_xact_lock(%s)", [_PAUSE])
            attempt = pool.submit(_as_tenant, slow, A, STATEMENTS[kind])
            while populated.execute(_WAITING, [slow.info.backend_pid]).fetchone() == (0,):
                assert not attempt.done(), attempt.result()
            gone = f"DELETE FROM public.function_registry WHERE function_code = '{_CODE}'"
            assert _as_tenant(quick, A, gone) == 1
            _as_tenant(other, B, insert_new("function_registry", B, function_code=_CODE))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attempt.result()

    used = populated.execute(
        "SELECT count(*) FROM public.instance_tasks WHERE function_code = %s", [_CODE]
    ).fetchone()
    assert used == (0,)
    assert _as_tenant(other, B, gone) == 1


def test_context_that_is_refused_blocks_nobody(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
) -> None:
    """A row for another's run is refused before it takes that run's next version for a moment."""
    slow, owner_of_run = (connect(migrated_database.url) for _ in range(2))
    values = f"'{A}', '{row_id('workflow_instances', B)}'::uuid, 2"
    # Were the first row written, this would wait with it, and so would whoever writes the same.
    sql = (
        "INSERT INTO public.instance_context (app_code, workflow_instance_id, version)"
        f" SELECT * FROM (VALUES ({values})) AS row UNION ALL SELECT {values}"
        f" FROM (SELECT pg_advisory_xact_lock({_PAUSE})) AS pause"
    )

    with populated.transaction():
        populated.execute("SELECT pg_advisory_xact_lock(%s)", [_PAUSE])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _as_tenant(slow, A, f"SET LOCAL lock_timeout = '5s'; {sql}")
        assert _as_tenant(owner_of_run, B, insert_new("instance_context", B)) == 1


def test_functions_that_are_used_stay(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
) -> None:
    """While a task is being written, its function can be described, but not deleted."""
    writer, other = (connect(migrated_database.url) for _ in range(2))
    _as_tenant(writer, A, insert_new("function_registry", A, function_code=_CODE))

    with writer.transaction():
        writer.execute(
            "SELECT set_config('request.jwt.claims', %s, TRUE)", [json.dumps({"app_code": A})]
        )
        writer.execute("SET LOCAL ROLE authenticated")
        writer.execute(insert_new("instance_tasks", A, function_code=_CODE))
        where = f"WHERE function_code = '{_CODE}'"
        described = f"UPDATE public.function_registry SET description = 'x' {where}"
        assert _as_tenant(other, A, described) == 1
        with pytest.raises(psycopg.errors.LockNotAvailable):
            _as_tenant(
                other,
                A,
                f"SET LOCAL lock_timeout = '20ms'; DELETE FROM public.function_registry {where}",
            )
