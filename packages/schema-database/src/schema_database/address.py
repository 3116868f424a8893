"""Connection URLs: takes them apart, puts them together, hides their passwords, connects.

Knows libpq's parameters; must not know what a database is used for.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode

import psycopg
from psycopg import Connection, conninfo
from psycopg.pq import Conninfo

from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import TupleRow

_IN_AUTHORITY = ("user", "password", "host", "port", "dbname")
_SECRETS = ("password", "sslpassword", "oauth_client_secret")

_FORM = (
    "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; percent-encode special characters "
    "in the password and in parameters"
)


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
def connected(
    url: str, *, timeout: int = 10, application_name: str | None = None
) -> Iterator[Connection[TupleRow]]:
    """Connect, in autocommit mode, for the length of a `with` block.

    Args:
        url: where to.
        timeout: seconds to wait for each address, if the URL names no connect_timeout.
        application_name: what the session is called, whatever the URL says; None leaves it to that.

    Raises:
        DatabaseError: nobody answers there or lets us in.
    """
    connection = connect(url, timeout=timeout, application_name=application_name)
    try:
        yield connection
    finally:
        connection.close()


def connect(
    url: str, *, timeout: int = 10, application_name: str | None = None
) -> Connection[TupleRow]:
    """Connect in autocommit mode; the caller closes. As for `connected`."""
    parts = _parse(url)
    parts.setdefault("connect_timeout", timeout)
    parts.setdefault("application_name", "schema")
    if application_name is not None:
        parts["application_name"] = application_name
    try:
        return psycopg.connect(conninfo.make_conninfo("", **parts), autocommit=True)
    except psycopg.Error as error:
        said = " | ".join(str(error).strip().splitlines())
        raise DatabaseError(
            f"cannot connect to {masked(url)}: {said}",
            "check host, port, user and password; Supabase: take the direct connection's URL",
        ) from None


def check_url(url: str) -> None:
    """Refuse what no server could be reached by, without trying to reach one.

    Args:
        url: a URL, or libpq's `keyword=value` form.

    Raises:
        DatabaseError: it is empty, is no connection string, or has a parameter that there is not.
    """
    _parse(url)


def _parse(url: str) -> dict[str, str | int | None]:
    if not url.strip():
        # libpq would take it for the server of this machine.
        raise DatabaseError("the connection URL is empty", _FORM)
    try:
        return {key: value for key, value in conninfo.conninfo_to_dict(url).items() if value != ""}
    except psycopg.ProgrammingError:
        # Its message quotes the text, and with it the password.
        unknown = _unknown_parameter(url)
        if unknown is None:
            raise DatabaseError("this is no PostgreSQL connection URL", _FORM) from None
        raise DatabaseError(
            f"a PostgreSQL connection URL has no parameter {unknown!r}",
            f"take ?{unknown}=… out of it, or correct its name",
        ) from None


def _unknown_parameter(url: str) -> str | None:
    """Return the first parameter of a URL that libpq does not know, if it can be no secret."""
    before, _, query = url.partition("?")
    # With an @ behind it, the question mark may belong to the password.
    if not before.startswith(("postgresql://", "postgres://")) or "@" in query:
        return None
    # `ssl` is no parameter, but libpq takes JDBC's ssl=true for sslmode=require.
    known = {"ssl"} | {option.keyword.decode() for option in Conninfo.get_defaults()}
    names = [unquote(pair.partition("=")[0]) for pair in query.split("&") if pair]
    return next((name for name in names if name not in known), None)
