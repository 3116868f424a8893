"""Draws random callers and statements; what they do, and what is right, is known elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from proofs import tenancy_operations as operations
from proofs.tenancy_model import APPS, HISTORY, REGISTRY, TABLES, TASKS, Caller, Conflict
from proofs.tenancy_operations import everywhere, uid, where
from proofs.tenancy_trial import ANON, CALLERS, SERVICE, TENANTS, Trial

if TYPE_CHECKING:
    from proofs.tenancy_model import Row
    from proofs.tenancy_trial import Session, Tally

SEED = 20251120


_UNKNOWN = 999_999
_TEXTS = ("function_code", "workflow_code")

_callers = st.sampled_from(CALLERS)
_tables = st.sampled_from(tuple(TABLES))
_children = st.sampled_from(
    tuple(
        (table, column)
        for table, shape in TABLES.items()
        for names in shape.parents
        for column in names
        if column != "app_code"
    )
)
_picks = st.integers(0, 31)
_mostly = st.sampled_from((True, True, True, False))
_scopes = st.sampled_from(("one", "one", "one", "tenant", "all"))
_links = st.sampled_from(("own", "own", "own", "foreign", "foreign", "unknown"))
_functions = st.sampled_from(("own", "own", "own", "shared", "foreign", "unknown"))
_flaws = st.sampled_from(("", "", "", "", "", "", "taken", "null", "kind", "nobody"))


class TenancyMachine(RuleBasedStateMachine):
    """Three tenants, one database; subclassed with a session and a tally."""

    session: ClassVar[Session]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.trial = Trial(self.session, self.tally, [])

    def teardown(self) -> None:
        """Forget what was done."""
        self.session.end()

    @initialize(furnished=_mostly)
    def furnish(self, *, furnished: bool) -> None:
        """Give each tenant a row in each table, mostly, and everybody a shared function."""
        if not furnished:
            return
        for app in (*APPS, None):
            for table in TABLES if app else (REGISTRY,):
                self.trial.furnish(table, self._new(table, app, 0, "own", "own"))
        self.trial.look()

    @rule(caller=_callers, table=_tables, pick=_picks, own=_mostly, scope=_scopes)
    def select(self, *, caller: Caller, table: str, pick: int, own: bool, scope: str) -> None:
        """SELECT: one row, a tenant's rows, all rows."""
        self.trial.do(
            caller, operations.select(table, self._where(caller, table, pick, own, scope))
        )

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        scope=_scopes,
        locking=st.sampled_from(("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE")),
    )
    def lock(self, *, caller: Caller, table: str, pick: int, scope: str, locking: str) -> None:
        """SELECT FOR UPDATE."""
        condition = self._where(caller, table, pick, True, scope)
        self.trial.do(caller, operations.select(table, condition, locking))

    @rule(caller=_callers, child=_children, kind=st.sampled_from(("INNER", "LEFT")))
    def join(self, *, caller: Caller, child: tuple[str, str], kind: str) -> None:
        """SELECT with a join."""
        self.trial.do(caller, operations.join(*child, kind))

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        mine=_mostly,
        link=_links,
        function=_functions,
        flaw=_flaws,
        returning=st.booleans(),
    )
    def insert(
        self,
        *,
        caller: Caller,
        table: str,
        pick: int,
        mine: bool,
        link: str,
        function: str,
        flaw: str,
        returning: bool,
    ) -> None:
        """INSERT of one row, with parents and functions of whomever, and perhaps a flaw."""
        row = self._new(table, self._app(caller, pick, mine), pick, link, function)
        row |= self._flaw(table, row, flaw, pick)
        self.trial.do(caller, operations.insert(table, [row], returning=returning))

    @rule(caller=_callers, table=_tables, pick=_picks, mine=_mostly, link=_links, flaw=_flaws)
    def insert_two(
        self, *, caller: Caller, table: str, pick: int, mine: bool, link: str, flaw: str
    ) -> None:
        """INSERT of two rows: if the second is refused, the first is gone too."""
        first = self._new(table, self._app(caller, pick, True), pick, "own", "own")
        second = self._new(table, self._app(caller, pick, mine), pick + 1, link, "own")
        second |= self._flaw(table, second, flaw, pick)
        self.trial.do(caller, operations.insert(table, [first, second], returning=False))

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        own=_mostly,
        kind=st.sampled_from(("nothing", "update", "where")),
        returning=st.booleans(),
    )
    def upsert(
        self, *, caller: Caller, table: str, pick: int, own: bool, kind: str, returning: bool
    ) -> None:
        """INSERT … ON CONFLICT, with one's own row or another's in the way."""
        keys = TABLES[table].keys
        key = keys[pick % len(keys)]
        rival = self._row(caller, table, pick, own)
        row = self._new(table, self._app(caller, pick, True), pick, "own", "own")
        # The tenant stays the caller's: who claims to be another is refused before any conflict.
        row |= {
            column: rival[column]
            for column in key
            if column != "app_code" and rival[column] is not None
        }
        name = TABLES[table].note
        changes = {name: row[name]}
        note = rival[name] if pick % 3 else "no such note"
        if kind == "nothing":
            self.trial.do(
                caller,
                operations.upsert(
                    table, row, Conflict(key if pick % 2 else None), None, returning=returning
                ),
            )
        elif kind == "update" or note is None:
            self.trial.do(
                caller,
                operations.upsert(table, row, Conflict(key, changes), None, returning=returning),
            )
        else:
            conflict = Conflict(key, changes, lambda other: bool(other[name] == note))
            self.trial.do(
                caller, operations.upsert(table, row, conflict, note, returning=returning)
            )

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        own=_mostly,
        scope=_scopes,
        what=st.sampled_from(("note", "note", "kind", "no such kind", "null")),
        returning=st.booleans(),
    )
    def update(
        self,
        *,
        caller: Caller,
        table: str,
        pick: int,
        own: bool,
        scope: str,
        what: str,
        returning: bool,
    ) -> None:
        """UPDATE of a note, a status, or to what a constraint forbids."""
        shape = TABLES[table]
        changes: Row = {shape.note: f"note {self._next()}"}
        if what == "null":
            required = (name for name in shape.columns[2:] if name not in shape.optional)
            changes = {next(required): None}
        elif shape.kinds and what != "note":
            column, kinds = shape.kinds
            changes = {column: kinds[pick % len(kinds)] if what == "kind" else "NO_SUCH_KIND"}
        condition = self._where(caller, table, pick, own, scope)
        self.trial.do(
            caller, operations.update("UPDATE", table, condition, changes, returning=returning)
        )

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        own=_mostly,
        scope=_scopes,
        app=st.sampled_from((*APPS, None)),
        returning=st.booleans(),
    )
    def move(
        self,
        *,
        caller: Caller,
        table: str,
        pick: int,
        own: bool,
        scope: str,
        app: str | None,
        returning: bool,
    ) -> None:
        """UPDATE of app_code: to give a row away, to capture one, to share a function."""
        condition = self._where(caller, table, pick, own, scope)
        changes = {"app_code": app}
        self.trial.do(
            caller,
            operations.update("UPDATE of app_code", table, condition, changes, returning=returning),
        )

    @rule(caller=_callers, child=_children, pick=_picks, link=_links, function=_functions)
    def attach(
        self, *, caller: Caller, child: tuple[str, str], pick: int, link: str, function: str
    ) -> None:
        """UPDATE of a reference: to a parent or function of one's own, another's, nobody's."""
        table, column = child
        row = self._row(caller, table, pick, True)
        aim = self._new(table, row["app_code"], pick, link, function)[column]
        condition = where("id", row["id"])
        self.trial.do(
            caller,
            operations.update(
                "UPDATE of a reference", table, condition, {column: aim}, returning=False
            ),
        )

    @rule(caller=_callers, table=_tables, pick=_picks, own=_mostly)
    def rekey(self, *, caller: Caller, table: str, pick: int, own: bool) -> None:
        """UPDATE of the row's last key: to one that is taken, by whomever, or to a new one."""
        key = TABLES[table].keys[-1][-1]
        row = self._row(caller, table, pick, True)
        other = self._row(caller, table, pick // 2, own)
        aim = other[key] if pick % 2 and other[key] is not None else self._fresh(key, pick)
        condition = where("id", row["id"])
        self.trial.do(
            caller,
            operations.update("UPDATE of a key", table, condition, {key: aim}, returning=True),
        )

    @rule(
        caller=_callers,
        table=_tables,
        pick=_picks,
        own=_mostly,
        scope=_scopes,
        returning=st.booleans(),
    )
    def delete(
        self, *, caller: Caller, table: str, pick: int, own: bool, scope: str, returning: bool
    ) -> None:
        """DELETE."""
        condition = self._where(caller, table, pick, own, scope)
        self.trial.do(caller, operations.delete(table, condition, returning=returning))

    @rule(
        caller=st.sampled_from((SERVICE, SERVICE, *TENANTS)),
        child=_children,
        pick=_picks,
        shared=st.booleans(),
    )
    def adopt(self, *, caller: Caller, child: tuple[str, str], pick: int, shared: bool) -> None:
        """INSERT of one row whose parent is another tenant's: the engine too is refused."""
        table, column = child
        app = self._app(caller, pick, True)
        row = self._new(table, app, pick, "own", "shared" if shared else "own")
        row[column] = self._new(table, app, pick, "foreign", "foreign")[column]
        self.trial.do(caller, operations.insert(table, [row], returning=False))

    @rule(table=_tables, pick=_picks, what=st.sampled_from(("insert", "update", "delete")))
    def trespass(self, *, table: str, pick: int, what: str) -> None:
        """INSERT, UPDATE or DELETE by somebody who is not logged in."""
        row = self._new(table, APPS[pick % len(APPS)], pick, "own", "own")
        condition = self._where(ANON, table, pick, False, "one")
        note = {TABLES[table].note: "defaced"}
        self.trial.do(
            ANON,
            {
                "insert": operations.insert(table, [row], returning=False),
                "update": operations.update("UPDATE", table, condition, note, returning=False),
                "delete": operations.delete(table, condition, returning=False),
            }[what],
        )

    @rule(caller=_callers, table=_tables)
    def truncate(self, *, caller: Caller, table: str) -> None:
        """TRUNCATE."""
        self.trial.do(caller, operations.truncate(table))

    @rule(caller=_callers, table=_tables)
    def copy_out(self, *, caller: Caller, table: str) -> None:
        """COPY TO."""
        self.trial.do(caller, operations.copy_out(table))

    @rule(caller=_callers, table=_tables, pick=_picks, link=_links, flaw=_flaws)
    def copy_in(self, *, caller: Caller, table: str, pick: int, link: str, flaw: str) -> None:
        """COPY FROM."""
        row = self._new(table, self._app(caller, pick, True), pick, link, "own")
        self.trial.do(caller, operations.copy_in(table, row | self._flaw(table, row, flaw, pick)))

    @rule(caller=_callers, pick=_picks, own=_mostly)
    def complete_task(self, *, caller: Caller, pick: int, own: bool) -> None:
        """An UPDATE whose rows an INSERT takes, in one statement."""
        task = self._row(caller, TASKS, pick, own)
        event = self._new(HISTORY, None, 0, "own", "own")
        self.trial.do(caller, operations.complete_task(task, event))

    @rule(caller=_callers, pick=_picks, own=_mostly, app=st.sampled_from(APPS))
    def move_run(self, *, caller: Caller, pick: int, own: bool, app: str) -> None:
        """Four UPDATEs in one statement that move a run to another tenant."""
        instance = self._row(caller, "workflow_instances", pick, own)
        self.trial.do(caller, operations.move_run(instance, app))

    @rule(caller=_callers, pick=_picks, mine=_mostly)
    def function_and_task(self, *, caller: Caller, pick: int, mine: bool) -> None:
        """Two INSERTs in one statement, the second naming the first."""
        app = self._app(caller, pick, mine)
        function = self._new(REGISTRY, app, pick, "own", "own")
        task = self._new(TASKS, app, pick, "own", "own")
        task["function_code"] = function["function_code"]
        self.trial.do(caller, operations.function_and_task(function, task))

    def _where(
        self, caller: Caller, table: str, pick: int, own: bool, scope: str
    ) -> operations.Where:
        if scope == "all":
            return everywhere()
        if scope == "tenant":
            return where("app_code", APPS[pick % len(APPS)])
        return where("id", self._row(caller, table, pick, own)["id"])

    def _row(self, caller: Caller, table: str, pick: int, own: bool) -> Row:
        """Pick a row of the caller's or of anybody's, or one that does not exist."""
        rows = [row for _, row in sorted(self.trial.state[table].items())]
        seen = [row for row in rows if caller.sees(table, row)] if own else rows
        if seen or rows:
            return (seen or rows)[pick % len(seen or rows)]
        return dict.fromkeys(TABLES[table].columns) | {"id": uid(_UNKNOWN)}

    def _app(self, caller: Caller, pick: int, mine: bool) -> str:
        """Pick the tenant that a new row is said to be of."""
        if mine and caller.role == "authenticated" and caller.claim is not None:
            return caller.claim
        return APPS[pick % len(APPS)]

    def _new(self, table: str, app: str | None, pick: int, link: str, function: str) -> Row:
        """Make a row whose parents are `own`, `foreign` or `unknown`; functions also `shared`."""
        shape = TABLES[table]
        row: Row = dict.fromkeys(shape.columns)
        row |= {"id": uid(self._next()), "app_code": app}
        row[shape.note] = f"note {self.number}"
        if shape.kinds:
            row[shape.kinds[0]] = shape.kinds[1][pick % 3]
        for column in (*_TEXTS, "version"):
            if column in row:
                row[column] = self._fresh(column, pick)
        for names, (parent, keys) in shape.parents.items():
            kind = function if parent == REGISTRY else link
            rows = [
                other
                for _, other in sorted(self.trial.state[parent].items())
                if {
                    "own": other["app_code"] == app,
                    "shared": other["app_code"] is None,
                    "foreign": other["app_code"] != app,
                    "unknown": False,
                }[kind]
            ]
            nobody = "no.such.function" if keys[-1] == "function_code" else uid(_UNKNOWN)
            row[names[-1]] = rows[pick % len(rows)][keys[-1]] if rows else nobody
        return row

    def _fresh(self, column: str, pick: int) -> Any:
        number = self._next()
        return {
            "id": uid(number),
            "function_code": f"function.{number}",
            "workflow_code": ("onboarding", "billing")[pick % 2],
            # Few, so that they collide.
            "version": pick % 4 + 1,
        }[column]

    def _flaw(self, table: str, row: Row, flaw: str, pick: int) -> Row:
        """Return the columns that are wrong in a new row."""
        shape = TABLES[table]
        if flaw == "taken":
            taken = [other for _, other in sorted(self.trial.state[table].items())]
            keys = shape.keys[pick % len(shape.keys)]
            other = taken[pick % len(taken)] if taken else row
            return {key: other[key] for key in keys if key != "app_code"}
        if flaw == "null":
            return {shape.columns[2 + pick % 2]: None}
        if flaw == "kind" and shape.kinds:
            return {shape.kinds[0]: "NO_SUCH_KIND"}
        return {"app_code": None} if flaw == "nobody" else {}

    def _next(self) -> int:
        self.number += 1
        return self.number


def run(session: Session, tally: Tally, *, examples: int, steps: int, start: int) -> None:
    """Do examples of up to so many steps each; the same ones for the same arguments.

    Args:
        session: the database.
        tally: is added to.
        examples: how many.
        steps: operations in each, at most.
        start: the seed.

    Raises:
        CounterexampleError: the database and the model differ.
    """
    machine = type("Machine", (TenancyMachine,), {"session": session, "tally": tally})
    try:
        run_state_machine_as_test(
            seed(start)(machine),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                report_multiple_bugs=False,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Flaky as error:
        # Hypothesis takes an example that Ctrl-C cut off for one that changed its mind.
        if session.interrupted:
            raise KeyboardInterrupt from error
        raise


def explore(session: Session, tally: Tally, count: int, *, steps: int = 50) -> None:
    """Do so many operations, or a few more.

    Args:
        session: the database.
        tally: is added to.
        count: how many it shall have.
        steps: operations between one empty database and the next, at most.

    Raises:
        CounterexampleError: the database and the model differ.
    """
    start = SEED
    while tally.total < count:
        # After ten examples Hypothesis begins to repeat parts of them; a new seed is worth more.
        run(session, tally, examples=10, steps=steps, start=start)
        start += 1
