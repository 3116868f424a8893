"""Applying SQL as real clients do, and errors that say where."""

from __future__ import annotations

import psycopg
import pytest

from schema_database import (
    ApplyError,
    Database,
    DatabaseError,
    apply_as_one_transaction,
    apply_statement_by_statement,
)
from schema_database.waits import Wait


def _exists(database: Database, table: str) -> bool:
    with psycopg.connect(database.url) as connection:
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row == (True,)


def test_one_transaction_applies_all_or_nothing(one_database: Database) -> None:
    """An error in the last statement undoes the first, without BEGIN or COMMIT in the file."""
    with pytest.raises(ApplyError):
        apply_as_one_transaction(one_database.url, "CREATE TABLE a (); CREATE TABLE b (c no_type);")
    assert not _exists(one_database, "a")
    apply_as_one_transaction(one_database.url, "CREATE TABLE a (); CREATE TABLE b ();")
    assert _exists(one_database, "b")


def test_one_transaction_keeps_local_settings_for_the_whole_file(one_database: Database) -> None:
    """SET LOCAL holds from its line to the end of the file, and draws no warning."""
    check = "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '7s'; END $$;"
    assert (
        apply_as_one_transaction(one_database.url, f"SET LOCAL lock_timeout = '7s'; {check}") == ()
    )


def test_migrations_run_as_the_owner(one_database: Database) -> None:
    """The URL of a database logs in as `postgres`, which is no superuser."""
    apply_as_one_transaction(one_database.url, "CREATE TABLE a ();")
    with pytest.raises(ApplyError) as caught:
        apply_as_one_transaction(one_database.url, "ALTER SYSTEM SET work_mem = '1MB'")
    assert caught.value.sqlstate == "42501"
    assert _exists(one_database, "a")


def test_an_error_names_file_line_and_column(one_database: Database) -> None:
    """The position is that of the file, in characters, also behind umlauts and blank lines."""
    sql = "CREATE TABLE a ();\n\n-- Zähler für Größen\nCREATE TABLE ä (\n  c jsnob\n);\n"
    with pytest.raises(ApplyError) as caught:
        apply_as_one_transaction(one_database.url, sql, name="x.sql")
    error = caught.value
    assert (error.sqlstate, error.line, error.column, error.statement) == ("42704", 5, 5, 2)
    assert str(error).startswith('x.sql:5:5: 42704: type "jsnob" does not exist\n  help: ')


def test_an_error_without_a_position_names_where_the_statement_begins(
    one_database: Database,
) -> None:
    """PostgreSQL gives no position for many errors; the statement is found all the same."""
    sql = "CREATE TABLE a ();;\n\n-- größer\n/* why */ CREATE TABLE a ();\n"
    with pytest.raises(ApplyError) as caught:
        apply_as_one_transaction(one_database.url, sql, name="x.sql")
    assert (caught.value.line, caught.value.column, caught.value.statement) == (4, 11, 2)
    assert str(caught.value).startswith('x.sql:4:11: 42P07: relation "a" already exists')
    statements = ["SELECT 1;\n", "-- once more\nCREATE TABLE a ();\n", "CREATE TABLE a ();\n"]
    with pytest.raises(ApplyError) as caught:
        apply_statement_by_statement(one_database.url, statements)
    assert (caught.value.line, caught.value.column, caught.value.statement) == (4, 1, 3)


def test_a_lock_timeout_names_what_was_waited_for_and_who_held_it(
    one_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's own message says neither; whoever runs a migration needs both."""
    monkeypatch.setattr("schema_database.apply._LOOK_EVERY", 0.05)
    apply_as_one_transaction(one_database.url, "CREATE TABLE a ();")
    with psycopg.connect(one_database.url, application_name="reports") as reader:
        reader.execute("SELECT count(*)\nFROM a")
        holder = f"process {reader.info.backend_pid} (postgres, reports, idle in transaction)"
        with pytest.raises(ApplyError) as caught:
            apply_as_one_transaction(
                one_database.url, "SET LOCAL lock_timeout = '2s'; DROP TABLE a;", name="x.sql"
            )
    lines = str(caught.value).splitlines()
    assert lines[0] == "x.sql:1:32: 55P03: canceling statement due to lock timeout"
    wanted = "ACCESS EXCLUSIVE on public.a"
    assert lines[1] == f"  lock: waited for {wanted}, held by {holder}: SELECT count(*) FROM a"
    assert "run this again" in lines[2]
    assert _exists(one_database, "a")


def test_a_lock_timeout_behind_another_run_says_so(
    one_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrations keep each other out by an advisory lock, which is on no table."""
    monkeypatch.setattr("schema_database.apply._LOOK_EVERY", 0.05)
    lock = "SELECT pg_advisory_xact_lock(1)"
    with psycopg.connect(one_database.url) as other:
        other.execute(lock)
        holder = f"process {other.info.backend_pid} "
        with pytest.raises(ApplyError) as caught:
            apply_as_one_transaction(one_database.url, f"SET LOCAL lock_timeout = '2s'; {lock}")
    assert caught.value.wait is not None
    assert caught.value.wait.wanted.startswith("an advisory lock")
    assert caught.value.wait.holders[0].startswith(holder)


def test_a_look_that_comes_too_late_hides_nothing(
    one_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look may fall between the timeout and its message, and see a part or nothing."""
    monkeypatch.setattr("schema_database.apply._LOOK_EVERY", 0.05)
    held, let_go = Wait("SHARE on public.a", ("process 1",)), Wait("SHARE on public.a", ())
    looks = iter([None, let_go, held, let_go])
    monkeypatch.setattr("schema_database.apply.find_wait", lambda _: next(looks, None))
    lock = "SELECT pg_advisory_xact_lock(1)"
    with psycopg.connect(one_database.url) as other:
        other.execute(lock)
        with pytest.raises(ApplyError) as caught:
            apply_as_one_transaction(one_database.url, f"SET LOCAL lock_timeout = '1s'; {lock}")
    assert caught.value.wait == held


def test_a_lock_that_cannot_be_looked_at_is_still_an_error_like_others(
    one_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room for a second session, the first one says what it knows."""
    monkeypatch.setattr("schema_database.apply._LOOK_EVERY", 0.05)
    lock = "SELECT pg_advisory_xact_lock(2)"
    with (
        psycopg.connect(one_database.url) as other,
        psycopg.connect(one_database.url, autocommit=True) as connection,
    ):
        other.execute(lock)

        def refuse(*_: object, **__: object) -> None:
            raise psycopg.OperationalError("too many clients already")

        monkeypatch.setattr("schema_database.waits.psycopg.connect", refuse)
        with pytest.raises(ApplyError) as caught:
            apply_as_one_transaction(connection, f"SET LOCAL lock_timeout = '300ms'; {lock}")
    assert caught.value.sqlstate == "55P03"
    assert caught.value.wait is None
    assert "pg_stat_activity" in str(caught.value)


def test_an_error_keeps_detail_hint_and_place_in_a_block(one_database: Database) -> None:
    """What a DO block raises is told in full: its hint is the remedy."""
    sql = (
        "DO $$\nBEGIN\n  RAISE EXCEPTION 'drift' USING DETAIL = E'one\\ntwo', HINT = 'mend it',"
        " ERRCODE = 'P0042';\nEND\n$$;"
    )
    with pytest.raises(ApplyError) as caught:
        apply_as_one_transaction(one_database.url, sql, name="x.sql")
    assert str(caught.value) == (
        "x.sql:1:1: P0042: drift\n"
        "  detail: one\n    two\n"
        "  where: PL/pgSQL function inline_code_block line 3 at RAISE\n"
        "  help: mend it"
    )


def test_statement_by_statement_keeps_what_went_before(one_database: Database) -> None:
    """As with psql: the first error stops the run, and what was applied stays."""
    source = "CREATE TABLE a ();\nCREATE TABLE b (c no_type);\nCREATE TABLE d ();\n"
    statements = source.splitlines(keepends=True)
    with pytest.raises(ApplyError) as caught:
        apply_statement_by_statement(one_database.url, statements, name="x.sql")
    error = caught.value
    assert (error.line, error.column, error.statement) == (2, 19, 2)
    assert _exists(one_database, "a")
    assert not _exists(one_database, "d")


def test_statement_by_statement_counts_lines_of_the_source(one_database: Database) -> None:
    """Statements without the comments between them still give the lines of their file."""
    source = "-- a header\n\nSELECT 1;\n\n-- why\nSELECT 1;\nSELECT nothing;\n"
    with pytest.raises(ApplyError) as caught:
        apply_statement_by_statement(
            one_database.url, ["SELECT 1", "SELECT 1", "SELECT nothing"], source=source
        )
    assert (caught.value.line, caught.value.column) == (7, 8)


def test_notices_are_returned(one_database: Database) -> None:
    """A caller sees what PostgreSQL noticed, with its severity."""
    sql = "CREATE TABLE a (); CREATE TABLE IF NOT EXISTS a ();"
    notice = 'NOTICE: relation "a" already exists, skipping'
    assert apply_as_one_transaction(one_database.url, sql) == (notice,)
    again = ["CREATE TABLE IF NOT EXISTS a ();"]
    assert apply_statement_by_statement(one_database.url, again) == (notice,)


def test_a_percent_sign_is_no_placeholder(one_database: Database) -> None:
    """SQL goes to the server as it is."""
    apply_as_one_transaction(one_database.url, "DO $$ BEGIN ASSERT '50%s' LIKE '50%%'; END $$;")


def test_copy_from_the_client_is_refused_instead_of_waiting(one_database: Database) -> None:
    """COPY FROM STDIN would wait for data that never comes."""
    with pytest.raises(DatabaseError, match=r"x\.sql: statement 2 is a COPY"):
        apply_as_one_transaction(
            one_database.url, "CREATE TABLE a (b int); COPY a FROM STDIN;", name="x.sql"
        )
    assert not _exists(one_database, "a")


def test_a_caller_can_apply_within_its_own_transaction(one_database: Database) -> None:
    """On a connection inside a transaction the file becomes part of that."""
    with psycopg.connect(one_database.url) as connection:
        connection.execute("SELECT 1")
        apply_as_one_transaction(connection, "CREATE TABLE a ();")
        connection.rollback()
    assert not _exists(one_database, "a")


def test_a_lost_connection_is_an_error_like_others(one_database: Database) -> None:
    """A server that goes away in the middle is no traceback."""
    sql = "SELECT 1; SELECT pg_terminate_backend(pg_backend_pid());"
    with pytest.raises(ApplyError) as caught:
        apply_as_one_transaction(one_database.url, sql, name="x.sql")
    assert caught.value.sqlstate == ""
    assert str(caught.value).startswith("x.sql:statement 2: connection lost: ")
