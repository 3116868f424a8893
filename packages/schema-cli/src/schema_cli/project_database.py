"""Which database the user means: knows the argument and DATABASE_URL; connects to nothing."""

from __future__ import annotations

import os

from schema_database import DatabaseError
from schema_database.address import check_url
from schema_targets.workspace import UsageError

VARIABLE = "DATABASE_URL"
"""The environment variable; empty counts as unset, which is how people switch it off."""


def database_url(argument: str | None = None) -> str | None:
    """The URL that the user gave, otherwise that of DATABASE_URL, or None without either.

    An empty argument is no way to leave it out: it is a variable of the user's that is not set,
    and another server than the one that was meant would answer.

    Args:
        argument: What was given on the command line; None where nothing was.

    Returns:
        A URL that a server may be reached by.

    Raises:
        UsageError: It is empty, or no PostgreSQL connection URL.
    """
    url = os.environ.get(VARIABLE) or None if argument is None else argument
    if url is None:
        return None
    try:
        check_url(url)
    except DatabaseError as error:
        raise UsageError(f"{VARIABLE}: {error}" if argument is None else str(error)) from None
    return url
