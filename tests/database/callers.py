"""Speaks to a database as the Data API does: a role and a token; knows no tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection


@dataclass(frozen=True)
class Outcome:
    """What came of a statement.

    Attributes:
        rows: what it returned.
        count: how many rows it touched; -1 where that has no meaning.
        refused: PostgreSQL's code, or empty.
        message: PostgreSQL's message and detail, or empty.
    """

    rows: tuple[tuple[Any, ...], ...] = ()
    count: int = -1
    refused: str = ""
    message: str = ""


@dataclass(frozen=True)
class Caller:
    """Somebody who sends statements, each on its own, in a transaction that is never committed.

    Attributes:
        connection: inside a transaction.
        role: whom to act as; None stays the connection's user, who bypasses row-level security.
        claims: the token's content, sent as it is; None sends none.
    """

    connection: Connection[Any]
    role: str | None
    claims: str | None = None

    def run(self, sql: str) -> Outcome:
        """Run a statement; what it changed stays until the transaction is over."""
        return self._guarded(lambda: self._execute(sql))

    def copy_out(self, sql: str) -> Outcome:
        """Run a COPY … TO STDOUT."""

        def copy() -> Outcome:
            with self.connection.cursor() as cursor, cursor.copy(sql) as stream:
                return Outcome(tuple(stream.rows()))

        return self._guarded(copy)

    def copy_in(self, sql: str, line: str) -> Outcome:
        """Run a COPY … FROM STDIN with one line of text."""

        def copy() -> Outcome:
            with self.connection.cursor() as cursor:
                with cursor.copy(sql) as stream:
                    stream.write(line)
                return Outcome(count=cursor.rowcount)

        return self._guarded(copy)

    def _execute(self, sql: str) -> Outcome:
        cursor = self.connection.execute(sql)
        rows = tuple(cursor.fetchall()) if cursor.description else ()
        return Outcome(rows, cursor.rowcount)

    def _guarded(self, act: Callable[[], Outcome]) -> Outcome:
        try:
            with self.connection.transaction():
                if self.claims is not None:
                    self.connection.execute(
                        "SELECT set_config('request.jwt.claims', %s, TRUE)", [self.claims]
                    )
                if self.role is not None:
                    self.connection.execute(f"SET LOCAL ROLE {self.role}")
                outcome = act()
                self.connection.execute("RESET ROLE; RESET request.jwt.claims")
        except psycopg.Error as error:
            said = f"{error.diag.message_primary} | {error.diag.message_detail}"
            return Outcome(refused=error.sqlstate or "lost", message=said)
        return outcome
