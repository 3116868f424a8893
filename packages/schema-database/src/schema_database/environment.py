"""Which variables of the shell count: for child processes, and for libpq in this process.

Knows variables by name; must not know what a child does or where a server is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from psycopg.pq import Conninfo

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOR_PROGRAMS = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    # Windows starts next to nothing without these.
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
)

FOR_CLIENTS = (
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
    "KRB5CCNAME",
    "KRB5_CONFIG",
    "KRB5_CLIENT_KTNAME",
)
"""What a client needs besides to find the files that a connection URL relies on: ~/.pgpass,
~/.postgresql, pg_service.conf, certificates and tickets. None of them holds a secret itself."""

# "Environment Variables" in libpq's documentation has these besides those of connection options.
_OF_SESSIONS = ("PGDATESTYLE", "PGTZ", "PGGEQO")

_taken: dict[str, str] = {}
"""What `ignore_libpq_variables` removed: `shell_variables` still has it."""


def child_environment(*names: str) -> dict[str, str]:
    """Return the environment of a child process: the few variables that a program needs to run.

    A list of what is passed on, not of what is held back: DATABASE_URL, PGPASSWORD and whatever
    token the shell has would otherwise be there to read for the account that the child runs as.

    Args:
        names: variables that this child needs besides, such as FOR_CLIENTS.
    """
    return {name: os.environ[name] for name in (*_FOR_PROGRAMS, *names) if name in os.environ}


def ignore_libpq_variables() -> None:
    """Let no variable of the shell change where or how this process connects from now on.

    libpq reads them whatever the connection URL says: PGHOSTADDR leads to another server, PGSERVICE
    fails where its file is missing, PGOPTIONS changes every session. Only their absence from the
    environment keeps it from that, since PGSERVICE, PGTZ and PGDATESTYLE cannot be overridden.
    What may complete a URL is taken from `shell_variables` instead.
    """
    for name in _libpq_variables() & os.environ.keys():
        # Another thread may be doing the same.
        value = os.environ.pop(name, None)
        if value is not None:
            _taken[name] = value


def shell_variables() -> Mapping[str, str]:
    """Return the environment as the shell gave it, with what is ignored here."""
    return {**_taken, **os.environ}


def ignored_variables() -> list[str]:
    """Return the names of the shell's variables that are ignored here, sorted."""
    return sorted(_taken)


def _libpq_variables() -> set[str]:
    options = (option.envvar for option in Conninfo.get_defaults())
    return {name.decode() for name in options if name} | {*_OF_SESSIONS}
