"""Reads from a server that others depend on; must not know what is read.

One short transaction, which can change nothing and sees one moment.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import IsolationLevel

from schema_database.address import connected, masked
from schema_database.engine import OLDEST_MAJOR
from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection
    from psycopg.rows import TupleRow


@contextmanager
def live_transaction(url: str, *, timeout: float = 15.0) -> Iterator[Connection[TupleRow]]:
    """Open a read-only transaction in which every name is one of PostgreSQL's own.

    Args:
        url: where; any role that may connect will do.
        timeout: seconds that each query may take, waiting for a lock included.

    Yields:
        The connection, in a transaction of REPEATABLE READ whose `search_path` is `pg_catalog`.

    Raises:
        DatabaseError: nobody answers there, or not in time; it is too old, or something in it
            cannot be read.
    """
    remedy = "try again; if it persists, look for a long migration that holds locks there"
    try:
        with connected(url) as connection:
            major = connection.info.server_version // 10000
            if major < OLDEST_MAJOR:
                raise DatabaseError(
                    f"{masked(url)} is PostgreSQL {major}: too old, Supabase runs {OLDEST_MAJOR}"
                    " and later",
                    "name a newer one",
                )
            connection.read_only = True
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            with connection.transaction():
                connection.execute(
                    "SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),"
                    " pg_catalog.set_config('quote_all_identifiers', 'off', true),"
                    " pg_catalog.set_config('statement_timeout', %s, true)",
                    [str(int(timeout * 1000))],
                )
                yield connection
    except psycopg.Error as error:
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        if error.sqlstate == "42501":
            remedy = "give that role what it lacks, or name another in the URL"
        raise DatabaseError(f"cannot read the catalog of {masked(url)}: {said}", remedy) from error
    except UnicodeDecodeError as error:
        raise DatabaseError(
            f"cannot read the catalog of {masked(url)}: it holds a name that is not UTF-8",
            "rename it: the database has no encoding of its own (SQL_ASCII)",
        ) from error
