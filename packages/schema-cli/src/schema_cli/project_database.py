"""Which database the user means: knows the argument and the shell; connects to nothing."""

from __future__ import annotations

import os

from schema_database import DatabaseError
from schema_database.address import ConnectionUrl, completed
from schema_database.environment import shell_variables
from schema_targets.workspace import UsageError

VARIABLE = "DATABASE_URL"
"""The environment variable; empty counts as unset, which is how people switch it off."""


def database_url(argument: str | None = None) -> ConnectionUrl | None:
    """The URL that the user gave, otherwise that of DATABASE_URL, or None without either.

    An empty argument is no way to leave it out: it is a variable of the user's that is not set,
    and another server than the one that was meant would answer.

    Args:
        argument: What was given on the command line; None where nothing was.

    Returns:
        A URL that a server may be reached by, with what it leaves to variables such as PGPASSWORD.

    Raises:
        UsageError: It is empty, no PostgreSQL connection URL, or leaves the place to a variable.
    """
    url = os.environ.get(VARIABLE) or None if argument is None else argument
    if url is None:
        return None
    try:
        return completed(url, shell_variables())
    except DatabaseError as error:
        raise UsageError(f"{VARIABLE}: {error}" if argument is None else str(error)) from None
