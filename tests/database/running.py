"""The ways in which people run a migration; knows clients, not what the migration holds."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from schema_database import apply_as_one_transaction, apply_statement_by_statement
from schema_sql.source import Source
from schema_sql.statements import parse

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.errors import Diagnostic


class Way(StrEnum):
    """How a client sends a file."""

    TRANSACTION = "one-transaction"
    """All of it in one message, one implicit transaction: the SQL editor, `psql -1`."""

    PIPELINE = "one-pipeline"
    """One message a statement and a single Sync, so again one transaction: pgx, as in the CLI."""

    STATEMENTS = "statement-by-statement"
    """Each statement committed on its own: plain `psql -f`."""


ATOMIC = (Way.TRANSACTION, Way.PIPELINE)
"""The ways that apply all or nothing."""


@cache
def statements(text: str) -> tuple[str, ...]:
    """Cut a file into its statements."""
    return tuple(statement.text for statement in parse(Source("migration", text)).statements)


def run(way: Way, connection: Connection[Any], text: str) -> list[str]:
    """Run a file over a connection in autocommit mode.

    Returns:
        The warnings it gave, but the one that psql's way always gives for SET LOCAL.
    """
    match way:
        case Way.TRANSACTION:
            notices = list(apply_as_one_transaction(connection, text))
        case Way.STATEMENTS:
            notices = list(apply_statement_by_statement(connection, statements(text), source=text))
        case Way.PIPELINE:
            notices = _pipeline(connection, statements(text))
    return [
        notice.removeprefix("WARNING: ")
        for notice in notices
        if notice.startswith("WARNING") and "SET LOCAL" not in notice
    ]


def _pipeline(connection: Connection[Any], parts: tuple[str, ...]) -> list[str]:
    seen: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        seen.append(f"{diagnostic.severity_nonlocalized}: {diagnostic.message_primary}")

    connection.add_notice_handler(note)
    try:
        with connection.pipeline():
            for part in parts:
                connection.execute(part)
    finally:
        connection.remove_notice_handler(note)
    return seen
