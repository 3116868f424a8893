"""One example: callers send statements to a database, and each is held against the model.

Knows how to send and compare; what is sent is drawn elsewhere, what is right is the
model's business.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.sql import SQL, Literal

from proofs import tenancy_operations as operations
from proofs.tenancy_cast import CASTS, SERVICE
from proofs.tenancy_model import (
    DUPLICATE,
    NO_ROW,
    REGISTRY,
    TABLES,
    Caller,
    RefusedError,
    Statement,
    empty,
    visible,
)
from proofs.tenancy_operations import Operation, Outcome, uid
from schema_database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from psycopg import Connection

    from proofs.tenancy_cast import Cast
    from proofs.tenancy_model import Row, State

    Steps = list[tuple[Caller, Operation]]
    Rows = list[tuple[str, Row]]


CHECKS = frozenset({"view", "outcome", "rows", "told", "alike"})
"""What is compared after a statement.

`view`: what everybody sees. `outcome`: how many rows it touched, or its error code. `rows`: what it
returned. `told`: no error or notice holds a value of a row that the caller does not see. `alike`: a
statement that names such a row fails word for word as one that names a row that does not exist.
"""

_ANON_IS_REFUSED = (
    SQL("DO $$ DECLARE name TEXT; BEGIN FOREACH name IN ARRAY ARRAY[{}] LOOP BEGIN")
    .format(SQL(", ").join(map(Literal, TABLES)))
    .as_string()
    + " EXECUTE format('SELECT FROM public.%I', name); RAISE 'anon reads %', name;"
    " EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END $$"
)


_UNDONE = "ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step;"
_NOBODY = 888_000


class CounterexampleError(AssertionError):
    """The database did not do what the model says.

    Attributes:
        furniture: the rows that there were to begin with.
        steps: what was done; the last one is what differed.
        cast: who took part.
        check: which of CHECKS noticed it.
        difference: how.
    """

    def __init__(
        self, furniture: Rows, steps: Steps, cast: Cast, check: str, difference: str
    ) -> None:
        self.furniture = furniture
        self.steps = steps
        self.cast = cast
        self.check = check
        self.difference = difference
        super().__init__("\n".join(self.story()))

    def story(self) -> list[str]:
        """Return what happened, in words."""
        given = ["each tenant has a row in each table"] if self.furniture else []
        done = [f"{caller.label} {operation.words}" for caller, operation in self.steps]
        return [*given, *done, f"=> {self.difference}"]


@dataclass
class Tally:
    """What was done, but for steps that repeat the one before.

    Attributes:
        operations: (kind, result) to how often; a result is `rows`, `no row` or an error code.
        callers: (standing, result) to how often.
        views: how often a caller's whole view was compared.
        told: how many errors and notices were searched for other tenants' values.
        alike: how many refusals were compared with that of an unknown row.
        either: how many steps had more than one right answer.
        step: called after each operation.
    """

    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    callers: Counter[tuple[str, str]] = field(default_factory=Counter)
    views: int = 0
    told: int = 0
    alike: int = 0
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
        checks: those of CHECKS that are made.

    Attributes:
        checks: those.
        interrupted: whether Ctrl-C came while PostgreSQL was asked; the connection is lost then.
        lost: why it was lost otherwise.
    """

    def __init__(self, connection: Connection[Any], checks: frozenset[str] = CHECKS) -> None:
        self._connection = connection
        self._notices: list[str] = []
        self.checks = checks
        self.interrupted = False
        self.lost: DatabaseError | None = None
        # What needs no answer is sent with the next that does: half of the time is round trips.
        self._pending = ""
        connection.add_notice_handler(lambda notice: self._notices.append(_text(notice)))
        for role in ("authenticated", "service_role"):
            connection.execute(f"PREPARE seen_by_{role} AS {operations.everything()}")

    @property
    def version(self) -> int:
        """The server's version, as in `server_version_num`."""
        return self._connection.info.server_version

    def begin(self) -> None:
        """Begin an example."""
        self._pending = "BEGIN;"

    def end(self) -> None:
        """Forget the example."""
        if not self._connection.closed and not self._pending.startswith("BEGIN"):
            self._connection.execute("ROLLBACK")
        self._pending = ""

    def furnish(self, sql: str) -> None:
        """Run SQL as the owner, inside the example."""
        self._pending += f"{sql};"

    def send(self, caller: Caller, operation: Operation) -> tuple[Outcome | str, str]:
        """Run an operation as a caller.

        Returns:
            What came of it, or the error code; and every word that he was told beside that.

        Raises:
            DatabaseError: the connection was lost.
        """
        self._notices.clear()
        run = self._copy if operation.sql.startswith("COPY") else self._execute
        begun = f"{self._pending} SAVEPOINT step; {_acting(caller)}"
        try:
            outcome = run(begun, operation)
        except psycopg.Error as error:
            self._require_connection(error)
            self._pending = _UNDONE
            return error.sqlstate or "lost", "\n".join([_text(error.diag), *self._notices])
        self._pending = "RESET ROLE; RESET request.jwt.claims; RELEASE SAVEPOINT step;"
        return outcome, "\n".join(self._notices)

    def undo(self) -> None:
        """Undo what was sent last."""
        self._pending = _UNDONE

    def _require_connection(self, error: psycopg.Error) -> None:
        if self._connection.closed:
            self.lost = self.lost or lost(error)
            raise self.lost from None

    def views(self, viewers: Sequence[Caller], anon: Caller) -> list[Any]:
        """Return what each viewer sees; anon is tried as well.

        Raises:
            DatabaseError: the connection was lost.
            psycopg.Error: anon was not refused.
        """
        begun, self._pending = self._pending, ""
        looks = [f"{_acting(caller)} EXECUTE seen_by_{caller.role};" for caller in viewers]
        try:
            cursor = self._connection.execute(
                f"{begun} SAVEPOINT look; {''.join(looks)} {_acting(anon)} {_ANON_IS_REFUSED};"
                " ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look"
            )
        except psycopg.Error as error:
            self._require_connection(error)
            raise
        found: list[Any] = []
        while len(found) < len(viewers):
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
    names = (diagnostic.table_name, diagnostic.column_name, diagnostic.constraint_name)
    return "\n".join(filter(None, (*parts, diagnostic.context, *names)))


def lost(error: psycopg.Error) -> DatabaseError:
    """Return what to say where the server went away."""
    first, _, _ = str(error).strip().partition("\n")
    return DatabaseError(
        f"PostgreSQL closed the connection: {first}",
        "The server's log says why; run this again when it is back.",
    )


class Trial:
    """An example as it happens.

    Args:
        session: the database.
        tally: is added to.
        furniture: rows to begin with, parents first.

    Attributes:
        state: what the database must contain.
        cast: who takes part.
    """

    def __init__(
        self, session: Session, tally: Tally, furniture: Rows, cast: Cast = CASTS[0]
    ) -> None:
        self.state: State = empty()
        self.cast = cast
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
        # Each of Hypothesis's runs begins with its simplest example, the same step many times.
        again = [(who, what.sql) for who, what in self._steps[-1:]] == [(caller, operation.sql)]
        tally = Tally() if again else self._tally
        self._steps.append((caller, operation))
        statement = Statement(self.state, caller)
        expected: Outcome | frozenset[str]
        try:
            expected = operation.effect(statement)
            after = statement.finish()
        except RefusedError as error:
            expected, after = error.codes, self.state
        before, self.state = self.state, after
        try:
            outcome, said = self._session.send(caller, operation)
            self._compare(expected, outcome)
            self._search(tally, before, caller, operation, said)
            if isinstance(outcome, str) and _comparable(operation, expected, outcome):
                self._ask_alike(tally, before, caller, operation, (outcome, said))
            self.look(tally)
        except KeyboardInterrupt:
            self._session.interrupted = True
            raise
        tally.either += isinstance(expected, frozenset) and len(expected) > 1
        tally.count(operation.kind, caller, _result(outcome))

    def _compare(self, expected: Outcome | frozenset[str], outcome: Outcome | str) -> None:
        if isinstance(outcome, str):
            same = isinstance(expected, frozenset) and outcome in expected
        elif isinstance(expected, frozenset):
            same = NO_ROW in expected and outcome.count == 0
        else:
            same = expected.count == outcome.count
        if not same:
            self._differ("outcome", f"expected {_shown(expected)}, came {_shown(outcome)}")
        if (
            isinstance(expected, Outcome)
            and isinstance(outcome, Outcome)
            and _bag(expected.rows) != _bag(outcome.rows)
        ):
            self._differ("rows", "returned other values")

    def _search(
        self, tally: Tally, state: State, caller: Caller, operation: Operation, said: str
    ) -> None:
        """Look for values that the caller neither sees nor spoke of in what he was told."""
        if not said or caller is SERVICE:
            return
        tally.told += 1
        spoken = (operation.sql + (operation.line or "")).replace("''", "'")
        seen = {caller.claim or ""}
        hidden: set[str] = set()
        for table, rows in state.items():
            for row in rows.values():
                values = seen if caller.sees(table, row) else hidden
                values.update(_identifying(table, row))
        told = [
            value for value in hidden - seen if _holds(said, value) and not _holds(spoken, value)
        ]
        if told:
            self._differ("told", f"was told {', '.join(sorted(told))} of rows that he does not see")

    def _ask_alike(
        self,
        tally: Tally,
        state: State,
        caller: Caller,
        operation: Operation,
        refused: tuple[str, str],
    ) -> None:
        """Send the same with keys of nobody where it has keys that the caller cannot see."""
        keys = [key for key in _hidden_keys(state, caller) if f"'{key}'" in operation.sql]
        if not keys:
            return
        nobody = {
            key: uid(_NOBODY + number) if key.startswith(uid(0)[:24]) else f"nobody.{number}"
            for number, key in enumerate(keys)
        }
        sql = operation.sql
        for key, other in nobody.items():
            sql = sql.replace(f"'{key}'", f"'{other}'")
        outcome, said = self._session.send(caller, replace(operation, sql=sql))
        self._session.undo()
        tally.alike += 1
        if (outcome, _masked(said, nobody.values())) != (refused[0], _masked(refused[1], keys)):
            self._differ(
                "alike", f"is told {refused[1]!r}, and {said!r} of a row that does not exist"
            )

    def look(self, tally: Tally | None = None) -> None:
        """Compare what everybody sees.

        Args:
            tally: is added to instead of the trial's.

        Raises:
            CounterexampleError: somebody sees too much or too little.
        """
        if "view" not in self._session.checks:
            return
        viewers = self.cast.viewers(len(self._steps))
        try:
            views = self._session.views(viewers, self.cast.anon)
        except psycopg.errors.RaiseException as error:
            self._differ("view", f"{error.diag.message_primary}")
            return
        (tally or self._tally).views += len(viewers) + 1
        for viewer, found in zip(viewers, views, strict=True):
            expected = visible(self.state, viewer) or []
            for table, right, real in zip(TABLES, expected, found, strict=True):
                if right != real:
                    more, less = _ids(real) - _ids(right), _ids(right) - _ids(real)
                    what = f"sees {_plain(more)} too much" if more else f"misses {_plain(less)}"
                    if not more and not less:
                        what = "sees other values"
                    self._differ("view", f"{viewer.label} {what} in {table}")

    def _differ(self, check: str, difference: str) -> None:
        if check in self._session.checks:
            raise CounterexampleError(
                [*self._furniture], [*self._steps], self.cast, check, difference
            )


def _comparable(
    operation: Operation, expected: Outcome | frozenset[str], outcome: Outcome | str
) -> bool:
    # Unique keys tell, and so does an upsert in whose way a hidden row is: both are disclosures.
    if outcome == DUPLICATE or operation.kind.startswith("upsert"):
        return False
    return operation.line is None and isinstance(expected, frozenset) and len(expected) == 1


def _hidden_keys(state: State, caller: Caller) -> list[str]:
    seen: set[str] = set()
    hidden: set[str] = set()
    for table, rows in state.items():
        for row in rows.values():
            keys = seen if caller.sees(table, row) else hidden
            keys.update({row["id"]} | ({row["function_code"]} if table == REGISTRY else set()))
    return sorted(hidden - seen)


def _masked(said: str, keys: Iterable[str]) -> str:
    for number, key in enumerate(keys):
        said = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", f"<{number}>", said)
    return said


def _holds(text: str, value: str) -> bool:
    # Whole words, because the code of one tenant may be the beginning of another's.
    return value in text and bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text))


def _result(outcome: Outcome | str) -> str:
    if isinstance(outcome, str):
        return outcome
    return "rows" if outcome.count else "no row"


def _identifying(table: str, row: Row) -> Iterator[str]:
    kinds = TABLES[table].kinds
    for column, value in row.items():
        if value is not None and not (kinds and column == kinds[0]):
            yield str(value)


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
def opened(url: str, checks: frozenset[str] = CHECKS) -> Iterator[Session]:
    """Open a session on a migrated database of one's own, and make the tenants.

    Args:
        url: the database.
        checks: what is compared after each statement.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        # Otherwise psycopg prepares what it sends twice, and forgets our own with it on ROLLBACK.
        connection.prepare_threshold = None
        connection.execute(operations.tenants_sql())
        yield Session(connection, checks)


def replay(
    session: Session, furniture: Rows, steps: Steps, cast: Cast
) -> CounterexampleError | None:
    """Do steps again, or some of them, and return how the database and the model differ, if so."""
    try:
        trial = Trial(session, Tally(), furniture, cast)
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
        if found := replay(session, furniture, steps, error.cast):
            return found
    error = replay(session, [], error.steps, error.cast) or error
    size = len(error.steps)
    while size := size // 2:
        start = 0
        while start < len(error.steps):
            fewer = error.steps[:start] + error.steps[start + size :]
            found = replay(session, error.furniture, fewer, error.cast)
            error, start = (found, start) if found else (error, start + size)
    return error
