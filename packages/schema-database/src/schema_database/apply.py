"""Applies SQL the way real clients do, and says where in the text an error is.

Knows PostgreSQL's protocol; must not know what the SQL means or where it came from.
"""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from pglast import split
from pglast.parser import ParseError
from psycopg.pq import DiagnosticField, ExecStatus

from schema_database.address import connected
from schema_database.errors import DatabaseError
from schema_database.waits import find_wait, latest
from schema_sql.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection
    from psycopg.errors import Diagnostic
    from psycopg.pq.abc import PGresult
    from psycopg.rows import TupleRow

    from schema_database.waits import Wait

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)
_LOCK_NOT_AVAILABLE = "55P03"

_LOOK_EVERY = 2.0
"""Seconds after which a statement may be waiting for a lock: our migrations wait five."""

_OTHERWISE = "correct this statement; nothing after it was applied"
_WHEN_LOCKED = (
    "nothing is wrong with this statement: somebody used what it changes; run this again when that "
    "session is done (pg_stat_activity shows it, pg_terminate_backend(pid) ends it)"
)


class ApplyError(DatabaseError):
    """PostgreSQL refused a statement.

    Attributes:
        name: what the SQL is called, usually the path of its file.
        sqlstate: PostgreSQL's five-character code; empty when the connection was lost.
        message: its primary message.
        detail: its detail, or None.
        hint: its hint, or None.
        context: where in a function or DO block it happened, or None.
        statement: number of the refused statement in the text, from 1.
        line: line in the text, from 1: of the place that PostgreSQL names, otherwise of where the
            statement begins; None where the connection was lost.
        column: column in that line, in characters from 1; None with `line`.
        wait: what the run was last seen to wait for, where a lock timeout ended it.
    """

    def __init__(
        self,
        name: str,
        *,
        sqlstate: str,
        message: str,
        detail: str | None,
        hint: str | None,
        context: str | None,
        statement: int,
        line: int | None,
        column: int | None,
        wait: Wait | None = None,
    ) -> None:
        remedy = _WHEN_LOCKED if sqlstate == _LOCK_NOT_AVAILABLE else _OTHERWISE
        super().__init__(message, hint or remedy)
        self.name = name
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint
        self.context = context
        self.statement = statement
        self.line = line
        self.column = column
        self.wait = wait

    def __str__(self) -> str:
        place = f"statement {self.statement}" if self.line is None else f"{self.line}:{self.column}"
        code = self.sqlstate or "connection lost"
        lines = [f"{self.name}:{place}: {code}: {_lines(self.message)}"]
        lines += [
            f"  {word}: {_lines(text)}"
            for word, text in (
                ("detail", self.detail),
                ("where", self.context),
                ("lock", str(self.wait) if self.wait else None),
                ("help", self.remedy),
            )
            if text
        ]
        return "\n".join(lines)


def _lines(text: str) -> str:
    """Keep the lines of what PostgreSQL said, and nothing else that would act on a terminal."""
    return "\n    ".join(map(printable, text.split("\n")))


def apply_as_one_transaction(
    target: str | Connection[TupleRow], sql: str, *, name: str = "<sql>"
) -> tuple[str, ...]:
    """Apply a whole file in one go, as the Supabase CLI and the SQL editor do.

    All statements travel as one message, which PostgreSQL runs as one implicit transaction:
    all of it is applied, or nothing. Inside a transaction of the caller's it becomes part of that.

    Args:
        target: a URL, or a connection to use.
        sql: any number of statements.
        name: what errors call the text, usually the path of its file.

    Returns:
        What PostgreSQL noticed, each as `SEVERITY: message`.

    Raises:
        ApplyError: a statement was refused.
    """
    with _connection(target) as connection, _notices(connection) as notices:
        _execute(connection, sql, name=name, source=sql, start=0, done_before=0)
    return tuple(notices)


def apply_statement_by_statement(
    target: str | Connection[TupleRow],
    statements: Sequence[str],
    *,
    source: str | None = None,
    name: str = "<sql>",
) -> tuple[str, ...]:
    """Apply statements one after another, each on its own, as psql does with a file.

    Stops at the first error, as `psql -v ON_ERROR_STOP=1`; what went before stays applied.

    Args:
        target: a URL, or a connection outside any transaction to use.
        statements: texts of one statement each, in order.
        source: the text they were cut from, so that errors name lines of it; None means that the
            statements, joined as they are, are that text.
        name: what errors call the text, usually the path of its file.

    Returns:
        What PostgreSQL noticed, each as `SEVERITY: message`.

    Raises:
        ApplyError: a statement was refused.
    """
    text = "".join(statements) if source is None else source
    with _connection(target) as connection, _notices(connection) as notices:
        end = 0
        for number, statement in enumerate(statements):
            start = text.index(statement, end)
            end = start + len(statement)
            _execute(connection, statement, name=name, source=text, start=start, done_before=number)
    return tuple(notices)


def apply_statement(
    connection: Connection[TupleRow], statement: str, *, source: str, start: int, name: str
) -> None:
    """Apply one statement of a text, in whatever transaction the caller has begun.

    Args:
        connection: where to.
        statement: its text.
        source: the text that it was cut from, so that errors name lines of it.
        start: where it begins in that, in characters from 0.
        name: what errors call the text, usually the path of its file.

    Raises:
        ApplyError: it was refused.
    """
    _execute(connection, statement, name=name, source=source, start=start, done_before=0)


def _execute(
    connection: Connection[TupleRow],
    sql: str,
    *,
    name: str,
    source: str,
    start: int,
    done_before: int,
) -> None:
    """Send `sql`, which begins at `start` of `source`, as one simple query."""
    pgconn = connection.pgconn
    refused: PGresult | None = None
    wait: Wait | None = None
    done = done_before
    try:
        pgconn.send_query(sql.encode())
        while True:
            # PQgetResult alone would block where Python sees no Ctrl-C.
            while pgconn.is_busy():
                if select.select([pgconn.socket], [], [], _LOOK_EVERY)[0]:
                    pgconn.consume_input()
                else:
                    wait = latest(wait, find_wait(connection))
            result = pgconn.get_result()
            if result is None:
                break
            if result.status in _DONE:
                done += 1
            elif result.status == ExecStatus.FATAL_ERROR:
                refused = result
            else:
                connection.close()
                raise DatabaseError(
                    f"{name}: statement {done + 1} is a COPY from or to the client",
                    "write INSERT, or load the data with psql",
                )
    except psycopg.OperationalError as error:
        raise ApplyError(
            name,
            sqlstate="",
            message=" | ".join(str(error).splitlines()),
            detail=None,
            hint="connect again and look at what was applied",
            context=None,
            statement=done + 1,
            line=None,
            column=None,
        ) from error
    except KeyboardInterrupt:
        # Without this the server would carry on, and commit, after we are gone.
        connection.cancel()
        connection.close()
        raise
    if refused is not None:
        raise _error(
            refused,
            name=name,
            source=source,
            start=start,
            statement=done + 1,
            begins=start + _beginning(sql, done - done_before),
            wait=wait,
        )


def _beginning(sql: str, number: int) -> int:
    """Return where a statement begins in a text, counting both from 0."""
    try:
        return int(split(sql, only_slices=True)[number].start)
    except (ParseError, IndexError):
        # The server's grammar is newer, or older, than pglast's.
        return 0


def _error(
    result: PGresult,
    *,
    name: str,
    source: str,
    start: int,
    statement: int,
    begins: int,
    wait: Wait | None,
) -> ApplyError:
    def read(field: DiagnosticField) -> str | None:
        raw = result.error_field(field)
        return raw.decode("utf-8", "replace") if raw else None

    position = read(DiagnosticField.STATEMENT_POSITION)
    before = source[: start + int(position) - 1 if position else begins]
    sqlstate = read(DiagnosticField.SQLSTATE) or ""
    hint = read(DiagnosticField.MESSAGE_HINT)
    return ApplyError(
        name,
        sqlstate=sqlstate,
        message=read(DiagnosticField.MESSAGE_PRIMARY) or result.get_error_message().strip(),
        detail=read(DiagnosticField.MESSAGE_DETAIL),
        hint=hint,
        context=read(DiagnosticField.CONTEXT),
        statement=statement,
        line=before.count("\n") + 1,
        column=len(before) - (before.rfind("\n") + 1) + 1,
        # Whoever gives a hint has said what he waited for; PostgreSQL itself says neither.
        wait=wait if sqlstate == _LOCK_NOT_AVAILABLE and hint is None else None,
    )


@contextmanager
def _connection(target: str | Connection[TupleRow]) -> Iterator[Connection[TupleRow]]:
    if isinstance(target, str):
        with connected(target) as connection:
            yield connection
    else:
        yield target


@contextmanager
def _notices(connection: Connection[TupleRow]) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        seen.append(f"{diagnostic.severity_nonlocalized}: {diagnostic.message_primary}")

    connection.add_notice_handler(note)
    try:
        yield seen
    finally:
        connection.remove_notice_handler(note)
