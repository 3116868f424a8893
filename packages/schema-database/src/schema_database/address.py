"""Connection URLs: takes them apart, puts them together, hides their passwords, connects.

Knows libpq's parameters; must not know what a database is used for.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg
from psycopg import Connection, conninfo

from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import TupleRow

_IN_AUTHORITY = ("user", "password", "host", "port", "dbname")
_SECRETS = ("password", "sslpassword", "oauth_client_secret")


def with_parts(url: str, **parts: str | None) -> str:
    """Return `url` as a postgresql:// URL with some of its parts replaced.

    Args:
        url: a URL, or libpq's `keyword=value` form.
        parts: libpq parameters (`user`, `password`, `dbname`, …); None removes one.

    Raises:
        DatabaseError: `url` is no connection string.
    """
    merged = {**_parse(url), **parts}
    known = {key: str(value) for key, value in merged.items() if value is not None}
    host = known.get("host", "")
    # A folder of sockets or a list of hosts cannot stand before the slash.
    plain = bool(host) and "/" not in host and "," not in host
    authority = quote(known.get("user", ""), safe="")
    if "password" in known:
        authority += ":" + quote(known["password"], safe="*")
    if authority:
        authority += "@"
    if plain:
        authority += f"[{host}]" if ":" in host else host
        authority += f":{known['port']}" if "port" in known else ""
    rest = {
        key: value
        for key, value in sorted(known.items())
        if key not in _IN_AUTHORITY or (not plain and key in {"host", "port"})
    }
    query = f"?{urlencode(rest, safe='*', quote_via=quote)}" if rest else ""
    return f"postgresql://{authority}/{quote(known.get('dbname', ''), safe='')}{query}"


def masked(url: str) -> str:
    """Return `url` fit to be shown: every secret in it is `***`."""
    try:
        parts = _parse(url)
    except DatabaseError:
        return "***"
    if "@" in str(parts.get("host", "")):
        return "***"  # An unescaped @ in the password: the rest of it is taken for the host.
    return with_parts(url, **{key: "***" for key in _SECRETS if key in parts})


@contextmanager
def connected(url: str, *, timeout: int = 10) -> Iterator[Connection[TupleRow]]:
    """Connect, in autocommit mode, for the length of a `with` block.

    Args:
        url: where to.
        timeout: seconds to wait for each address, if the URL names no connect_timeout.

    Raises:
        DatabaseError: nobody answers there or lets us in.
    """
    connection = connect(url, timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


def connect(url: str, *, timeout: int = 10) -> Connection[TupleRow]:
    """Connect in autocommit mode; the caller closes. As for `connected`."""
    parts = _parse(url)
    parts.setdefault("connect_timeout", timeout)
    parts.setdefault("application_name", "schema")
    try:
        return psycopg.connect(conninfo.make_conninfo("", **parts), autocommit=True)
    except psycopg.Error as error:
        said = " | ".join(str(error).strip().splitlines())
        raise DatabaseError(
            f"cannot connect to {masked(url)}: {said}",
            "check host, port, user and password; Supabase: take the direct connection's URL",
        ) from None


def _parse(url: str) -> dict[str, str | int | None]:
    try:
        return {key: value for key, value in conninfo.conninfo_to_dict(url).items() if value != ""}
    except psycopg.ProgrammingError:
        # Its message quotes the text, and with it the password.
        raise DatabaseError(
            "this is no PostgreSQL connection URL",
            "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; percent-encode "
            "special characters in the password",
        ) from None
