"""One example: callers send statements to a database, and each is held against the model.

Knows how to send and compare; what is sent is drawn elsewhere, what is right is the
model's business.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.sql import SQL, Literal

from proofs import tenancy_operations as operations
from proofs.tenancy_model import (
    APPS,
    NO_ROW,
    TABLES,
    Caller,
    RefusedError,
    Statement,
    empty,
    visible,
)
from proofs.tenancy_operations import Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from proofs.tenancy_model import Row, State

    Steps = list[tuple[Caller, Operation]]
    Rows = list[tuple[str, Row]]


def _token(label: str, app_code: object, claim: str | None) -> Caller:
    # What a user may write into his own token must never count.
    claims = {"app_code": app_code, "user_metadata": {"app_code": "alpha"}, "role": "alpha"}
    return Caller(f"authenticated, {label}", "authenticated", json.dumps(claims), claim)


TENANTS = tuple(Caller(app, "authenticated", json.dumps({"app_code": app}), app) for app in APPS)
SERVICE = Caller("service_role", "service_role")
ANON = Caller("anon", "anon", json.dumps({"app_code": "alpha"}), "alpha")
NO_TOKEN = Caller("authenticated, no token", "authenticated")
ARRAY = _token("app_code an array", ["alpha"], '["alpha"]')
STRANGERS = (
    NO_TOKEN,
    Caller(
        "authenticated, no app_code",
        "authenticated",
        json.dumps({"user_metadata": {"app_code": "alpha"}}),
    ),
    _token("app_code null", None, None),
    _token("app_code empty", "", ""),
    ARRAY,
    _token("app_code an object", {"app_code": "alpha"}, '{"app_code": "alpha"}'),
    _token("app_code a pattern", "%", "%"),
    _token("app_code in capitals", "ALPHA", "ALPHA"),
    _token("app_code of no application", "delta", "delta"),
)
CALLERS = (*TENANTS * 4, *(SERVICE,) * 5, *STRANGERS, *(ANON,) * 2)
"""All who send statements; tenants and the engine more often than the others."""

VIEWERS = (*TENANTS, NO_TOKEN, ARRAY, SERVICE)
"""Who looks at everything after each step, beside anon."""

_ANON_IS_REFUSED = (
    SQL("DO $$ DECLARE name TEXT; BEGIN FOREACH name IN ARRAY ARRAY[{}] LOOP BEGIN")
    .format(SQL(", ").join(map(Literal, TABLES)))
    .as_string()
    + " EXECUTE format('SELECT FROM public.%I', name); RAISE 'anon reads %', name;"
    " EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END $$"
)


class CounterexampleError(AssertionError):
    """The database did not do what the model says.

    Attributes:
        furniture: the rows that there were to begin with.
        steps: what was done; the last one is what differed.
        difference: how.
    """

    def __init__(self, furniture: Rows, steps: Steps, difference: str) -> None:
        self.furniture = furniture
        self.steps = steps
        self.difference = difference
        super().__init__("\n".join(self.story()))

    def story(self) -> list[str]:
        """Return what happened, in words."""
        given = ["each tenant has a row in each table"] if self.furniture else []
        done = [f"{caller.label} {operation.words}" for caller, operation in self.steps]
        return [*given, *done, f"=> {self.difference}"]


@dataclass
class Tally:
    """What was done.

    Attributes:
        operations: (kind, result) to how often; a result is `allowed` or an error code.
        callers: (standing, result) to how often.
        views: how often a caller's whole view was compared.
        errors: how many errors were searched for other tenants' values.
        either: how many steps had more than one right answer.
        step: called after each operation.
    """

    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    callers: Counter[tuple[str, str]] = field(default_factory=Counter)
    views: int = 0
    errors: int = 0
    either: int = 0
    step: Callable[[int], None] = lambda _: None

    @property
    def total(self) -> int:
        """How many operations were done."""
        return self.callers.total()

    def count(self, kind: str, caller: Caller, result: str) -> None:
        """Count one operation."""
        self.operations[kind, result] += 1
        self.callers[caller.standing, result] += 1
        self.step(self.total)


class Session:
    """A connection to a migrated database that has the tenants and no rows; nothing is committed.

    Args:
        connection: the owner's, in autocommit mode.

    Attributes:
        interrupted: whether Ctrl-C came while PostgreSQL was asked; the connection is lost then.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._notices: list[str] = []
        self.interrupted = False
        # What needs no answer is sent with the next that does: half of the time is round trips.
        self._pending = ""
        connection.add_notice_handler(lambda notice: self._notices.append(_text(notice)))
        for role in ("authenticated", "service_role"):
            connection.execute(f"PREPARE seen_by_{role} AS {operations.everything()}")

    def begin(self) -> None:
        """Begin an example."""
        self._pending = "BEGIN;"

    def end(self) -> None:
        """Forget the example."""
        if not self.interrupted and not self._pending.startswith("BEGIN"):
            self._connection.execute("ROLLBACK")
        self._pending = ""

    def furnish(self, sql: str) -> None:
        """Run SQL as the owner, inside the example."""
        self._pending += f"{sql};"

    def send(self, caller: Caller, operation: Operation) -> tuple[Outcome | str, str]:
        """Run an operation as a caller.

        Returns:
            What came of it, or the error code; and every word that he was told beside that.
        """
        self._notices.clear()
        run = self._copy if operation.sql.startswith("COPY") else self._execute
        begun = f"{self._pending} SAVEPOINT step; {_acting(caller)}"
        try:
            outcome = run(begun, operation)
        except psycopg.Error as error:
            self._pending = "ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step;"
            return error.sqlstate or "lost", _text(error.diag) + "".join(self._notices)
        self._pending = "RESET ROLE; RESET request.jwt.claims; RELEASE SAVEPOINT step;"
        return outcome, "".join(self._notices)

    def views(self) -> list[Any]:
        """Return what each of VIEWERS sees; anon is tried as well.

        Raises:
            psycopg.Error: anon was not refused.
        """
        begun, self._pending = self._pending, ""
        looks = [f"{_acting(caller)} EXECUTE seen_by_{caller.role};" for caller in VIEWERS]
        cursor = self._connection.execute(
            f"{begun} SAVEPOINT look; {''.join(looks)} {_acting(ANON)} {_ANON_IS_REFUSED};"
            " ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look"
        )
        found: list[Any] = []
        while len(found) < len(VIEWERS):
            if cursor.description and cursor.description[0].name == "json_build_array":
                found += [cursor.fetchone()[0]]  # type: ignore[index]  # it has one row
            cursor.nextset()
        return found

    def _execute(self, begun: str, operation: Operation) -> Outcome:
        cursor = self._connection.execute(f"{begun} {operation.sql}")
        while cursor.nextset():
            pass
        rows = tuple(cursor.fetchall()) if cursor.description else None
        return Outcome(cursor.rowcount, rows)

    def _copy(self, begun: str, operation: Operation) -> Outcome:
        self._connection.execute(begun)
        with self._connection.cursor() as cursor:
            with cursor.copy(operation.sql) as stream:
                if operation.line is None:
                    rows = tuple(stream.rows())
                    return Outcome(len(rows), rows)
                stream.write(operation.line)
            return Outcome(cursor.rowcount)


def _acting(caller: Caller) -> str:
    claims = Literal(caller.claims).as_string()
    return f"SELECT set_config('request.jwt.claims', {claims}, TRUE); SET LOCAL ROLE {caller.role};"


def _text(diagnostic: Any) -> str:
    parts = (diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint)
    return " ".join(filter(None, (*parts, diagnostic.context)))


class Trial:
    """An example as it happens.

    Args:
        session: the database.
        tally: is added to.
        furniture: rows to begin with, parents first.

    Attributes:
        state: what the database must contain.
    """

    def __init__(self, session: Session, tally: Tally, furniture: Rows) -> None:
        self.state: State = empty()
        self._session = session
        self._tally = tally
        self._furniture: Rows = []
        self._steps: Steps = []
        session.begin()
        for table, row in furniture:
            self.furnish(table, row)
        if furniture:
            self.look()

    def furnish(self, table: str, row: Row) -> None:
        """Insert a row to begin with: the owner's doing, so nothing is compared."""
        self._furniture.append((table, row))
        statement = Statement(self.state, SERVICE)
        statement.insert(table, [row])
        self.state = statement.finish()
        self._session.furnish(operations.rows_sql(table, [row]).as_string())

    def do(self, caller: Caller, operation: Operation) -> None:
        """Let the model and the database do it, and compare.

        Raises:
            CounterexampleError: they differ.
        """
        self._steps.append((caller, operation))
        statement = Statement(self.state, caller)
        expected: Outcome | frozenset[str]
        try:
            expected = operation.effect(statement)
            after = statement.finish()
        except RefusedError as error:
            expected, after = error.codes, self.state
            self._tally.either += len(error.codes) > 1
        before, self.state = self.state, after
        try:
            outcome, said = self._session.send(caller, operation)
            self._compare(expected, outcome)
            self._search(before, caller, operation, said)
            self.look()
        except KeyboardInterrupt:
            self._session.interrupted = True
            raise
        # Each of Hypothesis's runs begins with its simplest example, the same step many times.
        if [(who, what.sql) for who, what in self._steps[-2:-1]] != [(caller, operation.sql)]:
            result = outcome if isinstance(outcome, str) else "allowed"
            self._tally.count(operation.kind, caller, result)

    def _compare(self, expected: Outcome | frozenset[str], outcome: Outcome | str) -> None:
        if isinstance(outcome, str):
            same = isinstance(expected, frozenset) and outcome in expected
        elif isinstance(expected, frozenset):
            same = NO_ROW in expected and outcome.count == 0
        else:
            same = expected.count == outcome.count and _bag(expected.rows) == _bag(outcome.rows)
        if not same:
            self._fail(f"expected {_shown(expected)}, came {_shown(outcome)}")

    def _search(self, state: State, caller: Caller, operation: Operation, said: str) -> None:
        """Look for values that the caller neither sees nor spoke of in what he was told."""
        if not said or caller is SERVICE:
            return
        self._tally.errors += 1
        spoken = operation.sql + (operation.line or "")
        seen: set[str] = set()
        hidden: set[str] = set()
        for table, rows in state.items():
            for row in rows.values():
                values = seen if caller.sees(table, row) else hidden
                values.update(_identifying(table, row))
        told = [value for value in hidden - seen if value in said and value not in spoken]
        if told:
            self._fail(f"was told {', '.join(sorted(told))} of rows that he does not see")

    def look(self) -> None:
        """Compare what everybody sees.

        Raises:
            CounterexampleError: somebody sees too much or too little.
        """
        try:
            views = self._session.views()
        except psycopg.errors.RaiseException as error:
            self._fail(f"{error.diag.message_primary}")
        self._tally.views += len(VIEWERS) + 1
        for viewer, found in zip(VIEWERS, views, strict=True):
            expected = visible(self.state, viewer) or []
            for table, right, real in zip(TABLES, expected, found, strict=True):
                if right != real:
                    more, less = _ids(real) - _ids(right), _ids(right) - _ids(real)
                    what = f"sees {_plain(more)} too much" if more else f"misses {_plain(less)}"
                    if not more and not less:
                        what = "sees other values"
                    self._fail(f"{viewer.label} {what} in {table}")

    def _fail(self, difference: str) -> None:
        raise CounterexampleError([*self._furniture], [*self._steps], difference)


def _identifying(table: str, row: Row) -> Iterator[str]:
    kinds = TABLES[table].kinds
    for column, value in row.items():
        if isinstance(value, str) and not (kinds and column == kinds[0]):
            yield value


def _bag(rows: tuple[tuple[Any, ...], ...] | None) -> Counter[str] | None:
    return None if rows is None else Counter(map(repr, rows))


def _ids(rows: list[list[Any]]) -> set[str]:
    return {row[0] for row in rows}


def _plain(ids: set[str]) -> str:
    return ", ".join(map(operations.short, sorted(ids)))


def _shown(outcome: Outcome | str | frozenset[str]) -> str:
    if isinstance(outcome, str):
        return f"error {outcome}"
    if isinstance(outcome, frozenset):
        return f"error {' or '.join(sorted(outcome))}"
    returned = "" if outcome.rows is None else f", returning {len(outcome.rows)}"
    return f"{outcome.count} rows{returned}"


@contextmanager
def opened(url: str) -> Iterator[Session]:
    """Open a session on a migrated database of one's own, and make the tenants."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Otherwise psycopg prepares what it sends twice, and forgets our own with it on ROLLBACK.
        connection.prepare_threshold = None
        connection.execute(operations.tenants_sql())
        yield Session(connection)


def replay(session: Session, furniture: Rows, steps: Steps) -> CounterexampleError | None:
    """Do steps again, or some of them, and return how the database and the model differ, if so."""
    try:
        trial = Trial(session, Tally(), furniture)
        for caller, operation in steps:
            trial.do(caller, operation)
    except CounterexampleError as error:
        return error
    finally:
        session.end()
    return None


def shortened(session: Session, error: CounterexampleError) -> CounterexampleError:
    """Leave out steps of a counterexample until none is idle.

    Hypothesis could do it, but in 13 s each: it draws anew, and this only does less of the same.
    """
    last = error.steps[-1:]
    for furniture, steps in ((error.furniture, []), ([], last), (error.furniture, last)):
        if found := replay(session, furniture, steps):
            return found
    error = replay(session, [], error.steps) or error
    size = len(error.steps)
    while size := size // 2:
        start = 0
        while start < len(error.steps):
            fewer = error.steps[:start] + error.steps[start + size :]
            found = replay(session, error.furniture, fewer)
            error, start = (found, start) if found else (error, start + size)
    return error
