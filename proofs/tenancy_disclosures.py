"""What PostgreSQL tells a tenant of another's rows all the same, each with what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofs.tenancy_operations import Operation, Outcome, rows_sql, uid
from proofs.tenancy_trial import TENANTS

if TYPE_CHECKING:
    from proofs.tenancy_trial import Session

ASKING, OTHER = TENANTS[:2]
_HIDDEN = "a value of another's"
_RUN = uid(102)

_ROWS = (
    (
        "function_registry",
        {
            "id": uid(100),
            "app_code": OTHER.label,
            "function_code": "other.function",
            "implementation_type": "USER_TASK",
            "description": _HIDDEN,
        },
    ),
    (
        "workflow_definitions",
        {"id": uid(101), "app_code": OTHER.label, "workflow_code": "w", "version": 1},
    ),
    (
        "workflow_instances",
        {"id": _RUN, "app_code": OTHER.label, "workflow_definition_id": uid(101)},
    ),
    (
        "instance_context",
        {
            "id": uid(103),
            "app_code": OTHER.label,
            "workflow_instance_id": _RUN,
            "version": 1,
            "context_data": _HIDDEN,
        },
    ),
)

_FUNCTION = (
    "INSERT INTO public.function_registry (app_code, function_code, implementation_type)"
    " VALUES ('alpha', '{}', 'USER_TASK')"
)
_DEFINITION = (
    "INSERT INTO public.workflow_definitions"
    " (id, app_code, workflow_code, name, model_structure)"
    " VALUES ('{}', 'alpha', 'w', 'W', '{{}}')"
)
_CONTEXT = (
    "INSERT INTO public.instance_context (app_code, workflow_instance_id, version)"
    " VALUES ('alpha', '00000000-0000-4000-8000-000000000102', {})"
)
_GUESS = (
    _FUNCTION.format("other.function")
    + " ON CONFLICT (function_code) DO UPDATE SET description = NULL"
    " WHERE function_registry.{}"
)


_MERGE = (
    "MERGE INTO public.workflow_definitions USING (VALUES (1)) AS source (one) ON {}"
    " WHEN NOT MATCHED THEN INSERT (app_code, workflow_code, name, model_structure)"
    " VALUES ('alpha', 'w', 'W', '{{}}')"
)


@dataclass(frozen=True)
class Disclosure:
    """One way.

    Attributes:
        key: what the asking tenant must know already.
        words: what he does.
        learns: what the difference tells him.
        asked: statements, each to what may come of it: an error code, or how many rows it touched.
        reveals: the error whose text holds a value of the other's row; all others must not.
    """

    key: str
    words: str
    learns: str
    asked: dict[str, tuple[str | int, ...]]
    reveals: str = ""


DISCLOSURES = (
    Disclosure(
        "a function_code",
        "inserting it: 23505 without details, or `DO NOTHING`: no row",
        "that somebody has it (D2: codes are one namespace)",
        {
            _FUNCTION.format("other.function"): ("23505",),
            _FUNCTION.format("other.function") + " ON CONFLICT DO NOTHING": (0,),
            _FUNCTION.format("no.such.function"): (1,),
        },
    ),
    Disclosure(
        "a row's id",
        "inserting it, likewise",
        "that it exists",
        {
            _DEFINITION.format(uid(101)): ("23505",),
            _DEFINITION.format(uid(101)) + " ON CONFLICT DO NOTHING": (0,),
            _DEFINITION.format(uid(199)): (1,),
        },
    ),
    Disclosure(
        "a run's id",
        "inserting context of it: 23505 where the version exists, 23503 where not",
        "which versions its context has",
        {_CONTEXT.format(1): ("23505",), _CONTEXT.format(2): ("23503",)},
    ),
    Disclosure(
        "any of these keys",
        "upserting with `DO UPDATE … WHERE condition`: 42501 where it holds, no row where not",
        "whether a condition holds on the row",
        {
            _GUESS.format("description LIKE 'a value%'"): ("42501",),
            _GUESS.format("description = ''"): (0, "42501"),
        },
    ),
    Disclosure(
        "any of these keys",
        "the same with a condition that fails, such as a cast: 22P02",
        "a value of the row, from the error's text",
        {_GUESS.format("description::INTEGER = 0"): ("22P02", "42501")},
        reveals="22P02",
    ),
    Disclosure(
        "nothing",
        "`MERGE … ON TRUE`, or what else reads no column: no row where there are any",
        "whether a table has rows, and by counting in `WHEN MATCHED AND`, how many",
        {_MERGE.format("TRUE"): (0, 1), _MERGE.format("id IS NOT NULL"): (1,)},
    ),
)


def observe(session: Session, disclosure: Disclosure) -> bool:
    """Say whether a disclosure is what it is said to be, no less and no more."""
    session.begin()
    try:
        for table, row in _ROWS:
            session.furnish(rows_sql(table, [row]).as_string())
        for sql, expected in disclosure.asked.items():
            operation = Operation("", "", sql, lambda _: Outcome(0))
            outcome, said = session.send(ASKING, operation)
            came = outcome if isinstance(outcome, str) else outcome.count
            if came not in expected or (_HIDDEN in said) != (came == disclosure.reveals):
                return False
    finally:
        session.end()
    return True
