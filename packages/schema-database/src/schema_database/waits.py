"""Says what a session waits for and who holds it; must not know what the session is doing.

PostgreSQL's own message for a lock timeout names neither, and afterwards nobody can tell: so a
second session has to look while the first one waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_LOOK_TIMEOUT = 5
"""Seconds: who cannot look must not hold up the run."""

_WANTED = """
    SELECT locktype, mode, relation::regclass::text FROM pg_locks WHERE pid = %s AND NOT granted
"""

# Whoever stands before us in the queue holds us up as well, though he holds no lock.
_HOLDERS = """
    SELECT pid, usename, application_name, state, query
    FROM unnest(pg_blocking_pids(%s)) AS blocker (pid)
    LEFT JOIN pg_stat_activity USING (pid)
    GROUP BY pid, usename, application_name, state, query
    ORDER BY pid
"""

_QUERY_LENGTH = 60


@dataclass(frozen=True)
class Wait:
    """What a session waits for.

    Attributes:
        wanted: the lock, as `ACCESS EXCLUSIVE on public.t`.
        holders: the sessions in its way, each in words; none where they have just let go.
    """

    wanted: str
    holders: tuple[str, ...]

    def __str__(self) -> str:
        return f"waited for {self.wanted}, held by {'; '.join(self.holders) or 'nobody any more'}"


def latest(earlier: Wait | None, seen: Wait | None) -> Wait | None:
    """Return which of two looks tells more: one that came as the wait ended saw less of it.

    Args:
        earlier: what was seen before.
        seen: what is seen now; None where nothing waits any more.
    """
    if seen is None or (earlier and not seen.holders and seen.wanted == earlier.wanted):
        return earlier
    return seen


def find_wait(connection: Connection[TupleRow]) -> Wait | None:
    """Return what a session waits for now, seen from a second one; None where that cannot be told.

    Args:
        connection: the session; nothing is sent over it, because it is busy.
    """
    pid = connection.info.backend_pid
    try:
        with psycopg.connect(
            connection.info.dsn,
            password=connection.info.password,
            connect_timeout=_LOOK_TIMEOUT,
            options=f"-c statement_timeout={_LOOK_TIMEOUT}s -c search_path=pg_catalog",
            autocommit=True,
        ) as observer:
            wanted = observer.execute(_WANTED, [pid]).fetchone()
            holders = observer.execute(_HOLDERS, [pid]).fetchall()
    except psycopg.Error:
        return None
    if wanted is None:
        return None
    return Wait(_lock(*wanted), tuple(_holder(*holder) for holder in holders))


def mode_in_words(mode: str) -> str:
    """Return the SQL name of a lock mode that pg_locks calls AccessExclusiveLock and the like."""
    letters = mode.removesuffix("Lock")
    return (
        "".join(f" {letter}" if letter.isupper() else letter for letter in letters).strip().upper()
    )


def _lock(kind: str, mode: str, relation: str | None) -> str:
    if kind == "advisory":
        return "an advisory lock, which keeps runs one behind the other"
    if kind in {"transactionid", "virtualxid"}:
        return "the end of a transaction"
    return f"{mode_in_words(mode)} on {relation or kind}"


def _holder(
    pid: int, user: str | None, application: str | None, state: str | None, query: str | None
) -> str:
    # pg_blocking_pids gives 0 for it.
    if pid == 0:
        return "a prepared transaction"
    who = ", ".join(filter(None, (user, application, state)))
    said = " ".join((query or "").split())
    if len(said) > _QUERY_LENGTH:
        said = f"{said[: _QUERY_LENGTH - 1]}…"
    return f"process {pid}" + (f" ({who})" if who else "") + (f": {said}" if said else "")
