"""Holds a database against what the migrations make: its tables, and what surrounds them.

Knows that both count; what each means is known to `catalog` and `boundary_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_database.boundary_reader import read_boundary
from schema_database.boundary_rules import judge
from schema_database.catalog import read_catalog, verify
from schema_database.findings import in_order
from schema_database.live import live_transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from schema_database.boundary import Boundary
    from schema_database.catalog import Catalog
    from schema_database.findings import Finding


@dataclass(frozen=True)
class Snapshot:
    """All of a database that a verification looks at, as it was at one moment."""

    catalog: Catalog
    boundary: Boundary


def read_snapshot(connection: Connection[TupleRow], tables: Sequence[str]) -> Snapshot:
    """Read a database.

    Args:
        connection: any; its transaction and settings stay as they are.
        tables: the tables that count, each as `public.name`.

    Raises:
        psycopg.Error: the connection is lost, or its transaction has failed.
    """
    return Snapshot(read_catalog(connection), read_boundary(connection, tables))


def read_live_snapshot(url: str, tables: Sequence[str], *, timeout: float = 15.0) -> Snapshot:
    """Read a database that others depend on, in one read-only transaction.

    Args:
        url: where; any role that may connect will do.
        tables: the tables that count, each as `public.name`.
        timeout: seconds that each query may take, waiting for a lock included.

    Raises:
        DatabaseError: nobody answers there, or not in time; it is too old, or something in it
            cannot be read.
    """
    with live_transaction(url, timeout=timeout) as connection:
        return read_snapshot(connection, tables)


def compare(expected: Snapshot, actual: Snapshot, tables: Sequence[str]) -> list[Finding]:
    """Say what is not as declared, and where tenancy does not hold though it is.

    Args:
        expected: of a database that holds the migrations' result.
        actual: of the database in question.
        tables: the tables that count.

    Returns:
        The findings, differences first, each once, in an order that never changes.

    Raises:
        DatabaseError: `expected` has no such table.
    """
    return in_order(
        [
            *verify(expected.catalog, actual.catalog, tables),
            *judge(expected.boundary, actual.boundary),
        ]
    )
