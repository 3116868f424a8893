"""The indexes are those that the engine's queries and the foreign keys' checks use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from database.callers import Caller
from database.tenants import A, B, function_of, row_id, seed
from schema_database import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schema_database import Cluster

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"

# Mostly finished work, as in time nearly all is.
_ROWS = f"""
INSERT INTO public.workflow_instances
  (app_code, workflow_definition_id, workflow_code, status, initiated_at)
SELECT app, definition::uuid, 'onboarding',
  CASE WHEN n % 50 = 0 THEN 'ERROR' ELSE 'COMPLETED' END, now() - n * interval '1 minute'
FROM generate_series(1, 400) AS n,
  (VALUES ('{A}', '{row_id("workflow_definitions", A)}'),
    ('{B}', '{row_id("workflow_definitions", B)}')) AS apps (app, definition);

INSERT INTO public.instance_context (app_code, workflow_instance_id, version)
SELECT app_code, id, n FROM public.workflow_instances, generate_series(2, 4) AS n;

INSERT INTO public.instance_tasks
  (app_code, workflow_instance_id, workflow_code, function_code, node_id, task_type, status,
   assigned_to, created_at)
SELECT app_code, id, workflow_code, app_code || right('{function_of(A)}', 7), 'n' || n, 'USER_TASK',
  CASE WHEN n = 5 AND status = 'ERROR' THEN 'PENDING' ELSE 'COMPLETED' END,
  gen_random_uuid(), initiated_at + n * interval '1 second'
FROM public.workflow_instances, generate_series(1, 5) AS n;

INSERT INTO public.workflow_history
  (app_code, workflow_instance_id, event_type, task_id, event_timestamp)
SELECT app_code, workflow_instance_id, 'TASK_COMPLETED', CASE WHEN node_id = 'n1' THEN id END,
  created_at
FROM public.instance_tasks;

ANALYZE;
"""


@pytest.fixture(scope="module")
def busy(
    cluster: Cluster, stubs: list[tuple[str, str]], migration: str
) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection to a database with some thousand rows."""
    steps = [(MIGRATION, migration), ("seed", seed()), ("rows", _ROWS)]
    template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, steps)
    with (
        cluster.clone(template) as database,
        psycopg.connect(database.url, autocommit=True) as connection,
    ):
        yield connection


QUERIES = {
    "instance_tasks_app_code_created_at_idx": "SELECT id FROM public.instance_tasks"
    " WHERE status = 'PENDING' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED",
    "instance_tasks_app_code_assigned_to_status_idx": "SELECT id FROM public.instance_tasks"
    " WHERE assigned_to = '{id}' AND status = 'RUNNING'",
    "workflow_instances_app_code_status_idx": "SELECT id FROM public.workflow_instances"
    " WHERE status = 'ERROR'",
    "workflow_instances_app_code_initiated_at_idx": "SELECT id FROM public.workflow_instances"
    " ORDER BY initiated_at DESC LIMIT 20",
    "workflow_history_app_code_event_timestamp_idx": "SELECT id FROM public.workflow_history"
    " ORDER BY event_timestamp DESC LIMIT 20",
    "workflow_history_app_code_instance_id_event_timestamp_idx": "SELECT id"
    " FROM public.workflow_history WHERE workflow_instance_id = '{id}' ORDER BY event_timestamp",
    "instance_context_app_code_workflow_instance_id_idx": "SELECT id FROM public.instance_context"
    " WHERE workflow_instance_id = '{id}' ORDER BY version DESC LIMIT 1",
}
"""What a tenant's requests ask, without app_code: the policy adds it."""

CHECKS = {
    "workflow_instances_app_code_workflow_definition_id_idx": "workflow_instances"
    f" WHERE app_code = '{A}' AND workflow_definition_id = '{{id}}'",
    "instance_tasks_function_code_idx": "instance_tasks WHERE function_code = 'f'",
    "instance_tasks_workflow_instance_id_node_id_idx": "instance_tasks"
    f" WHERE app_code = '{A}' AND workflow_instance_id = '{{id}}'",
    "workflow_history_app_code_instance_id_event_timestamp_idx": "workflow_history"
    f" WHERE app_code = '{A}' AND workflow_instance_id = '{{id}}'",
    "workflow_history_app_code_task_id_idx": "workflow_history"
    f" WHERE app_code = '{A}' AND task_id = '{{id}}'",
}
"""How PostgreSQL looks for children when a parent is deleted."""


def _names(plan: dict[str, Any]) -> Iterable[str]:
    if "Index Name" in plan:
        yield plan["Index Name"]
    for child in plan.get("Plans", ()):
        yield from _names(child)


def _indexes(caller: Caller, query: str) -> set[str]:
    outcome = caller.run(f"EXPLAIN (FORMAT JSON) {query.format(id=row_id('instance_tasks', A))}")
    assert not outcome.refused, outcome
    return set(_names(outcome.rows[0][0][0]["Plan"]))


@pytest.mark.parametrize("index", QUERIES)
def test_tenants_query_uses_its_index(busy: psycopg.Connection[Any], index: str) -> None:
    """A tenant's frequent question is answered from its index, policy included."""
    tenant = Caller(busy, "authenticated", f'{{"app_code": "{A}"}}')
    assert _indexes(tenant, QUERIES[index]) == {index}


@pytest.mark.parametrize("index", CHECKS)
def test_foreign_key_check_uses_its_index(busy: psycopg.Connection[Any], index: str) -> None:
    """Deleting a parent does not read all rows of its children's table."""
    query = f"SELECT 1 FROM ONLY public.{CHECKS[index]} FOR KEY SHARE"
    assert _indexes(Caller(busy, None), query) == {index}
