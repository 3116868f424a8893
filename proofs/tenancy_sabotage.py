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
    ("INSERT", "function_registry", "anon"),
)

_POLICIES = (
    ("function_visible_on_insert", "instance_tasks"),
    ("function_visible_on_update", "instance_tasks"),
    ("own_functions_on_update", "function_registry"),
    ("own_functions_on_delete", "function_registry"),
    ("run_visible_on_insert", "instance_context"),
    ("run_visible_on_update", "instance_context"),
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
    ("it may go on", f"starts_with({_CLAIM}, app_code)"),
    ("it may go on, in a row", f"starts_with(app_code, {_CLAIM})"),
    ("blanks around it do not count", f"app_code = btrim({_CLAIM})"),
    (
        "it may stand in app_metadata",
        f"{_OWN} OR app_code = ((SELECT auth.jwt()) -> 'app_metadata' ->> 'app_code')",
    ),
    ("a token may say role", f"{_OWN} OR ((SELECT auth.jwt()) ->> 'role') = 'service_role'"),
)

_OTHERS = "(SELECT string_agg({}, ' ') FROM public.{} WHERE app_code <> NEW.app_code)"
_NOTES = _OTHERS.format("error_message", "workflow_instances")
_CONTEXTS = _OTHERS.format("context_data::TEXT", "instance_context")
_VERSIONS = _OTHERS.format("version::TEXT", "instance_context")
_PARENT = """
  IF EXISTS (
    SELECT FROM public.workflow_definitions
    WHERE id = NEW.workflow_definition_id AND app_code <> NEW.app_code
  ) THEN {}; END IF"""
_CODE = """
  IF EXISTS (
    SELECT FROM public.function_registry
    WHERE function_code = NEW.function_code AND app_code <> NEW.app_code
  ) THEN {}; END IF"""

_TRIGGERS = (
    (
        "told",
        "others' values told",
        (
            (
                "in a notice",
                "workflow_instances",
                "UPDATE",
                f"RAISE NOTICE 'there are %', {_NOTES}",
            ),
            (
                "in an error's detail",
                "workflow_instances",
                "INSERT",
                _PARENT.format(
                    "RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',"
                    f" DETAIL = format('there are %s', {_NOTES})"
                ),
            ),
            (
                "a number, in a notice",
                "instance_context",
                "UPDATE",
                f"RAISE NOTICE 'there are %', {_VERSIONS}",
            ),
        ),
    ),
    (
        "rows",
        "others' values returned",
        (
            (
                "by UPDATE",
                "workflow_instances",
                "UPDATE",
                f"NEW.error_message := coalesce({_NOTES}, NEW.error_message)",
            ),
            (
                "by INSERT",
                "instance_context",
                "INSERT",
                f"NEW.context_data := coalesce(to_jsonb({_CONTEXTS}), NEW.context_data)",
            ),
        ),
    ),
    (
        "alike",
        "a hidden row refused in other words",
        (
            (
                "a parent, in the message",
                "workflow_instances",
                "INSERT",
                _PARENT.format("RAISE foreign_key_violation USING MESSAGE = 'it is another''s'"),
            ),
            (
                "a function, in the hint",
                "instance_tasks",
                "INSERT",
                _CODE.format(
                    "RAISE insufficient_privilege USING MESSAGE = 'new row violates row-level"
                    """ security policy "function_visible_on_insert" for table "instance_tasks"',"""
                    " HINT = 'ask whoever has it'"
                ),
            ),
        ),
    ),
)

_SHARED = (
    ("are not seen", f"USING ({_OWN})", "view"),
    ("may be written", f"WITH CHECK (app_code IS NULL OR {_OWN})", "outcome"),
)


@dataclass(frozen=True)
class Sabotage:
    """One way.

    Attributes:
        kind: what was done, in words.
        place: where.
        sql: how.
        check: which of the trial's CHECKS must notice it, all by itself.
    """

    kind: str
    place: str
    sql: str
    check: str

    @property
    def name(self) -> str:
        """What was done where."""
        return f"{self.kind}: {self.place}"


def sabotages() -> Iterator[Sabotage]:
    """Yield all of them, those of a kind together."""
    for table in _TABLES:
        off = f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY"
        yield Sabotage("row-level security off", table, off, "view")
    for clause, check in (("USING", "view"), ("WITH CHECK", "outcome")):
        for table in _TABLES:
            if (clause, table) == ("WITH CHECK", "instance_context"):
                continue  # Its run is the caller's, and the tenant of both is the same.
            sql = _isolated(table, f"{clause} (TRUE)")
            yield Sabotage(f"`{clause} (TRUE)`", table, sql, check)
    for name, table in _POLICIES:
        sql = f'DROP POLICY "{name}" ON public.{table}'
        yield Sabotage("a policy dropped", name, sql, "outcome")
    for privilege, table, role in _GRANTS:
        grant = f"GRANT {privilege} ON public.{table} TO {role}"
        place = f"{role} may {privilege} {table}"
        yield Sabotage("a privilege granted", place, grant, "outcome")
    yield Sabotage(
        "a table opened to `anon`",
        "workflow_definitions",
        "GRANT SELECT ON public.workflow_definitions TO anon",
        "view",
    )
    for table, column, parent in _KEYS:
        key = f"({column}) REFERENCES public.{parent} (id)"
        sql = _referring(table, f"app_code_{column}", key)
        yield Sabotage("a foreign key without the tenant", f"{table}.{column}", sql, "outcome")
    for table, column, parent in _KEYS:
        key = f"(app_code, {column}) REFERENCES public.{parent} (app_code, id) ON DELETE CASCADE"
        sql = _referring(table, f"app_code_{column}", key)
        yield Sabotage("a foreign key that cascades", f"{table}.{column}", sql, "outcome")
    key = "(function_code) REFERENCES public.function_registry (function_code) ON DELETE CASCADE"
    sql = _referring("instance_tasks", "function_code", key)
    yield Sabotage("a foreign key that cascades", "instance_tasks.function_code", sql, "outcome")
    for words, condition in _CLAIMS:
        sql = _isolated("workflow_instances", f"USING ({condition})")
        yield Sabotage("the claim read wrongly", words, sql, "view")
    for words, clause, check in _SHARED:
        sql = _isolated("function_registry", clause)
        yield Sabotage("shared functions", words, sql, check)
    for check, kind, triggers in _TRIGGERS:
        for words, table, event, body in triggers:
            yield Sabotage(kind, f"{words}, {table}", _trigger(table, event, body), check)


def _isolated(table: str, clause: str) -> str:
    return f'ALTER POLICY "app_isolation" ON public.{table} {clause}'


def _referring(table: str, columns: str, key: str) -> str:
    dropped = f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_{columns}_fkey"
    return f"{dropped}, ADD FOREIGN KEY {key}"


def _trigger(table: str, event: str, body: str) -> str:
    return (
        "CREATE FUNCTION public.sabotage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" AS $body$ BEGIN {body}; RETURN NEW; END $body$;"
        f" CREATE TRIGGER sabotage BEFORE {event} ON public.{table}"
        " FOR EACH ROW EXECUTE FUNCTION public.sabotage()"
    )
