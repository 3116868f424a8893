"""Connection URLs."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from schema_database import DatabaseError, masked
from schema_database.address import connected, with_parts


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr%40t@db.example:6543/app?sslmode=require",
        "postgres://me:s3cr%40t@[::1]/app",
        "host=/var/run/postgresql user=me password=s3cr@t dbname=app",
        "postgresql://me@a.example:1,b.example:2/app?password=s3cr%40t",
    ],
)
def test_a_url_is_shown_without_its_password(url: str) -> None:
    """Whatever form a URL has, its password is hidden and the rest is the same."""
    shown = masked(url)
    assert "s3cr" not in shown
    assert conninfo_to_dict(shown) == {**conninfo_to_dict(url), "password": "***"}


def test_what_is_no_url_is_not_echoed() -> None:
    """A mistyped URL may hold a password anywhere: neither error nor mask repeats it."""
    mistyped = "postgresql://me:s3cr%t@host/app"
    assert masked(mistyped) == "***"
    with pytest.raises(DatabaseError) as caught:
        with_parts(mistyped, dbname="x")
    assert "s3cr" not in str(caught.value)
    assert "percent-encode" in caught.value.remedy


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
