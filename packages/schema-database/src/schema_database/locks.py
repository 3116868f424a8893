"""Says which locks each statement of a transaction takes on what others use, and for how long.

Knows PostgreSQL's lock modes; must not know what the statements are for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_database.address import connected
from schema_database.apply import apply_as_one_transaction
from schema_database.waits import mode_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

ADVISORY = "ADVISORY"
"""The mode given to advisory locks, which are on a number and not on a table."""

BLOCKS: dict[str, tuple[str, ...]] = {
    "ACCESS SHARE": (),
    "ROW SHARE": (),
    "ROW EXCLUSIVE": (),
    "SHARE UPDATE EXCLUSIVE": ("other migrations",),
    "SHARE": ("writes", "other migrations"),
    "SHARE ROW EXCLUSIVE": ("writes", "other migrations"),
    "EXCLUSIVE": ("writes", "row locks", "other migrations"),
    "ACCESS EXCLUSIVE": ("reads", "writes", "row locks", "other migrations"),
    ADVISORY: ("other runs",),
}
"""What must wait for a lock of each mode, weakest first.

Reads take ACCESS SHARE, row locks (`SELECT … FOR UPDATE`, the check of a foreign key) ROW SHARE,
writes ROW EXCLUSIVE; whatever takes more counts as a migration here, VACUUM too. The three weakest
make only migrations wait that want the table to themselves. An advisory lock makes those wait that
ask for the same number. From PostgreSQL's manual, 13.3.1, table "Conflicting Lock Modes".
"""

# Seen from a second connection, so that looking takes no lock. It finds in pg_class only what was
# there before the transaction: nobody can wait for what nobody sees.
_LOCKS = """
    SELECT n.nspname, c.relname, l.mode
    FROM pg_locks AS l
    JOIN pg_class AS c ON c.oid = l.relation
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.pid = %(pid)s AND l.locktype = 'relation' AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_temp\\_%%' AND n.nspname NOT LIKE 'pg\\_toast%%'
    UNION ALL
    SELECT NULL, NULL, NULL FROM pg_locks
    WHERE pid = %(pid)s AND locktype = 'advisory' AND granted
"""


@dataclass(frozen=True)
class Lock:
    """A lock that others can run into.

    Attributes:
        table: the qualified name of a table or view; None for an advisory lock.
        mode: a key of BLOCKS.
    """

    table: str | None
    mode: str

    @property
    def blocks(self) -> tuple[str, ...]:
        """What must wait for it, in words."""
        return BLOCKS[self.mode]


@dataclass(frozen=True)
class StatementLocks:
    """What one statement took that the transaction did not hold before.

    Attributes:
        locks: by table, then weakest first.
        seconds: how long the statement ran.
        held_seconds: from its beginning to the end of the transaction, which is when PostgreSQL
            releases locks; without the time spent on looking.
    """

    locks: tuple[Lock, ...]
    seconds: float
    held_seconds: float


def measure_locks(url: str, statements: Sequence[str], *, name: str) -> list[StatementLocks]:
    """Run statements as one transaction, commit it, and say what each of them locked.

    Args:
        url: a throwaway database: what the statements do is done.
        statements: one each, in order, without BEGIN and COMMIT.
        name: what errors call them, usually the path of their file.

    Returns:
        One for each statement. Tables and views that the transaction itself creates are left out,
        as are catalogs and temporary tables.

    Raises:
        ApplyError: a statement was refused.
        DatabaseError: nobody answers there.
    """
    taken: list[list[Lock]] = []
    seconds: list[float] = []
    with connected(url) as connection, connected(url) as observer:
        pid = connection.info.backend_pid
        held: set[Lock] = set()
        with connection.transaction():
            for statement in statements:
                begin = time.perf_counter()
                apply_as_one_transaction(connection, statement, name=name)
                seconds.append(time.perf_counter() - begin)
                now = _read_locks(observer, pid)
                taken.append(sorted(now - held, key=_order))
                held |= now
            begin = time.perf_counter()
        commit = time.perf_counter() - begin
    return [
        StatementLocks(tuple(locks), seconds[number], sum(seconds[number:]) + commit)
        for number, locks in enumerate(taken)
    ]


def _read_locks(observer: Connection[TupleRow], pid: int) -> set[Lock]:
    return {
        Lock(None, ADVISORY) if mode is None else Lock(f"{schema}.{table}", mode_in_words(mode))
        for schema, table, mode in observer.execute(_LOCKS, {"pid": pid}).fetchall()
    }


def _order(lock: Lock) -> tuple[str, int]:
    return lock.table or "", list(BLOCKS).index(lock.mode)
