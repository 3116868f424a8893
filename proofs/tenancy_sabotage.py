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
        "it may stand in user_metadata",
        f"{_OWN} OR app_code = ((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')",
    ),
    ("it is a pattern", f"app_code LIKE {_CLAIM}"),
    ("its capitals do not count", f"lower(app_code) = lower({_CLAIM})"),
    ("an array of them counts", f"{_CLAIM} LIKE '%\"' || app_code || '\"%' OR {_OWN}"),
    ("without one everything is seen", f"app_code = coalesce({_CLAIM}, app_code)"),
)

_SHARED = (
    ("are not seen", f"USING ({_OWN})"),
    ("may be written", f"WITH CHECK (app_code IS NULL OR {_OWN})"),
)


@dataclass(frozen=True)
class Sabotage:
    """One way.

    Attributes:
        kind: what was done, in words.
        place: where.
        sql: how.
    """

    kind: str
    place: str
    sql: str

    @property
    def name(self) -> str:
        """What was done where."""
        return f"{self.kind}: {self.place}"


def sabotages() -> Iterator[Sabotage]:
    """Yield all of them, those of a kind together."""
    for table in _TABLES:
        off = f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY"
        yield Sabotage("row-level security off", table, off)
    for clause in ("USING", "WITH CHECK"):
        for table in _TABLES:
            yield Sabotage(f"`{clause} (TRUE)`", table, _isolated(table, f"{clause} (TRUE)"))
    for name, table in _POLICIES:
        yield Sabotage("a policy dropped", name, f'DROP POLICY "{name}" ON public.{table}')
    for privilege, table, role in _GRANTS:
        grant = f"GRANT {privilege} ON public.{table} TO {role}"
        yield Sabotage("a privilege granted", f"{role} may {privilege} {table}", grant)
    for table, column, parent in _KEYS:
        key = f"({column}) REFERENCES public.{parent} (id)"
        sql = _referring(table, f"app_code_{column}", key)
        yield Sabotage("a foreign key without the tenant", f"{table}.{column}", sql)
    for table, column, parent in _KEYS:
        key = f"(app_code, {column}) REFERENCES public.{parent} (app_code, id) ON DELETE CASCADE"
        sql = _referring(table, f"app_code_{column}", key)
        yield Sabotage("a foreign key that cascades", f"{table}.{column}", sql)
    key = "(function_code) REFERENCES public.function_registry (function_code) ON DELETE CASCADE"
    sql = _referring("instance_tasks", "function_code", key)
    yield Sabotage("a foreign key that cascades", "instance_tasks.function_code", sql)
    for words, condition in _CLAIMS:
        sql = _isolated("workflow_instances", f"USING ({condition})")
        yield Sabotage("the claim read wrongly", words, sql)
    for words, clause in _SHARED:
        sql = _isolated("function_registry", clause)
        yield Sabotage("shared functions", words, sql)


def _isolated(table: str, clause: str) -> str:
    return f'ALTER POLICY "app_isolation" ON public.{table} {clause}'


def _referring(table: str, columns: str, key: str) -> str:
    dropped = f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_{columns}_fkey"
    return f"{dropped}, ADD FOREIGN KEY {key}"
