"""Draws random callers and statements; what they do, and what is right, is known elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from proofs import tenancy_operations as operations
from proofs.tenancy_cast import CASTS, SERVICE
from proofs.tenancy_model import CODES, HISTORY, REGISTRY, TABLES, TASKS, Caller, Conflict
from proofs.tenancy_operations import EVERYWHERE, probing, uid, where
from proofs.tenancy_trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.internal.conjecture.data import ConjectureData

    from proofs.tenancy_cast import Cast
    from proofs.tenancy_model import Row
    from proofs.tenancy_trial import Session, Tally

SEED = 20251120

_BACKEND = "tenancy"
_UNKNOWN = 999_999
_VERSIONS: dict[str | None, int] = {
    app: 71_000 + 1_000 * number for number, app in enumerate(CODES)
}
_TEXTS = ("function_code", "workflow_code")


def _each(pick: Callable[[TenancyMachine, int], Any], last: int) -> st.SearchStrategy[Any]:
    """Return a strategy for what only an example knows: one of its callers, one of its tenants."""
    return st.builds(pick, st.runner(), st.integers(0, last))


_callers = _each(lambda machine, which: machine.cast.callers[which], len(CASTS[0].callers) - 1)
_insiders = _each(
    lambda machine, which: (SERVICE, SERVICE, *machine.cast.tenants)[which],
    len(CASTS[0].tenants) + 1,
)
_apps = _each(lambda machine, which: machine.cast.apps[which], len(CASTS[0].apps) - 1)
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
_links = st.sampled_from(("own", "own", "own", "foreign", "foreign", "unknown"))
_functions = st.sampled_from(("own", "own", "own", "shared", "foreign", "unknown"))


@dataclass(frozen=True)
class Aim:
    """What a caller has in his sights.

    Attributes:
        caller: who.
        table: where.
        pick: which row, of those that there are.
        own: whether of those that he sees, or of all.
        scope: whether `one` row, those of a `tenant`, `all`, or `probe` each for its note.
    """

    caller: Caller
    table: str
    pick: int
    own: bool
    scope: str


_aims = st.builds(
    Aim,
    caller=_callers,
    table=_tables,
    pick=_picks,
    own=_mostly,
    scope=st.sampled_from(("one", "one", "one", "one", "tenant", "all", "probe")),
)


@dataclass(frozen=True)
class Draft:
    """What a caller would write.

    Attributes:
        caller: who.
        table: where.
        pick: which parents, and so on, of those that there are.
        mine: whether the row is to be the caller's, if he is a tenant.
        link: whose its parents are: `own`, `foreign` or `unknown`.
        function: whose the function is: that, or `shared`.
        flaw: what is wrong with it; mostly nothing.
    """

    caller: Caller
    table: str
    pick: int
    mine: bool
    link: str
    function: str
    flaw: str


_drafts = st.builds(
    Draft,
    caller=_callers,
    table=_tables,
    pick=_picks,
    mine=_mostly,
    link=_links,
    function=_functions,
    flaw=st.sampled_from(("", "", "", "", "", "", "taken", "null", "kind", "nobody")),
)


class TenancyMachine(RuleBasedStateMachine):
    """Three tenants of six, one database; subclassed with a session and a tally."""

    session: ClassVar[Session]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.cast: Cast = CASTS[0]
        self.trial = Trial(self.session, self.tally, [])

    def teardown(self) -> None:
        """Forget what was done."""
        self.session.end()

    @initialize(cast=st.sampled_from(CASTS), furnished=_mostly)
    def furnish(self, cast: Cast, furnished: bool) -> None:
        """Give each tenant a row in each table, mostly, and everybody a shared function."""
        self.cast = self.trial.cast = cast
        if not furnished:
            return
        for pick, app in enumerate((*self.cast.apps, None)):
            for table in TABLES if app else (REGISTRY,):
                self.trial.furnish(table, self._new(table, app, pick))
        self.trial.look()

    @rule(aim=_aims)
    def select(self, aim: Aim) -> None:
        """SELECT: one row, a tenant's rows, all rows."""
        self.trial.do(aim.caller, operations.select(aim.table, self._where(aim)))

    @rule(
        aim=_aims,
        locking=st.sampled_from(("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE")),
    )
    def lock(self, aim: Aim, locking: str) -> None:
        """SELECT FOR UPDATE."""
        self.trial.do(aim.caller, operations.select(aim.table, self._where(aim), locking))

    @rule(caller=_callers, child=_children, kind=st.sampled_from(("INNER", "LEFT")))
    def join(self, caller: Caller, child: tuple[str, str], kind: str) -> None:
        """SELECT with a join."""
        self.trial.do(caller, operations.join(*child, kind))

    @rule(caller=_callers, table=st.sampled_from(("instance_context", TASKS, HISTORY)))
    def join_three(self, caller: Caller, table: str) -> None:
        """SELECT with two joins."""
        self.trial.do(caller, operations.join_three(table))

    @rule(caller=_callers, child=_children)
    def update_from(self, caller: Caller, child: tuple[str, str]) -> None:
        """UPDATE … FROM."""
        self.trial.do(caller, operations.update_from(*child, self._note()))

    @rule(caller=_callers, child=_children, pick=_picks, own=_mostly)
    def delete_using(self, caller: Caller, child: tuple[str, str], pick: int, own: bool) -> None:
        """DELETE … USING: the children of one parent."""
        parent, _ = operations.above(*child)
        condition = self._where(Aim(caller, parent, pick, own, "one"))
        self.trial.do(caller, operations.delete_using(*child, condition))

    @rule(caller=_callers, app=_apps | st.none(), pick=_picks, own=_mostly)
    def chronicle(self, caller: Caller, app: str | None, pick: int, own: bool) -> None:
        """INSERT … SELECT: from one run, or from all."""
        scope = "one" if pick % 4 else "all"
        condition = self._where(Aim(caller, "workflow_instances", pick, own, scope))
        self.trial.do(caller, operations.chronicle(app, condition))

    @rule(draft=_drafts, returning=st.booleans())
    def insert(self, draft: Draft, returning: bool) -> None:
        """INSERT of one row, with parents and functions of whomever, and perhaps a flaw."""
        row = self._written(draft)
        self.trial.do(draft.caller, operations.insert(draft.table, [row], returning=returning))

    @rule(draft=_drafts)
    def insert_two(self, draft: Draft) -> None:
        """INSERT of two rows: if the second is refused, the first is gone too."""
        first = self._new(draft.table, self._app(draft.caller, draft.pick), draft.pick)
        second = self._written(replace(draft, pick=draft.pick + 1, function="own"))
        self.trial.do(
            draft.caller, operations.insert(draft.table, [first, second], returning=False)
        )

    @rule(
        aim=_aims,
        kind=st.sampled_from(("nothing", "update", "where")),
        returning=st.booleans(),
        several=st.sampled_from((False, False, True)),
    )
    def upsert(self, aim: Aim, kind: str, returning: bool, several: bool) -> None:
        """INSERT … ON CONFLICT, with one's own row or another's in the way."""
        caller, table, pick = aim.caller, aim.table, aim.pick
        keys = TABLES[table].keys
        key = keys[pick % len(keys)]
        rival = self._row(aim)
        row = self._new(table, self._app(caller, pick), pick)
        # The tenant stays the caller's: who claims to be another is refused before any conflict.
        if kind != "nothing" or pick % 4 < 2:
            row |= {
                column: rival[column]
                for column in key
                if column != "app_code" and rival[column] is not None
            }
        name = TABLES[table].note
        changes = {name: row[name]}
        note = rival[name] if pick % 3 else "no such note"
        if kind == "nothing":
            conflict, note = Conflict(key if pick % 2 else None), None
        elif kind == "update" or note is None:
            conflict, note = Conflict(key, changes), None
        else:
            conflict = Conflict(key, changes, lambda other: bool(other[name] == note))
        # With a condition only one: it may be asked before the policies, or not at all.
        several = several and conflict.where is None
        rows = [self._new(table, self._app(caller, pick), pick + 1), row] if several else [row]
        self.trial.do(caller, operations.upsert(table, rows, conflict, note, returning=returning))

    @rule(
        aim=_aims,
        action=st.sampled_from(("UPDATE", "DELETE", "DO NOTHING", "DO NOTHING")),
        app=_apps | st.sampled_from((None, "", "")),
        guarded=st.sampled_from(("", "", "note", "probe")),
        again=st.booleans(),
    )
    def merge(self, aim: Aim, action: str, app: str | None, guarded: str, again: bool) -> None:
        """MERGE: a note or the tenant of what is there, or a new row, perhaps with an id taken."""
        caller, table, pick = aim.caller, aim.table, aim.pick
        name = TABLES[table].note
        rival = self._row(aim)
        row = self._new(table, self._app(caller, pick), pick)
        row |= {"id": rival["id"]} if again else {}
        changes = {name: row[name]} if app == "" else {"app_code": app}
        guard = {
            "": EVERYWHERE,
            "note": where(name, rival[name]),
            "probe": probing(table),
        }[guarded]
        condition = self._where(aim)
        self.trial.do(
            caller,
            operations.merge(table, row, condition, action=action, changes=changes, guard=guard),
        )

    @rule(
        aim=_aims,
        what=st.sampled_from(("note", "note", "kind", "no such kind", "null")),
        returning=st.booleans(),
    )
    def update(self, aim: Aim, what: str, returning: bool) -> None:
        """UPDATE of a note, a status, or to what a constraint forbids."""
        shape = TABLES[aim.table]
        changes: Row = {shape.note: self._note()}
        if what == "null":
            required = (name for name in shape.columns[2:] if name not in shape.optional)
            changes = {next(required): None}
        elif shape.kinds and what != "note":
            column, kinds = shape.kinds
            changes = {column: kinds[aim.pick % len(kinds)] if what == "kind" else "NO_SUCH_KIND"}
        self._update("UPDATE", aim, changes, returning)

    @rule(aim=_aims, app=_apps | st.none(), returning=st.booleans(), new=st.booleans())
    def move(self, aim: Aim, app: str | None, returning: bool, new: bool) -> None:
        """UPDATE of app_code: to give a row away, to capture one, to share a function."""
        condition = self._added(aim) if new else self._where(aim)
        moved = operations.update(
            "UPDATE of app_code", aim.table, condition, {"app_code": app}, returning=returning
        )
        self.trial.do(aim.caller, moved)

    @rule(caller=_callers, child=_children, pick=_picks, link=_links, function=_functions)
    def attach(
        self, caller: Caller, child: tuple[str, str], pick: int, link: str, function: str
    ) -> None:
        """UPDATE of a reference: to a parent or function of one's own, another's, nobody's."""
        table, column = child
        aim = Aim(caller, table, pick, True, "one")
        row = self._new(table, self._row(aim)["app_code"], pick, link, function)
        self._update("UPDATE of a reference", aim, {column: row[column]}, False)

    @rule(caller=_callers, table=_tables, pick=_picks, own=_mostly)
    def rekey(self, caller: Caller, table: str, pick: int, own: bool) -> None:
        """UPDATE of the row's last key: to one that is taken, by whomever, or to a new one."""
        key = TABLES[table].keys[-1][-1]
        other = self._row(Aim(caller, table, pick // 2, own, "one"))
        new = other[key] if pick % 2 else None
        if new is None:
            new = self._fresh(key, pick, other["app_code"])
        self._update("UPDATE of a key", Aim(caller, table, pick, True, "one"), {key: new}, True)

    @rule(aim=_aims, returning=st.booleans(), new=st.booleans())
    def delete(self, aim: Aim, returning: bool, new: bool) -> None:
        """DELETE; every other time of a row that is new, because an old one has children."""
        condition = self._added(aim) if new else self._where(aim)
        self.trial.do(aim.caller, operations.delete(aim.table, condition, returning=returning))

    @rule(
        caller=_insiders,
        child=_children,
        pick=_picks,
        shared=st.booleans(),
    )
    def adopt(self, caller: Caller, child: tuple[str, str], pick: int, shared: bool) -> None:
        """INSERT of one row whose parent is another tenant's: the engine too is refused."""
        table, column = child
        app = self._app(caller, pick)
        row = self._new(table, app, pick, function="shared" if shared else "own")
        row[column] = self._new(table, app, pick, "foreign", "foreign")[column]
        self.trial.do(caller, operations.insert(table, [row], returning=False))

    @rule(caller=_insiders, child=_children, pick=_picks)
    def bereave(self, caller: Caller, child: tuple[str, str], pick: int) -> None:
        """DELETE of a parent whose only child is new: no other reference keeps it."""
        table, column = child
        app = self._app(caller, pick)
        above, key = operations.above(table, column)
        parent = self._new(above, app, pick)
        row = self._new(table, app, pick) | {column: parent[key]}
        self.trial.do(caller, operations.insert(above, [parent], returning=False))
        self.trial.do(caller, operations.insert(table, [row], returning=False))
        gone = operations.delete(above, where("id", parent["id"]), returning=False)
        self.trial.do(caller, gone)

    @rule(table=_tables, pick=_picks, what=st.sampled_from(("insert", "update", "delete")))
    def trespass(self, table: str, pick: int, what: str) -> None:
        """INSERT, UPDATE or DELETE by somebody who is not logged in."""
        row = self._new(table, self.cast.apps[pick % len(self.cast.apps)], pick)
        condition = self._where(Aim(self.cast.anon, table, pick, False, "one"))
        note = {TABLES[table].note: "defaced"}
        self.trial.do(
            self.cast.anon,
            {
                "insert": operations.insert(table, [row], returning=False),
                "update": operations.update("UPDATE", table, condition, note, returning=False),
                "delete": operations.delete(table, condition, returning=False),
            }[what],
        )

    @rule(caller=_callers, table=_tables)
    def truncate(self, caller: Caller, table: str) -> None:
        """TRUNCATE."""
        self.trial.do(caller, operations.truncate(table))

    @rule(aim=_aims, query=st.booleans())
    def copy_out(self, aim: Aim, query: bool) -> None:
        """COPY TO: a table, or a query."""
        condition = self._where(aim) if query else None
        self.trial.do(aim.caller, operations.copy_out(aim.table, condition))

    @rule(draft=_drafts, by_engine=st.booleans())
    def copy_in(self, draft: Draft, by_engine: bool) -> None:
        """COPY FROM; often by the engine, because nobody else can."""
        draft = replace(draft, caller=SERVICE) if by_engine else draft
        row = self._written(replace(draft, mine=True, function="own"))
        self.trial.do(draft.caller, operations.copy_in(draft.table, row))

    @rule(caller=_callers, pick=_picks, own=_mostly)
    def complete_task(self, caller: Caller, pick: int, own: bool) -> None:
        """An UPDATE whose rows an INSERT takes, in one statement."""
        task = self._row(Aim(caller, TASKS, pick, own, "one"))
        self.trial.do(caller, operations.complete_task(task, self._new(HISTORY, None, 0)))

    @rule(caller=_callers, pick=_picks, own=_mostly, app=_apps)
    def move_run(self, caller: Caller, pick: int, own: bool, app: str) -> None:
        """Four UPDATEs in one statement that move a run to another tenant."""
        instance = self._row(Aim(caller, "workflow_instances", pick, own, "one"))
        self.trial.do(caller, operations.move_run(instance, app))

    @rule(caller=_callers, pick=_picks, mine=_mostly)
    def function_and_task(self, caller: Caller, pick: int, mine: bool) -> None:
        """Two INSERTs in one statement, the second naming the first."""
        app = self._app(caller, pick, mine)
        function = self._new(REGISTRY, app, pick)
        task = self._new(TASKS, app, pick) | {"function_code": function["function_code"]}
        self.trial.do(caller, operations.function_and_task(function, task))

    def _update(self, kind: str, aim: Aim, changes: Row, returning: bool) -> None:
        condition = self._where(aim)
        self.trial.do(
            aim.caller,
            operations.update(kind, aim.table, condition, changes, returning=returning),
        )

    def _added(self, aim: Aim) -> operations.Where:
        """Let the caller insert a row that has no children yet; return the condition that it is."""
        row = self._new(aim.table, self._app(aim.caller, aim.pick), aim.pick)
        self.trial.do(aim.caller, operations.insert(aim.table, [row], returning=False))
        return where("id", row["id"])

    def _where(self, aim: Aim) -> operations.Where:
        match aim.scope:
            case "all":
                return EVERYWHERE
            case "probe":
                return probing(aim.table)
            case "tenant":
                return where("app_code", self.cast.apps[aim.pick % len(self.cast.apps)])
            case _:
                return where("id", self._row(aim)["id"])

    def _row(self, aim: Aim) -> Row:
        """Return the row that is aimed at, or one that does not exist."""
        rows = [row for _, row in sorted(self.trial.state[aim.table].items())]
        seen = [row for row in rows if aim.caller.sees(aim.table, row)] if aim.own else rows
        if seen or rows:
            return (seen or rows)[aim.pick % len(seen or rows)]
        return dict.fromkeys(TABLES[aim.table].columns) | {"id": uid(_UNKNOWN)}

    def _app(self, caller: Caller, pick: int, mine: bool = True) -> str:
        """Pick the tenant that a new row is said to be of."""
        if mine and caller.role == "authenticated" and caller.claim is not None:
            return caller.claim
        return self.cast.apps[pick % len(self.cast.apps)]

    def _written(self, draft: Draft) -> Row:
        """Make the row of a draft, flaw and all."""
        app = self._app(draft.caller, draft.pick, draft.mine)
        row = self._new(draft.table, app, draft.pick, draft.link, draft.function)
        return row | self._flaw(draft.table, row, draft.flaw, draft.pick)

    def _new(
        self, table: str, app: str | None, pick: int, link: str = "own", function: str = "own"
    ) -> Row:
        """Make a row whose parents are `own`, `foreign` or `unknown`; functions also `shared`."""
        shape = TABLES[table]
        row: Row = dict.fromkeys(shape.columns)
        row |= {"id": uid(self._next()), "app_code": app}
        row[shape.note] = self._note()
        if shape.kinds:
            row[shape.kinds[0]] = shape.kinds[1][pick % 3]
        for column in (*_TEXTS, "version"):
            if column in row:
                row[column] = self._fresh(column, pick, app)
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

    def _fresh(self, column: str, pick: int, app: str | None) -> Any:
        number = self._next()
        return {
            "id": uid(number),
            "function_code": f"function.{number}",
            "workflow_code": ("onboarding", "billing")[pick % 2],
            # Few, so that they collide, and each tenant's own, so that an error would betray them.
            "version": _VERSIONS.get(app, 79_000) + pick % 4 + 1,
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

    def _note(self) -> str:
        # With a dot, so that one is no part of another where errors are searched for them.
        return f"note {self._next()}."

    def _next(self) -> int:
        self.number += 1
        return self.number


class PlainProvider(PrimitiveProvider):
    """Draws from a seed and from nothing else; subclassed with the seed.

    Hypothesis's own also picks numbers that it finds in the source of whatever local modules are
    loaded, and looks at the names of their folders: a line in another room would change the draws.
    """

    start: ClassVar[int] = SEED

    def __init__(self, conjecturedata: ConjectureData | None, /) -> None:
        super().__init__(conjecturedata)
        self._drawn = Random(self.start)  # noqa: S311 - the same on every run

    def draw_boolean(self, p: float = 0.5) -> bool:
        """Draw a boolean that is true with a given probability."""
        return self._drawn.random() < p

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        """Draw an integer, each with the same probability.

        Raises:
            NotImplementedError: it has no bounds, or weights; no strategy here asks for either.
        """
        if min_value is None or max_value is None or weights:
            raise NotImplementedError(shrink_towards)
        return self._drawn.randint(min_value, max_value)

    def draw_float(self, **_: Any) -> float:
        """No strategy here draws floats."""
        raise NotImplementedError

    def draw_string(self, *_: Any, **__: Any) -> str:
        """No strategy here draws texts."""
        raise NotImplementedError

    def draw_bytes(self, *_: Any, **__: Any) -> bytes:
        """No strategy here draws bytes."""
        raise NotImplementedError


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
        DatabaseError: the connection was lost.
    """
    machine = type("Machine", (TenancyMachine,), {"session": session, "tally": tally})
    AVAILABLE_PROVIDERS[_BACKEND] = type("Provider", (PlainProvider,), {"start": start})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                backend=_BACKEND,
                max_examples=examples,
                stateful_step_count=steps,
                database=None,
                deadline=None,
                derandomize=True,
                phases=(Phase.generate,),
                report_multiple_bugs=False,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as error:
        # Hypothesis tries again what it did not expect, and then takes it for something else.
        if session.interrupted:
            raise KeyboardInterrupt from error
        if session.lost:
            raise session.lost from None
        raise
    finally:
        del AVAILABLE_PROVIDERS[_BACKEND]


def explore(
    session: Session, tally: Tally, count: int, *, steps: int = 50, start: int = SEED
) -> int:
    """Do so many operations, or a few more.

    Args:
        session: the database.
        tally: is added to.
        count: how many it shall have.
        steps: operations between one empty database and the next, at most.
        start: the first seed.

    Returns:
        The first seed that was not used.

    Raises:
        CounterexampleError: the database and the model differ.
        DatabaseError: the connection was lost.
    """
    while tally.total < count:
        # Each run begins with the simplest example, which is always the same: so, few runs.
        examples = max(5, min(100, (count - tally.total) // steps))
        run(session, tally, examples=examples, steps=steps, start=start)
        start += 1
    return start
