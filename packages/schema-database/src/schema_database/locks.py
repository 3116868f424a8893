"""Says which locks each statement of a transaction takes on what others use, and for how long.

Knows PostgreSQL's lock modes; must not know what the statements are for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_database.address import connected
from schema_database.apply import ApplyError, apply_statement
from schema_database.errors import DatabaseError
from schema_database.waits import mode_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

ADVISORY = "ADVISORY"
"""The mode given to advisory locks, which are on a number and not on a table."""

_FROM_SHARE_ROW_EXCLUSIVE = ("SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")
_FROM_SHARE = ("SHARE", *_FROM_SHARE_ROW_EXCLUSIVE)
_FROM_SHARE_UPDATE_EXCLUSIVE = ("SHARE UPDATE EXCLUSIVE", *_FROM_SHARE)

CONFLICTS: dict[str, frozenset[str]] = {
    "ACCESS SHARE": frozenset({"ACCESS EXCLUSIVE"}),
    "ROW SHARE": frozenset({"EXCLUSIVE", "ACCESS EXCLUSIVE"}),
    "ROW EXCLUSIVE": frozenset(_FROM_SHARE),
    "SHARE UPDATE EXCLUSIVE": frozenset(_FROM_SHARE_UPDATE_EXCLUSIVE),
    "SHARE": frozenset({"ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", *_FROM_SHARE_ROW_EXCLUSIVE}),
    "SHARE ROW EXCLUSIVE": frozenset({"ROW EXCLUSIVE", *_FROM_SHARE_UPDATE_EXCLUSIVE}),
    "EXCLUSIVE": frozenset({"ROW SHARE", "ROW EXCLUSIVE", *_FROM_SHARE_UPDATE_EXCLUSIVE}),
    "ACCESS EXCLUSIVE": frozenset(
        {"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", *_FROM_SHARE_UPDATE_EXCLUSIVE}
    ),
    ADVISORY: frozenset({ADVISORY}),
}
"""Which modes must wait for each mode, weakest first: PostgreSQL's manual, 13.3.1."""

OF_QUERIES = frozenset({"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"})
"""What reads and writes of rows take themselves: they never wait for one another's."""

_ASKED = {
    "reads": "ACCESS SHARE",
    "writes": "ROW EXCLUSIVE",
    "row locks": "ROW SHARE",
    "VACUUM": "SHARE UPDATE EXCLUSIVE",
    "CREATE INDEX": "SHARE",
    "ALTER TABLE": "ACCESS EXCLUSIVE",
    "other runs": ADVISORY,
}
_MIGRATIONS = ("VACUUM", "CREATE INDEX", "ALTER TABLE")

_EXISTING = """
    SELECT c.oid, n.nspname || '.' || t.relname, c.oid <> t.oid
    FROM pg_class AS c
    LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
    JOIN pg_class AS t ON t.oid = coalesce(i.indrelid, c.oid)
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast%'
"""

_LOCKS = """
    SELECT relation, mode FROM pg_locks
    WHERE pid = %s AND granted AND (
      locktype = 'advisory'
      OR locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


@dataclass(frozen=True)
class Lock:
    """A lock that others can run into.

    Attributes:
        table: the qualified name of a table or view; None for an advisory lock.
        mode: a key of CONFLICTS.
    """

    table: str | None
    mode: str

    @property
    def blocks(self) -> tuple[str, ...]:
        """What must wait for it, in words: see `blocked_by`."""
        return blocked_by(self.mode)


@dataclass(frozen=True)
class TakenLock:
    """A lock that a statement takes.

    Attributes:
        lock: which.
        held_already: the run held it before this statement, or as much on the same table.
        held_seconds: how long the run held as much: from the beginning of the statement that first
            took it to the end of the transaction, which is when PostgreSQL releases locks; without
            the time spent on looking.
    """

    lock: Lock
    held_already: bool
    held_seconds: float


@dataclass(frozen=True)
class StatementLocks:
    """What one statement locked.

    Attributes:
        locks: all that it takes by itself, by table, then weakest first.
        seconds: how long the statement ran.
    """

    locks: tuple[TakenLock, ...]
    seconds: float


def blocked_by(mode: str) -> tuple[str, ...]:
    """Return what must wait for a lock, in words.

    Reads take ACCESS SHARE, row locks (`SELECT … FOR UPDATE`, the check of a foreign key) ROW SHARE
    and writes ROW EXCLUSIVE. What changes tables takes more, and is "other migrations" where all of
    it waits. Otherwise VACUUM stands for what takes SHARE UPDATE EXCLUSIVE, CREATE INDEX for
    SHARE and ALTER TABLE for ACCESS EXCLUSIVE. "Other runs" ask for the same advisory lock.

    Args:
        mode: a key of CONFLICTS.
    """
    words = [word for word, asked in _ASKED.items() if asked in CONFLICTS[mode]]
    if not set(words).issuperset(_MIGRATIONS):
        return tuple(words)
    return (*(word for word in words if word not in _MIGRATIONS), "other migrations")


def measure_locks(
    url: str,
    alone_url: str,
    statements: Sequence[tuple[int, str]],
    *,
    source: str,
    name: str,
) -> list[StatementLocks]:
    """Run statements as one transaction, and once more in one each; say what each of them locks.

    The first run says how long locks are held, but not that a statement takes one which the
    transaction holds already; the second says that.

    Args:
        url: a throwaway database for the first run: what the statements do is done.
        alone_url: another in the same state, for the second. What `SET LOCAL` has set before a
            statement is set for it there too.
        statements: where each begins in the source, in characters from 0, and its text; in order,
            without BEGIN and COMMIT.
        source: the text that they were cut from.
        name: what errors call it, usually its path.

    Returns:
        One for each statement. Tables and views that were not there before the run are left out, as
        are catalogs and temporary tables.

    Raises:
        ApplyError: a statement was refused.
        DatabaseError: one was refused in a transaction of its own; or nobody answers there.
    """
    taken, seconds, commit = _run_as_one(url, statements, source=source, name=name)
    alone = _run_each_alone(alone_url, statements, source=source, name=name)
    result = []
    for number, own in enumerate(alone):
        since = {lock: _held_since(lock, taken, number) for lock in own | taken[number]}
        locks = tuple(
            TakenLock(lock, since[lock] < number, sum(seconds[since[lock] :]) + commit)
            for lock in sorted(since, key=_order)
        )
        result.append(StatementLocks(locks, seconds[number]))
    return result


def _run_as_one(
    url: str, statements: Sequence[tuple[int, str]], *, source: str, name: str
) -> tuple[list[set[Lock]], list[float], float]:
    """Return what each statement newly locked, how long it took, and how long the commit took."""
    taken: list[set[Lock]] = []
    seconds: list[float] = []
    with connected(url) as connection, connected(url) as observer:
        look = _Look(observer, connection)
        held: set[Lock] = set()
        with connection.transaction():
            for start, statement in statements:
                begin = time.perf_counter()
                apply_statement(connection, statement, source=source, start=start, name=name)
                seconds.append(time.perf_counter() - begin)
                now = look.locks()
                taken.append(now - held)
                held |= now
            begin = time.perf_counter()
        return taken, seconds, time.perf_counter() - begin


def _run_each_alone(
    url: str, statements: Sequence[tuple[int, str]], *, source: str, name: str
) -> list[set[Lock]]:
    """Return what each statement locks where nothing is locked before."""
    found: list[set[Lock]] = []
    settings: list[tuple[int, str]] = []
    with connected(url) as connection, connected(url) as observer:
        look = _Look(observer, connection)
        for start, statement in statements:
            with connection.transaction():
                for begins, setting in settings:
                    apply_statement(connection, setting, source=source, start=begins, name=name)
                try:
                    apply_statement(connection, statement, source=source, start=start, name=name)
                except ApplyError as error:
                    if error.line is None:
                        raise
                    raise DatabaseError(
                        f"{name}:{error.line}:{error.column}: {error.sqlstate}: {error.message}, "
                        "but only where it runs in a transaction of its own",
                        "its own locks are told by running it so; let it not need what ends with "
                        "a transaction, such as set_config(…, TRUE) or ON COMMIT DROP",
                    ) from error
                found.append(look.locks())
            if statement.upper().split()[:2] == ["SET", "LOCAL"]:
                settings.append((start, statement))
    return found


class _Look:
    """Sees a session's locks from a second one, so that looking takes none.

    It knows what was there when it was made: nobody can wait for what nobody sees.
    """

    def __init__(self, observer: Connection[TupleRow], observed: Connection[TupleRow]) -> None:
        self._observer = observer
        self._pid = observed.info.backend_pid
        self._existing = {
            oid: (table, is_index) for oid, table, is_index in observer.execute(_EXISTING)
        }

    def locks(self) -> set[Lock]:
        found = set()
        for relation, mode in self._observer.execute(_LOCKS, [self._pid]):
            if relation is None:
                found.add(Lock(None, ADVISORY))
            elif relation in self._existing:
                table, is_index = self._existing[relation]
                lock = Lock(table, mode_in_words(mode))
                # Every query of a table opens all of its indexes, so it waits for whoever has one
                # to himself; only CREATE INDEX does not. Weaker locks stop what changes the index.
                if not is_index or lock.mode == "ACCESS EXCLUSIVE":
                    found.add(lock)
        return found


def _held_since(lock: Lock, taken: Sequence[set[Lock]], number: int) -> int:
    """Return which statement, up to a given one, made the run hold a lock or as much as it."""
    held: set[str] = set()
    for earlier in range(number):
        held.update(*(CONFLICTS[each.mode] for each in taken[earlier] if each.table == lock.table))
        if held >= CONFLICTS[lock.mode]:
            return earlier
    return number


def _order(lock: Lock) -> tuple[str, int]:
    return lock.table or "", list(CONFLICTS).index(lock.mode)
