"""Ways to break tenancy, one at a time: SQL that the owner could have run; must know no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLAIM = "((SELECT auth.jwt()) ->> 'app_code')"
_OWN = f"app_code = {_CLAIM}"

_TABLES = (
    "workflow_definitions",
    "workflow_instances",
    "instance_tasks",
    "instance_context",
    "workflow_history",
    "function_registry",
)

_KEYS = (
    ("workflow_instances", "workflow_definition_id", "workflow_definitions"),
    ("instance_tasks", "workflow_instance_id", "workflow_instances"),
    ("instance_context", "workflow_instance_id", "workflow_instances"),
    ("workflow_history", "workflow_instance_id", "workflow_instances"),
    ("workflow_history", "task_id", "instance_tasks"),
)

_GRANTS = (
    ("UPDATE", "workflow_history", "authenticated"),
    ("DELETE", "workflow_history", "authenticated"),
    ("UPDATE", "workflow_history", "service_role"),
    ("DELETE", "workflow_history", "service_role"),
    ("TRUNCATE", "workflow_history", "authenticated"),
    ("SELECT", "workflow_definitions", "anon"),
    ("INSERT", "function_registry", "anon"),
)

_POLICIES = (
    ("function_visible_on_insert", "instance_tasks"),
    ("function_visible_on_update", "instance_tasks"),
    ("own_functions_on_update", "function_registry"),
    ("own_functions_on_delete", "function_registry"),
)

_CLAIMS = (
    (
        "the claim may stand in user_metadata",
        f"{_OWN} OR app_code = ((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')",
    ),
    ("the claim is a pattern", f"app_code LIKE {_CLAIM}"),
    ("capitals in the claim do not count", f"lower(app_code) = lower({_CLAIM})"),
    ("an array of claims counts", f"{_CLAIM} LIKE '%\"' || app_code || '\"%' OR {_OWN}"),
    ("without a claim everything is seen", f"app_code = coalesce({_CLAIM}, app_code)"),
)


@dataclass(frozen=True)
class Sabotage:
    """One way.

    Attributes:
        name: what was done, in words.
        sql: how.
    """

    name: str
    sql: str


def sabotages() -> Iterator[Sabotage]:
    """Yield all of them."""
    for table in _TABLES:
        off = f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY"
        yield Sabotage(f"{table}: row-level security is off", off)
    for table in _TABLES:
        policy = f'ALTER POLICY "app_isolation" ON public.{table}'
        yield Sabotage(f"{table}: USING (TRUE)", f"{policy} USING (TRUE)")
        yield Sabotage(f"{table}: WITH CHECK (TRUE)", f"{policy} WITH CHECK (TRUE)")
    for name, table in _POLICIES:
        yield Sabotage(f"{table}: no policy {name}", f'DROP POLICY "{name}" ON public.{table}')
    for privilege, table, role in _GRANTS:
        grant = f"GRANT {privilege} ON public.{table} TO {role}"
        yield Sabotage(f"{table}: {role} may {privilege}", grant)
    for table, column, parent in _KEYS:
        old = f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_app_code_{column}_fkey"
        new = f"ADD FOREIGN KEY ({column}) REFERENCES public.{parent} (id)"
        yield Sabotage(f"{table}: {column} without the tenant", f"{old}, {new}")
    table, column, parent = _KEYS[-1]
    yield Sabotage(
        f"{table}: deleting the parent deletes the row",
        f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_app_code_{column}_fkey, ADD FOREIGN"
        f" KEY (app_code, {column}) REFERENCES public.{parent} (app_code, id) ON DELETE CASCADE",
    )
    for words, condition in _CLAIMS:
        policy = 'ALTER POLICY "app_isolation" ON public.workflow_instances'
        yield Sabotage(f"workflow_instances: {words}", f"{policy} USING ({condition})")
    registry = 'ALTER POLICY "app_isolation" ON public.function_registry'
    yield Sabotage("function_registry: shared functions are not seen", f"{registry} USING ({_OWN})")
    yield Sabotage(
        "function_registry: apps may write shared functions",
        f"{registry} WITH CHECK (app_code IS NULL OR {_OWN})",
    )
