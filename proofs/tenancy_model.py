"""What each caller sees of the six tables and may do to them; must know no SQL and no connection.

Written from the requirements, not from the policies: rules are spelled as Python and share nothing
with the schema's fragments but the names of tables and columns.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CODES = ("alpha", "alphabet", "al_ha", "ALPHA", "o'neil", "100%")
"""The applications that there are; each example has three of them for tenants."""

REGISTRY = "function_registry"
TASKS = "instance_tasks"
RUNS = "workflow_instances"
CONTEXT = "instance_context"
HISTORY = "workflow_history"

DENIED = "42501"
NULL = "23502"
NO_PARENT = "23503"
DUPLICATE = "23505"
OUT_OF_RANGE = "23514"
NO_NUMBER = "22P02"
"""A condition that takes the text of a row for a number: it names what it read."""
TWICE = "21000"
"""An upsert that would update what it has just inserted."""
NO_COPY = "0A000"
"""COPY FROM, where row-level security applies: PostgreSQL does not support it."""

NO_ROW = "no row"
"""No error code: success that touches no row, where a server may do either."""

Row = dict[str, Any]
State = dict[str, dict[str, Row]]
"""Table to id to row; rows are never changed, only replaced."""


@dataclass(frozen=True)
class Table:
    """The part of a table that is modelled.

    Attributes:
        name: as in the database.
        columns: those whose values are compared, `id` first.
        note: the text that tells one row from another, and that no other tenant may ever read.
        optional: columns that may be NULL.
        kinds: the column with a closed list of values, and the list.
        keys: what is unique.
        parents: referencing columns, to the table and the columns they name.
    """

    name: str
    columns: tuple[str, ...]
    note: str
    optional: frozenset[str]
    kinds: tuple[str, tuple[str, ...]] | None
    keys: tuple[tuple[str, ...], ...]
    parents: Mapping[tuple[str, ...], tuple[str, tuple[str, ...]]] = field(default_factory=dict)


def _scoped(**parents: str) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    return {("app_code", column): (table, ("app_code", "id")) for column, table in parents.items()}


# Parents first.
TABLES = {
    table.name: table
    for table in (
        Table(
            REGISTRY,
            ("id", "app_code", "function_code", "implementation_type", "description"),
            "description",
            frozenset({"app_code", "description"}),
            ("implementation_type", ("USER_TASK", "SERVICE_TASK", "AI_AGENT_TASK")),
            (("id",), ("app_code", "function_code"), ("function_code",)),
        ),
        Table(
            "workflow_definitions",
            ("id", "app_code", "workflow_code", "version", "status", "description"),
            "description",
            frozenset({"description"}),
            ("status", ("DRAFT", "ACTIVE", "DEPRECATED")),
            (("id",), ("app_code", "workflow_code", "version"), ("app_code", "id")),
        ),
        Table(
            "workflow_instances",
            ("id", "app_code", "workflow_definition_id", "status", "error_message"),
            "error_message",
            frozenset({"error_message"}),
            ("status", ("RUNNING", "COMPLETED", "SUSPENDED", "ERROR")),
            (("id",), ("app_code", "id")),
            _scoped(workflow_definition_id="workflow_definitions"),
        ),
        Table(
            "instance_context",
            ("id", "app_code", "workflow_instance_id", "version", "context_data"),
            "context_data",
            frozenset(),
            None,
            (("id",), ("workflow_instance_id", "version")),
            _scoped(workflow_instance_id="workflow_instances"),
        ),
        Table(
            TASKS,
            ("id", "app_code", "workflow_instance_id", "function_code", "status", "error_message"),
            "error_message",
            frozenset({"error_message"}),
            ("status", ("PENDING", "RUNNING", "COMPLETED", "FAILED")),
            (("id",), ("app_code", "id")),
            _scoped(workflow_instance_id="workflow_instances")
            | {("function_code",): (REGISTRY, ("function_code",))},
        ),
        Table(
            HISTORY,
            ("id", "app_code", "workflow_instance_id", "task_id", "event_type", "description"),
            "description",
            frozenset({"task_id", "description"}),
            ("event_type", ("TASK_COMPLETED", "INSTANCE_CREATED", "NODE_ENTERED", "TRANSITION")),
            (("id",),),
            _scoped(workflow_instance_id="workflow_instances", task_id=TASKS),
        ),
    )
}


@dataclass(frozen=True)
class Caller:
    """Somebody who sends statements.

    Attributes:
        label: what a counterexample calls him.
        role: `anon`, `authenticated` or `service_role`.
        claims: the token's content as it is sent; empty sends none.
        claim: `app_code` in it, as text; None where there is none. Need not be a tenant.
    """

    label: str
    role: str
    claims: str = ""
    claim: str | None = None

    @property
    def standing(self) -> str:
        """What kind of caller he is."""
        if self.role != "authenticated":
            return self.role
        return "tenant" if self.claim in CODES else "stranger"

    def has(self, table: str, privilege: str) -> bool:
        """Say whether a GRANT lets him do this at all, on whatever rows."""
        if self.role == "anon":
            return False
        if table == HISTORY:
            return privilege in {"SELECT", "INSERT"}
        return privilege in {"SELECT", "INSERT", "UPDATE", "DELETE"}

    def owns(self, row: Row) -> bool:
        """Say whether a row is his to change, and a new row his to write."""
        return self.role == "service_role" or (
            self.claim is not None and row["app_code"] == self.claim
        )

    def sees(self, table: str, row: Row) -> bool:
        """Say whether he can read a row."""
        return self.owns(row) or (table == REGISTRY and row["app_code"] is None)


class RefusedError(Exception):
    """The statement fails and changes nothing.

    Attributes:
        codes: PostgreSQL's error code; several where the order of rows decides which is first.
    """

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = frozenset(codes)


@dataclass(frozen=True)
class Conflict:
    """ON CONFLICT.

    Attributes:
        key: the columns it names; None is any key, and only with DO NOTHING.
        changes: what DO UPDATE sets; None is DO NOTHING.
        where: DO UPDATE's condition on the row that is in the way.
    """

    key: tuple[str, ...] | None = None
    changes: Row | None = None
    where: Callable[[Row], bool] | None = None


@dataclass(frozen=True)
class Then:
    """MERGE's WHEN MATCHED.

    Attributes:
        action: `UPDATE`, `DELETE` or `DO NOTHING`.
        changes: what UPDATE sets.
        where: what a row must meet beside the condition of ON.
    """

    action: str
    changes: Row
    where: Callable[[Row], bool]


class Statement:
    """One statement of a caller, with all its parts; `finish` gives the state after it."""

    def __init__(self, state: State, caller: Caller) -> None:
        self._before = state
        self._after = {table: dict(rows) for table, rows in state.items()}
        self._caller = caller

    def require(self, table: str, *privileges: str) -> None:
        """Check privileges, which PostgreSQL does before a statement's first row.

        Raises:
            RefusedError: one is missing.
        """
        if not all(self._caller.has(table, privilege) for privilege in privileges):
            raise RefusedError(DENIED)

    def select(
        self, table: str, where: Callable[[Row], bool], *, locking: bool = False
    ) -> list[Row]:
        """Return the rows that the caller sees; locking sees only those that he may change."""
        self.require(table, "SELECT", *(["UPDATE"] if locking else []))
        may = self._caller.owns if locking else lambda row: self._caller.sees(table, row)
        return [row for row in self._before[table].values() if may(row) and where(row)]

    def insert(
        self, table: str, rows: Iterable[Row], conflict: Conflict | None = None
    ) -> list[Row]:
        """Insert rows in their order and return those that were inserted or updated."""
        self.require(table, "INSERT")
        if conflict and conflict.changes is not None:
            self.require(table, "UPDATE")
        written = (self._insert(table, row, conflict) for row in rows)
        return [row for row in written if row is not None]

    def copy_in(self, table: str, row: Row) -> list[Row]:
        """Insert a row by COPY FROM."""
        self.require(table, "INSERT")
        if self._caller.role == "authenticated":
            _refuse(NO_COPY)
        return self.insert(table, [row])

    def update(self, table: str, where: Callable[[Row], bool], changes: Row) -> list[Row]:
        """Set columns of the caller's own rows and return these as they have become."""
        self.require(table, "SELECT", "UPDATE")
        return self._change(table, self._mine(table, where), changes)

    def delete(self, table: str, where: Callable[[Row], bool]) -> list[Row]:
        """Delete the caller's own rows and return them."""
        self.require(table, "SELECT", "DELETE")
        return self._remove(table, self._mine(table, where))

    def merge(self, table: str, row: Row, where: Callable[[Row], bool], then: Then) -> list[Row]:
        """Do something to the rows that the caller sees, or insert one where he sees none.

        What he sees and may not change is refused, and not passed over as in UPDATE and DELETE.
        """
        self.require(table, "INSERT", *({then.action} & {"UPDATE", "DELETE"}))
        seen = self.select(table, where)
        if not seen:
            return self.insert(table, [row])
        chosen = [other for other in seen if then.where(other)]
        match then.action:
            case "UPDATE":
                return self._change(table, chosen, then.changes)
            case "DELETE":
                return self._remove(table, chosen)
            case _:
                return []

    def finish(self) -> State:
        """Check foreign keys, which look at the end of the statement, and return the new state.

        Raises:
            RefusedError: a row would be left without its parent or application.
        """
        for name, table in TABLES.items():
            if any(row["app_code"] not in (*CODES, None) for row in self._after[name].values()):
                raise RefusedError(NO_PARENT)
            for columns, (parent, key) in table.parents.items():
                there = {_values(row, key) for row in self._after[parent].values()}
                for row in self._after[name].values():
                    named = _values(row, columns)
                    if None not in named and named not in there:
                        raise RefusedError(NO_PARENT)
        return self._after

    def _mine(self, table: str, where: Callable[[Row], bool]) -> list[Row]:
        rows = self._before[table].values()
        return [row for row in rows if self._caller.owns(row) and where(row)]

    def _change(self, table: str, rows: list[Row], changes: Row) -> list[Row]:
        faults = {DENIED for row in rows if not self._caller.owns(row)}
        changed = [row | changes for row in rows]
        faults |= {fault for row in changed if (fault := self._fault(table, row))}
        for row in rows:
            del self._after[table][row["id"]]
        for row in changed:
            if self._rival(table, row, TABLES[table].keys):
                faults.add(DUPLICATE)
            self._after[table][row["id"]] = row
        if faults:
            raise RefusedError(*faults)
        return changed

    def _remove(self, table: str, rows: list[Row]) -> list[Row]:
        self._check(None if all(map(self._caller.owns, rows)) else DENIED)
        for row in rows:
            del self._after[table][row["id"]]
        return rows

    def _insert(self, table: str, row: Row, conflict: Conflict | None) -> Row | None:
        self._check(self._fault(table, row))
        if conflict:
            keys = TABLES[table].keys if conflict.key is None else (conflict.key,)
            if rival := self._rival(table, row, keys):
                return self._settle(table, rival, conflict)
        self._check(DUPLICATE if self._rival(table, row, TABLES[table].keys) else None)
        self._after[table][row["id"]] = row
        return row

    def _settle(self, table: str, rival: Row, conflict: Conflict) -> Row | None:
        if conflict.changes is None:
            return None
        if rival is not self._before[table].get(rival["id"]):
            _refuse(TWICE)
        skipped = conflict.where and not conflict.where(rival)
        if not self._caller.owns(rival):
            # PostgreSQL 18.6 looks at the condition before the policy, 15.20 after it.
            raise RefusedError(DENIED, *([NO_ROW] if skipped else []))
        if skipped:
            return None
        row = rival | conflict.changes
        self._check(self._fault(table, row))
        del self._after[table][rival["id"]]
        self._check(DUPLICATE if self._rival(table, row, TABLES[table].keys) else None)
        self._after[table][row["id"]] = row
        return row

    def _fault(self, table: str, row: Row) -> str | None:
        """Return what is wrong with a row by itself; policies look before constraints do."""
        if not self._caller.owns(row):
            return DENIED
        if table == TASKS and not self._sees_function(row["function_code"]):
            return DENIED
        if table == CONTEXT and not self._sees_run(row):
            return DENIED
        shape = TABLES[table]
        if any(row[column] is None for column in shape.columns if column not in shape.optional):
            return NULL
        if shape.kinds and row[shape.kinds[0]] not in shape.kinds[1]:
            return OUT_OF_RANGE
        return None

    def _sees_function(self, code: str | None) -> bool:
        # Before, not after: a statement does not see what it writes itself.
        return self._caller.role == "service_role" or any(
            row["function_code"] == code and self._caller.sees(REGISTRY, row)
            for row in self._before[REGISTRY].values()
        )

    def _sees_run(self, row: Row) -> bool:
        return self._caller.role == "service_role" or any(
            (run["app_code"], run["id"]) == (row["app_code"], row["workflow_instance_id"])
            and self._caller.sees(RUNS, run)
            for run in self._before[RUNS].values()
        )

    def _rival(self, table: str, row: Row, keys: Iterable[tuple[str, ...]]) -> Row | None:
        for key, other in itertools.product(keys, self._after[table].values()):
            if None not in (wanted := _values(row, key)) and wanted == _values(other, key):
                return other
        return None

    def _check(self, fault: str | None) -> None:
        if fault:
            _refuse(fault)


def _refuse(code: str) -> NoReturn:
    raise RefusedError(code)


def _values(row: Row, columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def empty() -> State:
    """Return a state without any row."""
    return {table: {} for table in TABLES}


def visible(state: State, caller: Caller) -> list[list[list[Any]]] | None:
    """Return all that a caller sees: per table, per row in the order of ids, the columns' values.

    Returns:
        None where he may not even ask.
    """
    if not caller.has(REGISTRY, "SELECT"):
        return None
    return [
        [
            [row[column] for column in TABLES[table].columns]
            for _, row in sorted(rows.items())
            if caller.sees(table, row)
        ]
        for table, rows in state.items()
    ]
