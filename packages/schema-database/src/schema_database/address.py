"""Connection URLs: takes them apart, puts them together, hides their passwords, connects.

Knows libpq's parameters; must not know what a database is used for.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode

import psycopg
from psycopg import Connection, conninfo
from psycopg.pq import Conninfo

from schema_database.environment import ignore_libpq_variables
from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg.rows import TupleRow

_IN_AUTHORITY = ("user", "password", "host", "port", "dbname")

SECRETS = (
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
)
"""libpq's parameters that let somebody in: those that it hides itself, and the keys of SCRAM."""

# What a URL leaves out, the shell may say: who logs in, and how the connection is secured. Where it
# leads, and how the session behaves, the shell may not.
_COMPLETED_BY_SHELL = re.compile(
    r"user|password|passfile|connect_timeout|channel_binding|require_?auth|requirepeer"
    r"|(?:ssl|gss|krb).*|(?:min|max)_protocol_version"
)
_PLACES = {
    "host": ("host", ("PGHOST", "PGHOSTADDR")),
    "port": ("port", ("PGPORT",)),
    "dbname": ("database", ("PGDATABASE",)),
}

_FORM = (
    "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; percent-encode special characters "
    "in the password and in parameters"
)
_ENCODE = "percent-encode it: write / as %2F, @ as %40, ? as %3F, # as %23, : as %3A and % as %25"


class ConnectionUrl(str):
    """A connection URL whose representation, as in a test report or a traceback, has no secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(masked(self))


def with_parts(url: str, **parts: str | None) -> ConnectionUrl:
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
    return ConnectionUrl(
        f"postgresql://{authority}/{quote(known.get('dbname', ''), safe='')}{query}"
    )


def masked(url: str) -> str:
    """Return `url` fit to be shown: every secret in it is `***`."""
    try:
        parts = _parse(url)
    except DatabaseError:
        return "***"
    return str(with_parts(url, **{key: "***" for key in SECRETS if key in parts}))


def without_secrets(url: str) -> str:
    """Return `url` fit for a command line, which every account of the machine may read.

    Raises:
        DatabaseError: `url` is no connection string.
    """
    return str(with_parts(url, **dict.fromkeys(SECRETS)))


def completed(url: str, variables: Mapping[str, str]) -> ConnectionUrl:
    """Return a URL that somebody gave, with what they left to the variables of their shell.

    Those say who logs in and how the connection is secured, as libpq has it: PGUSER, PGPASSWORD,
    PGPASSFILE, PGSSLMODE and their like. The place is the URL's: where it leaves out the host, the
    port or the database and a variable names one, it cannot be known which of them is meant.

    Args:
        url: a URL, or libpq's `keyword=value` form.
        variables: the shell's, by name.

    Raises:
        DatabaseError: `url` is no connection string, or leaves a place to a variable.
    """
    parts = _parse(url)
    if "service" not in parts:
        for key, (what, names) in _PLACES.items():
            rival = next((name for name in names if variables.get(name)), None)
            if rival and key not in parts and (key != "host" or "hostaddr" not in parts):
                raise DatabaseError(
                    f"the connection URL names no {what}, and {rival} is set",
                    f"write the {what} into the URL, or unset {rival}",
                )
    added = {
        option.keyword.decode(): variables[option.envvar.decode()]
        for option in Conninfo.get_defaults()
        if option.envvar
        and variables.get(option.envvar.decode())
        and option.keyword.decode() not in parts
        and _COMPLETED_BY_SHELL.fullmatch(option.keyword.decode())
    }
    return with_parts(url, **added) if added else ConnectionUrl(url)


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
    ignore_libpq_variables()
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
    except KeyboardInterrupt as error:
        # Its traceback would keep the half-made connection open, and DROP DATABASE waits for every
        # session of the server that is still logging in: a minute, if nobody ends it.
        clear_frames(error.__traceback__)
        raise


def _parse(url: str) -> dict[str, str | int | None]:
    if not url.strip():
        # libpq would take it for the server of this machine.
        raise DatabaseError("the connection URL is empty", _FORM)
    if "\0" in url:
        # libpq would take what stands before it for all.
        raise DatabaseError("this is no PostgreSQL connection URL", _FORM)
    _check_spelling(url)
    try:
        parts = {key: value for key, value in conninfo.conninfo_to_dict(url).items() if value != ""}
    except UnicodeError:
        # Bytes that are no UTF-8, as they stand or percent-encoded; the exception quotes them.
        raise DatabaseError("the connection URL is not UTF-8", _FORM) from None
    except psycopg.ProgrammingError:
        # Its message quotes the text, and with it the password.
        unknown = _unknown_parameter(url)
        if unknown is None:
            raise DatabaseError("this is no PostgreSQL connection URL", _FORM) from None
        raise DatabaseError(
            f"a PostgreSQL connection URL has no parameter {unknown!r}",
            f"take ?{unknown}=… out of it, or correct its name",
        ) from None
    if not re.fullmatch(r"\d{0,5}(,\d{0,5})*", str(parts.get("port", "")), re.ASCII):
        # It may be a password, where a host was forgotten; libpq would show it.
        raise DatabaseError("the port in the connection URL is no number", _FORM)
    return parts


def _check_spelling(url: str) -> None:
    """Refuse a URL in which it cannot be told where the password ends.

    libpq ends it at the first @, or takes what stands before a / for the host, whose name it then
    looks up. RFC 3986, section 3.2.1, has these characters percent-encoded there, all but the
    colon: of two, either may begin the password. The error is the same for all of them, because
    which one it was would be a part of the password.

    Raises:
        DatabaseError: something before the last @ is one of these characters, or a % does not begin
            an encoded character.
    """
    rest = _behind_scheme(url)
    if rest is None:
        return
    user, _, _ = rest.rpartition("@")
    if (
        user.count(":") > 1
        or re.search("[/?#@]", user)
        or re.search("%(?![0-9A-Fa-f]{2})|%00", rest)
    ):
        raise DatabaseError(
            "the user, the password or a parameter in the connection URL has a special character "
            "that is not percent-encoded",
            _ENCODE,
        )


def _unknown_parameter(url: str) -> str | None:
    """Return the first parameter of a URL that libpq does not know, if it can be no secret."""
    before, _, query = (_behind_scheme(url) or "").partition("?")
    names = [unquote(pair.partition("=")[0]) for pair in query.split("&") if pair]
    # Without an @, what is before the question mark may be a password where a host was forgotten;
    # and an unescaped & in one that is a parameter begins what looks like the next.
    if ("@" not in before and ":" in before) or set(SECRETS) & set(names):
        return None
    # `ssl` is no parameter, but libpq takes JDBC's ssl=true for sslmode=require.
    known = {"ssl"} | {option.keyword.decode() for option in Conninfo.get_defaults()}
    return next((name for name in names if name not in known), None)


def _behind_scheme(url: str) -> str | None:
    """Return what follows the scheme of a URL; None where libpq takes it for `keyword=value`."""
    scheme, separator, rest = url.partition("://")
    return rest if separator and scheme in {"postgresql", "postgres"} else None
