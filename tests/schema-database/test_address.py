"""Connection URLs."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from schema_database import DatabaseError, masked
from schema_database.address import ConnectionUrl, completed, connected, with_parts, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

WORD = "s3cr@t"
NOTHING: Mapping[str, str] = {}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr%40t@db.example:6543/app?sslmode=require",
        "postgres://me:s3cr%40t@[::1]/app",
        "postgresql://:s3cr%40t@/app",
        "host=/var/run/postgresql user=me password=s3cr@t dbname=app",
        "host=h user=me password='s3cr@t and more' dbname=app",
        "postgresql://me@a.example:1,b.example:2/app?password=s3cr%40t",
        "postgresql://me@h/app?sslpassword=s3cr%40t&passfile=/home/me/pass",
        "postgresql://me@h/app?oauth_client_secret=s3cr%40t",
        "postgresql://me@h/app?scram_client_key=s3cr%40t&scram_server_key=s3cr%40t",
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str) -> None:
    """Whatever form a URL has, its secrets are hidden and the rest is the same."""
    shown = masked(url)
    assert "s3cr" not in shown
    assert shown.count("***") >= 1
    before = conninfo_to_dict(url)
    hidden = {key: "***" for key, value in before.items() if "s3cr" in str(value)}
    assert conninfo_to_dict(shown) == {**before, **hidden}
    kept = {key: value for key, value in before.items() if key not in hidden}
    assert conninfo_to_dict(without_secrets(url)) == kept


def test_a_report_shows_a_url_without_its_password() -> None:
    """Tests and tracebacks print values as `repr` does: of what the package makes, no secret."""
    url = with_parts("postgresql://me@h/app", password=WORD)
    assert "s3cr%40t" in url
    assert repr(url) == "'postgresql://me:***@h/app'"
    assert repr(completed("postgresql://me:s3cr@h/app", NOTHING)) == "'postgresql://me:***@h/app'"


def test_a_report_of_a_failed_connection_shows_no_password() -> None:
    """Pytest shows the arguments of each function on the way, those of psycopg's own included."""
    secret = "s3" + "cret"
    url = with_parts("postgresql://me@127.0.0.1:1/app", password=secret)
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(url, options="-c geqo=off")
    report = str(caught.getrepr(funcargs=True))
    assert "psycopg.connect(url" in report
    assert secret not in report


@pytest.mark.parametrize(
    "mistyped",
    [
        "postgresql://me:s3cr%t@host/app",
        "postgresql://me:s3cr%00t@host/app",
        "postgresql://me:s3cr%fft@host/app",
        "postgresql://me:s3cr\udcfft@host/app",
        "postgresql://me:s3cr/t@host/app",
        "postgresql://me:s3cr@t@host/app",
        "postgresql://me:s3cr?t@host/app",
        "postgresql://me:s3cr#t@host/app",
        "postgresql://me:s3cr:t@host/app",
        "postgresql://me:s3cr t@host/app",
        "postgresql://me@host:s3cr@host/app",
        "postgresql://me:s3cr/app",
        "postgresql://me:s3cr?t=1",
        "postgresql://host/app?password=s3cr@t",
        "postgresql://host/app?password=pass&s3cr=t",
        "postgresql://me:pass@host/app?password=pass&s3cr",
        "postgresql://me@host/app?sslpassword=pass=s3cr",
        "postgresql+driver://me:s3cr@host/app",
        "me:s3cr@host/app",
        "host=host password=pass s3cr",
        "host=host password=pass s3cr=t",
        "host=host password='s3cr t",
        "host=host port=s3cr",
    ],
)
def test_what_is_no_url_is_not_echoed(mistyped: str) -> None:
    """A mistyped URL may hold a password anywhere: neither error nor mask repeats it."""
    assert masked(mistyped) == "***"
    with pytest.raises(DatabaseError) as caught:
        with_parts(mistyped, dbname="x")
    assert "s3cr" not in str(caught.value) + repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "percent-encode" in caught.value.remedy


@given(password=st.text(min_size=1))
@example("p@ss")
@example("my/p@ss?word#1:2%3")
@example("50%")
@example("\0")
@example("%41%zz")
@example("@host/db?user=me&password=")
def test_no_password_changes_what_is_said(password: str) -> None:
    """As it stands in a URL, or wherever a line about it is cut, a password is in no message."""
    for prefix, suffix in (
        ("postgresql://me:", "@127.0.0.1:1/db"),
        ("postgresql://me:", "@127.0.0.1:1/db?sslmode=require"),
        ("postgresql://127.0.0.1:1/db?user=me&password=", ""),
        ("host=127.0.0.1 port=1 user=me password=", ""),
    ):
        url = f"{prefix}{password}{suffix}"
        said = _refusal(url)
        if said:
            assert said in SAID
            assert masked(url) == "***"
        else:
            parts = {key: value for key, value in conninfo_to_dict(url).items() if value != ""}
            assert parts["host"] == "127.0.0.1"
            hidden = {"password": "***"} if "password" in parts else {}
            assert conninfo_to_dict(masked(url)) == parts | hidden


def _refusal(url: str) -> str:
    """Return what is said of a URL, on one line; empty where it is accepted."""
    try:
        completed(url, NOTHING)
    except DatabaseError as error:
        return " ".join(str(error).split())
    return ""


_FORM = (
    "help: write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; "
    "percent-encode special characters in the password and in parameters"
)
SAID = {
    (
        "the user, the password or a parameter in the connection URL has a special character that "
        "is not percent-encoded help: percent-encode it: write / as %2F, @ as %40, ? as %3F, # as "
        "%23, : as %3A and % as %25"
    ),
    f"this is no PostgreSQL connection URL {_FORM}",
    f"the connection URL is not UTF-8 {_FORM}",
    f"the port in the connection URL is no number {_FORM}",
}
"""All that is said of a URL that cannot be read."""


@given(password=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_every_password_can_be_written(password: str) -> None:
    """Percent-encoded, as the remedy has it, any password means itself, and parts stay apart."""
    url = f"postgresql://me:{quote(password, safe='')}@h/a?sslmode=require"
    assert completed(url, NOTHING) == url
    assert conninfo_to_dict(url)["password"] == password
    assert with_parts("postgresql://me@h/a?sslmode=require", password=password) == with_parts(url)


def test_parts_are_replaced_and_removed() -> None:
    """A part given replaces the URL's, None removes it, and special characters survive."""
    word = "p/@:"
    old = "postgresql://me:x@h/a?sslmode=require"
    url = with_parts(old, dbname="b c", password=word, user=None)
    assert conninfo_to_dict(url) == {
        "password": word,
        "host": "h",
        "dbname": "b c",
        "sslmode": "require",
    }


def test_a_server_that_does_not_answer_is_one_error() -> None:
    """Nobody listens on port 1: the error names the address, not the password."""
    with (
        pytest.raises(DatabaseError, match=r"cannot connect to postgresql://me:") as caught,
        connected("postgresql://me:s3cret@127.0.0.1:1/app"),
    ):
        pass
    assert "s3cret" not in str(caught.value)
    assert "\n" not in caught.value.fact


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_an_interrupted_connection_is_closed_at_once() -> None:
    """Not when its traceback is forgotten: DROP DATABASE waits for whoever is still logging in."""

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    def answer() -> socket.socket:
        client = listener.accept()[0]
        client.recv(1)
        signal.pthread_kill(main, signal.SIGUSR1)
        return client

    main = threading.get_ident()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
            accepted = pool.submit(answer)
            url = f"postgresql://127.0.0.1:{listener.getsockname()[1]}/db?sslmode=disable"
            with pytest.raises(KeyboardInterrupt) as caught, connected(url):
                pass
            with accepted.result() as client:
                client.settimeout(60)
                while client.recv(1024):
                    pass
            assert caught.value.__traceback__ is not None
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("url", ["postgresql://me:my@word@h/db", "postgresql://me:my/word@h/db"])
def test_no_part_of_a_password_is_looked_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server would be asked for `word@h` or `me`, as libpq understands it; none is."""

    def connect(*_arguments: object, **_options: object) -> None:
        raise AssertionError("it was tried")

    monkeypatch.setattr("psycopg.connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    with pytest.raises(DatabaseError, match="not percent-encoded"), connected(url):
        pass


@pytest.mark.parametrize(
    ("url", "added"),
    [
        ("postgresql://h:1/db", {"user": "shell", "password": WORD}),
        ("postgresql://me@h:1/db", {"password": WORD}),
        ("postgresql://me:mine@h:1/db", {}),
        ("host=h port=1 dbname=db user=me", {"password": WORD}),
    ],
)
def test_the_shell_completes_who_logs_in_and_how_it_is_secured(
    url: str, added: dict[str, str]
) -> None:
    """PGPASSWORD with a URL without one is libpq's normal use; what the URL says itself stays."""
    secured = {"sslmode": "verify-full", "sslrootcert": "/ca", "passfile": "/p"}
    variables = {
        "PGUSER": "shell",
        "PGPASSWORD": WORD,
        "PGPASSFILE": "/p",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca",
        "PGCONNECT_TIMEOUT": "",
    }
    found = completed(url, variables)
    assert conninfo_to_dict(found) == {**conninfo_to_dict(url), **added, **secured}
    assert completed(found, variables) == found
    assert isinstance(found, ConnectionUrl)


def test_the_shell_changes_neither_the_place_nor_the_session() -> None:
    """Another server would answer under the URL's name, or the same one otherwise."""
    others = (
        *("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGTARGETSESSIONATTRS"),
        *("PGOPTIONS", "PGCLIENTENCODING", "PGAPPNAME", "PGTZ", "PGDATESTYLE", "PGGEQO"),
        *("PGLOADBALANCEHOSTS",),
    )
    url = "postgresql://me:my@h:1/db"
    assert completed(url, dict.fromkeys(others, "x")) == url


@pytest.mark.parametrize(
    ("url", "variable", "what"),
    [
        ("postgresql:///db", "PGHOST", "host"),
        ("postgresql:///db", "PGHOSTADDR", "host"),
        ("postgresql://h/db", "PGPORT", "port"),
        ("postgresql://h:1", "PGDATABASE", "database"),
    ],
)
def test_a_url_that_leaves_its_place_to_the_shell_is_refused(
    url: str, variable: str, what: str
) -> None:
    """It cannot be known which of the two was meant, and another server may answer."""
    with pytest.raises(DatabaseError) as caught:
        completed(url, {variable: "1"})
    assert str(caught.value) == (
        f"the connection URL names no {what}, and {variable} is set\n"
        f"  help: write the {what} into the URL, or unset {variable}"
    )
    assert completed(f"{url}{'&' if '?' in url else '?'}service=s", {variable: "1"})
