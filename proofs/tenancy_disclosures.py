"""What PostgreSQL tells a tenant of another's rows all the same, each with what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proofs.tenancy_cast import cast
from proofs.tenancy_model import DENIED
from proofs.tenancy_operations import Operation, Outcome, rows_sql, uid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proofs.tenancy_model import Row
    from proofs.tenancy_trial import Session

ASKING, OTHER, _ = cast(("alpha", "alphabet", "al_ha")).tenants
_HIDDEN = "a value of another's"
_RUN = uid(102)

_ROWS: tuple[tuple[str, Row], ...] = (
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
    (
        "instance_context",
        {
            "id": uid(104),
            "app_code": OTHER.label,
            "workflow_instance_id": _RUN,
            "version": 3,
            "context_data": _HIDDEN,
        },
    ),
    *(
        (
            "function_registry",
            {
                "id": uid(number),
                "app_code": ASKING.label,
                "function_code": code,
                "implementation_type": "USER_TASK",
            },
        )
        for number, code in ((105, "called"), (106, "idle"))
    ),
    (
        "instance_tasks",
        {
            "id": uid(107),
            "app_code": OTHER.label,
            "workflow_instance_id": _RUN,
            "function_code": "called",
        },
    ),
)

MENDED = {15: 15_00_20, 16: 16_00_16, 17: 17_00_12, 18: 18_00_07}
"""Major version of PostgreSQL to the first that no longer asks a hidden row (CVE-2026-120154)."""

_FUNCTION = (
    "INSERT INTO public.function_registry (app_code, function_code, implementation_type)"
    " VALUES ('alpha', '{}', 'USER_TASK')"
)
_DEFINITION = (
    "INSERT INTO public.workflow_definitions"
    " (id, app_code, workflow_code, name, model_structure)"
    " VALUES ('{}', 'alpha', 'w', 'W', '{{}}')"
)
_GUESS = (
    _FUNCTION.format("other.function")
    + " ON CONFLICT (function_code) DO UPDATE SET description = NULL"
    " WHERE function_registry.{}"
)


_MERGE = (
    "MERGE INTO public.workflow_definitions USING (VALUES (1)) AS source (one) ON {}"
    "{} WHEN NOT MATCHED THEN INSERT (app_code, workflow_code, name, model_structure)"
    " VALUES ('alpha', 'w', 'W', '{{}}')"
)
_COUNTED = (
    "SELECT set_config('tenancy.met', '', TRUE);"
    " MERGE INTO public.instance_context USING (VALUES (1)) AS source (one) ON TRUE WHEN MATCHED"
    " AND set_config('tenancy.met', current_setting('tenancy.met') || '1', TRUE) IS NULL THEN {};"
    " SELECT length(current_setting('tenancy.met'))"
)
_EXPLAINED = (
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;"
    " SET LOCAL enable_bitmapscan = off;"
    " EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM public.{}"
)
_REMOVED = "Rows Removed by Filter: "


@dataclass(frozen=True)
class Disclosure:
    """One way.

    Attributes:
        key: what the asking tenant must know already.
        words: what he does.
        learns: what the difference tells him.
        asked: statements, each to what comes of it: an error code, how many rows it touched, or
            what it returned, as text.
        reveals: the error whose text holds a value of the other's row; all others must not.
        shows: how the lines begin that count of what is returned.
        mended: major version to the first in which every one of the statements is refused instead.
    """

    key: str
    words: str
    learns: str
    asked: dict[str, str | int]
    reveals: str = ""
    shows: str = ""
    mended: Mapping[int, int] = field(default_factory=dict)

    def expected(self, sql: str, version: int) -> str | int:
        """Return what a server of that version, as in `server_version_num`, must answer."""
        if self.mended and version >= self.mended.get(version // 10_000, 0):
            return DENIED
        return self.asked[sql]


DISCLOSURES = (
    Disclosure(
        "a function_code",
        "inserting it: 23505 without details, or `DO NOTHING`: no row",
        "that somebody has it (codes are one namespace)",
        {
            _FUNCTION.format("other.function"): "23505",
            _FUNCTION.format("other.function") + " ON CONFLICT DO NOTHING": 0,
            _FUNCTION.format("no.such.function"): 1,
        },
    ),
    Disclosure(
        "a row's id",
        "inserting it, likewise",
        "that it exists",
        {
            _DEFINITION.format(uid(101)): "23505",
            _DEFINITION.format(uid(101)) + " ON CONFLICT DO NOTHING": 0,
            _DEFINITION.format(uid(199)): 1,
        },
    ),
    Disclosure(
        "any of these keys",
        "upserting with `DO UPDATE … WHERE condition`: 42501 where it holds, no row where not",
        "whether a condition holds on the row",
        {
            _GUESS.format("description LIKE 'a value%'"): DENIED,
            _GUESS.format("description = ''"): 0,
        },
        mended=MENDED,
    ),
    Disclosure(
        "any of these keys",
        "the same with a condition that fails, such as a cast: 22P02",
        "a value of the row, from the error's text",
        {_GUESS.format("description::INTEGER = 0"): "22P02"},
        reveals="22P02",
        mended=MENDED,
    ),
    Disclosure(
        "nothing",
        "`MERGE … ON TRUE WHEN NOT MATCHED THEN INSERT`: no row where there are any",
        "whether a table has rows",
        {
            _MERGE.format("TRUE", ""): 0,
            _MERGE.format("id IS NOT NULL", ""): 1,
            _MERGE.format("TRUE", " WHEN MATCHED THEN DO NOTHING"): 1,
        },
    ),
    Disclosure(
        "nothing",
        "`MERGE … ON TRUE WHEN MATCHED AND condition THEN UPDATE` or `DELETE`, with a condition"
        " that counts how often it is asked",
        "how many rows a table has",
        {
            _COUNTED.format("UPDATE SET version = 0"): "2",
            _COUNTED.format("DELETE"): "2",
            _COUNTED.format("DO NOTHING"): "0",
        },
    ),
    Disclosure(
        "nothing",
        "`EXPLAIN ANALYZE` of a table without its indexes: Rows Removed by Filter",
        "how many rows of others a table has",
        {
            _EXPLAINED.format("instance_context"): f"{_REMOVED}2",
            _EXPLAINED.format("workflow_instances"): f"{_REMOVED}1",
            _EXPLAINED.format("workflow_history"): "",
        },
        shows=_REMOVED,
    ),
    Disclosure(
        "a function of one's own",
        "deleting it: 23503, still referenced",
        "that a task of somebody else calls it",
        {
            "SELECT id::TEXT FROM public.instance_tasks": "",
            "DELETE FROM public.function_registry WHERE function_code = 'called'": "23503",
            "DELETE FROM public.function_registry WHERE function_code = 'idle'": 1,
        },
    ),
)


def observe(session: Session, disclosure: Disclosure) -> bool:
    """Say whether a disclosure is what it is said to be, no less and no more."""
    session.begin()
    try:
        for table, row in _ROWS:
            session.furnish(rows_sql(table, [row]).as_string())
        for sql in disclosure.asked:
            outcome, said = session.send(ASKING, Operation("", "", sql, lambda _: Outcome(0)))
            session.undo()
            came = _answer(outcome, disclosure.shows)
            if came != disclosure.expected(sql, session.version):
                return False
            if (_HIDDEN in said) != (came == disclosure.reveals != ""):
                return False
    finally:
        session.end()
    return True


def _answer(outcome: Outcome | str, shows: str) -> str | int:
    if isinstance(outcome, str):
        return outcome
    if outcome.rows is None:
        return outcome.count
    lines = (str(cell).strip() for row in outcome.rows for cell in row)
    return " ".join(line for line in lines if line.startswith(shows))
