"""Throwaway databases: quick, shared between processes, and never a trace on a borrowed server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from schema_database import (
    ApplyError,
    Cluster,
    DatabaseError,
    PrivilegeRegime,
    Template,
    find_engine,
    janitor,
    private_server,
)
from schema_database.address import with_parts
from schema_database.throwaway import LOGIN_LIFETIME, PREFIX, remove_run, renew_login

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Stubs = tuple[tuple[str, str], ...]
LEGACY = PrivilegeRegime.LEGACY
GONE_WITHIN = 60
PASSWORD = "s3cret"


def _rows(url: str, query: str) -> list[Any]:
    """Return the rows of the query's last statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        while cursor.nextset():
            pass
        return cursor.fetchall()


def _databases(url: str) -> set[str]:
    return {str(name) for (name,) in _rows(url, "SELECT datname FROM pg_database")}


# ---- any cluster


def test_a_clone_is_a_test_s_own(one_cluster: Cluster, legacy_template: Template) -> None:
    """What one test does to its database is not seen in the next, and the database goes."""
    with one_cluster.clone(legacy_template) as first:
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE mine ()")
        with one_cluster.clone(legacy_template) as second:
            assert _rows(second.url, "SELECT to_regclass('mine')") == [(None,)]
            assert {first.name, second.name} <= _databases(second.admin_url)
            admin_url = with_parts(second.admin_url, dbname="postgres")
    assert not {first.name, second.name} & _databases(admin_url)


def test_a_clone_goes_even_while_somebody_is_connected(
    one_cluster: Cluster, legacy_template: Template
) -> None:
    """A test that forgets its connection does not break the next."""
    with one_cluster.clone(legacy_template) as database:
        forgotten = psycopg.connect(database.url)
    with forgotten, pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")


def test_processes_share_a_cluster_by_its_handle(
    one_cluster: Cluster, legacy_template: Template, stub_texts: Stubs
) -> None:
    """Whoever attaches finds the templates that are there, and makes clones of its own."""
    handle = json.loads(json.dumps({"handle": one_cluster.handle()}))["handle"]
    with Cluster.attach(handle) as attached:
        assert attached.template(LEGACY, stub_texts) == legacy_template
        with attached.clone(legacy_template) as database:
            assert _rows(database.url, "SELECT current_user::text") == [("postgres",)]
    with one_cluster.clone(legacy_template):
        pass


def test_workers_that_start_at_once_make_one_template(
    one_cluster: Cluster, stub_texts: Stubs
) -> None:
    """One makes it, the others wait for it."""
    stubs = (*stub_texts, ("own.sql", "CREATE TABLE made_once ();"))

    def work(_number: int) -> str:
        with Cluster.attach(one_cluster.handle()) as worker:
            return worker.template(LEGACY, stubs).name

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(4)))) == 1


def test_another_input_makes_another_template(one_cluster: Cluster, stub_texts: Stubs) -> None:
    """Regime, stubs and migrations each count; a migration runs as the owner."""
    migration = (("m.sql", "CREATE TABLE migrated (); "),)
    plain = one_cluster.template(LEGACY, stub_texts)
    explicit = one_cluster.template(PrivilegeRegime.EXPLICIT, stub_texts)
    migrated = one_cluster.template(LEGACY, stub_texts, migration)
    assert len({plain.name, explicit.name, migrated.name}) == 3
    with one_cluster.clone(migrated) as database:
        assert _rows(
            database.url, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'migrated'"
        ) == [("postgres",)]


def test_a_half_made_template_is_made_again(one_cluster: Cluster, stub_texts: Stubs) -> None:
    """A process that was killed while making one leaves it open, and nobody uses it."""
    stubs = (*stub_texts, ("own.sql", "CREATE TABLE whole ();"))
    template = one_cluster.template(LEGACY, stubs)
    with one_cluster.clone(template) as database:
        admin_url = with_parts(database.admin_url, dbname="postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {template.name} ALLOW_CONNECTIONS true")
        with psycopg.connect(with_parts(admin_url, dbname=template.name)) as open_one:
            open_one.execute("DROP TABLE whole")
    assert one_cluster.template(LEGACY, stubs) == template
    with one_cluster.clone(template) as database:
        assert _rows(database.url, "SELECT to_regclass('whole') IS NOT NULL") == [(True,)]


def test_a_refused_migration_leaves_no_template(one_cluster: Cluster, stub_texts: Stubs) -> None:
    """The error is the migration's own, and its database is gone."""
    before = _databases(_admin_url(one_cluster))
    with pytest.raises(ApplyError, match=r"^m\.sql:1:8: 42703: "):
        one_cluster.template(LEGACY, stub_texts, (("m.sql", "SELECT nothing"),))
    assert _databases(_admin_url(one_cluster)) == before


def test_no_representation_shows_a_password(
    one_cluster: Cluster, legacy_template: Template
) -> None:
    """Test reports print values: none of these holds a password."""
    secret = json.loads(one_cluster.handle())["owner_password"]
    with one_cluster.clone(legacy_template) as database:
        assert secret in database.url
        assert secret not in repr(database) + repr(one_cluster) + one_cluster.shown_url


# ---- a borrowed server


@pytest.fixture(scope="module")
def lender() -> Iterator[str]:
    """Return a superuser's URL of a server that is somebody's: it has a table and a role."""
    with private_server(find_engine()) as server:
        url = with_parts(
            f"postgresql://127.0.0.1:{server.port}/postgres",
            user=server.superuser,
            password=server.password,
        )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE theirs AS SELECT 1 AS a")
            connection.execute("CREATE ROLE postgres SUPERUSER LOGIN")
            connection.execute("COMMENT ON ROLE postgres IS 'the administrator'")
        yield url


def _state(url: str) -> list[list[Any]]:
    """Return what a lender would notice."""
    return [
        _rows(url, query)
        for query in (
            "SELECT to_jsonb(r) FROM pg_roles r ORDER BY rolname",
            "SELECT rolname, rolpassword FROM pg_authid ORDER BY rolname",
            "SELECT to_jsonb(m) FROM pg_auth_members m ORDER BY 1",
            "SELECT to_jsonb(s) FROM pg_db_role_setting s ORDER BY 1",
            "SELECT to_jsonb(d) FROM pg_shdescription d ORDER BY 1",
            "SELECT datname, datacl::text, datdba FROM pg_database ORDER BY datname",
            "SELECT oid, relname, relacl, relowner FROM pg_class WHERE oid > 16383 ORDER BY 1",
            "SELECT nspname, nspacl::text FROM pg_namespace ORDER BY 1",
        )
    ]


def test_a_borrowed_server_is_given_back_as_it_was(lender: str, stub_texts: Stubs) -> None:
    """Its databases, roles, memberships, settings and comments are the same before and after."""
    before = _state(lender)
    with Cluster.open(lender) as cluster:
        template = cluster.template(LEGACY, stub_texts)
        with cluster.clone(template) as database:
            assert database.name.startswith(PREFIX)
            assert _rows(
                database.url,
                "SELECT rolname = current_user AND NOT rolsuper AND rolbypassrls,"
                " current_setting('search_path') FROM pg_roles WHERE rolname = current_user",
            ) == [(True, '"$user", public, extensions')]
            _rows(database.url, "SET ROLE authenticated; SELECT 1")
        made = _databases(lender) - {name for name, *_ in before[5]}
        assert made == {template.name}
        assert cluster.owner != "postgres"
    assert _state(lender) == before


def test_roles_that_the_lender_has_stay(lender: str, stub_texts: Stubs) -> None:
    """A server like Supabase's has API roles already: they are used, and left exactly so."""
    with psycopg.connect(lender, autocommit=True) as connection:
        connection.execute("CREATE ROLE anon NOLOGIN; COMMENT ON ROLE anon IS 'ours'")
    try:
        before = _state(lender)
        with Cluster.open(lender) as cluster:
            cluster.template(LEGACY, stub_texts)
        assert _state(lender) == before
    finally:
        with psycopg.connect(lender, autocommit=True) as connection:
            connection.execute("DROP ROLE anon")


def test_a_role_that_somebody_makes_meanwhile_is_not_ours(lender: str, stub_texts: Stubs) -> None:
    """Only what we made is removed; another session makes a role in the midst of it."""
    other = f"SELECT dblink_exec('{lender}', 'CREATE ROLE bystander');"
    meanwhile = ("meanwhile.sql", f"CREATE EXTENSION dblink SCHEMA public; {other}")
    try:
        with Cluster.open(lender) as cluster:
            cluster.template(LEGACY, (*stub_texts, meanwhile))
        found = _rows(
            lender,
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles"
            " WHERE rolname IN ('bystander', 'anon')",
        )
        assert found == [(None,)]
    finally:
        with psycopg.connect(lender, autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS bystander")


def test_a_borrower_who_is_no_superuser(lender: str, stub_texts: Stubs) -> None:
    """Supabase's own `postgres` will do: it makes databases and roles, and is the owner itself."""
    with psycopg.connect(lender, autocommit=True) as connection:
        connection.execute(
            "CREATE ROLE half LOGIN CREATEDB CREATEROLE BYPASSRLS REPLICATION"
            f" PASSWORD '{PASSWORD}'"
        )
    url = with_parts(lender, user="half", password=PASSWORD)
    try:
        before = _state(lender)
        with Cluster.open(url) as cluster:
            assert cluster.owner == "half"
            for regime in PrivilegeRegime:
                with cluster.clone(cluster.template(regime, stub_texts)) as database:
                    _rows(database.url, "SET ROLE service_role; SELECT 1")
                    _rows(
                        database.url, "CREATE TABLE mine (code text REFERENCES tenants) ; SELECT 1"
                    )
        assert _state(lender) == before
    finally:
        with psycopg.connect(lender, autocommit=True) as connection:
            connection.execute("DROP ROLE half")


def test_two_borrowers_do_not_disturb_each_other(lender: str, stub_texts: Stubs) -> None:
    """The roles that both need stay until the last of them is done."""
    before = _state(lender)
    with Cluster.open(lender) as first:
        first.template(LEGACY, stub_texts)
        with Cluster.open(lender) as second:
            template = second.template(LEGACY, stub_texts)
            assert template.name != first.template(LEGACY, stub_texts).name
        with first.clone(first.template(LEGACY, stub_texts)) as database:
            _rows(database.url, "SET ROLE anon; SELECT 1")
    assert _state(lender) == before


def test_an_error_in_the_block_is_not_lost_and_all_is_removed(
    lender: str, stub_texts: Stubs
) -> None:
    """Cleaning up does not cover up."""
    before = _state(lender)

    def work() -> None:
        with Cluster.open(lender) as cluster:
            cluster.template(LEGACY, stub_texts)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert _state(lender) == before


BORROW = """
from schema_database import Cluster, PrivilegeRegime
with Cluster.open({url!r}) as cluster:
    template = cluster.template(PrivilegeRegime.LEGACY, {stubs!r})
    print("template", flush=True)
    sys.stdin.readline()
    with cluster.clone(template):
        print("clone", flush=True)
        sys.stdin.read()
"""


@contextmanager
def _borrower(
    arguments: list[str], url: str, stubs: Stubs, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run BORROW as a process; it goes on with each line that it is given."""
    script = arguments[-1] + BORROW.format(url=str(url), stubs=stubs)
    process = subprocess.Popen(
        [*arguments[:-1], script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=GONE_WITHIN)


def _reached(process: subprocess.Popen[bytes], step: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{step}\n".encode()


def _go_on(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def _left_to_say(process: subprocess.Popen[bytes]) -> str:
    """Wait for a killed borrower's janitor, which shares its standard error."""
    return process.communicate(timeout=GONE_WITHIN)[1].decode()


def _wait_until(url: str, condition: str) -> None:
    """Ask again and again until the condition holds on that server."""
    deadline = time.monotonic() + GONE_WITHIN
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(f"SELECT {condition}").fetchone() != (True,):
            assert time.monotonic() < deadline, condition


def _is_waiting(statement: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND starts_with(query, '{statement}'))"
    )


@contextmanager
def _nobody_writes(url: str, catalog: str) -> Iterator[None]:
    """Let whoever would write to a catalog wait; reading and logging in go on."""
    with psycopg.connect(url) as holder:
        holder.execute(f"LOCK TABLE {catalog} IN SHARE MODE")
        yield


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_borrowed_server_is_tidied_after_a_killed_borrower(
    how: str, lender: str, stub_texts: Stubs, python_arguments: list[str]
) -> None:
    """Ctrl-C in a terminal, which reaches the whole group, or worse: nothing stays."""
    before = _state(lender)
    with _borrower(python_arguments, lender, stub_texts) as borrower:
        _reached(borrower, "template")
        _go_on(borrower)
        _reached(borrower, "clone")
        assert _state(lender) != before
        os.killpg(borrower.pid, getattr(signal, how))
        _left_to_say(borrower)
    assert _state(lender) == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_clone_in_the_making_goes_with_its_killed_borrower(
    lender: str, stub_texts: Stubs, python_arguments: list[str]
) -> None:
    """PostgreSQL would finish CREATE DATABASE for a client that is gone, when we looked already."""
    before = _state(lender)
    with _borrower(python_arguments, lender, stub_texts) as borrower:
        _reached(borrower, "template")
        with _nobody_writes(lender, "pg_database"):
            _go_on(borrower)
            _wait_until(lender, _is_waiting("CREATE DATABASE"))
            borrower.kill()
            _wait_until(lender, _is_waiting("DROP DATABASE"))
        assert _left_to_say(borrower) == ""
    assert _state(lender) == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_an_owner_in_the_making_goes_with_its_killed_borrower(
    lender: str, stub_texts: Stubs, python_arguments: list[str]
) -> None:
    """The first thing made on a borrowed server is a role: it does not stay either."""
    before = _state(lender)
    with (
        _nobody_writes(lender, "pg_authid"),
        _borrower(python_arguments, lender, stub_texts) as borrower,
    ):
        _wait_until(lender, _is_waiting("CREATE ROLE"))
        borrower.kill()
        assert _left_to_say(borrower) == ""
    _wait_until(lender, f"NOT {_is_waiting('CREATE ROLE')}")
    assert _state(lender) == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_what_a_killed_borrower_leaves_for_good_is_told(
    lender: str, stub_texts: Stubs, python_arguments: list[str]
) -> None:
    """Nobody reads the janitor's pipe any more, so the terminal gets one error and its remedy."""
    begins = f"starts_with(rolname, '{PREFIX}')"
    with _borrower(python_arguments, lender, stub_texts) as borrower:
        _reached(borrower, "template")
        [(owner,)] = _rows(lender, f"SELECT rolname FROM pg_roles WHERE {begins}")
        _rows(lender, f"CREATE SCHEMA theirs AUTHORIZATION {owner}; SELECT 1")
        borrower.kill()
        said = _left_to_say(borrower)
    _rows(lender, "DROP SCHEMA theirs; SELECT 1")
    remove_run(lender, owner.removeprefix(PREFIX).removesuffix("_owner"))
    assert said.startswith("could not remove everything from postgresql://")
    assert f'role "{owner}" cannot be dropped' in said
    assert f"\n  help: drop the databases there whose names begin with {PREFIX}" in said
    assert "Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_who_tidies_imports_nothing_from_the_current_folder(
    lender: str, stub_texts: Stubs, python_arguments: list[str], tmp_path: Path
) -> None:
    """A checkout may hold a psycopg.py, and PYTHONPATH may name it: neither gets the password."""
    before = _state(lender)
    folder, taken = tmp_path / "checkout", tmp_path / "taken"
    folder.mkdir()
    planted = f"""
import pathlib, sys
if any("janitor" in word for word in sys.orig_argv):
    pathlib.Path({str(taken)!r}).write_text(__file__)
"""
    for name in ("psycopg", "schema_database", "pglast", "sitecustomize", "usercustomize"):
        (folder / f"{name}.py").write_text(planted)
    environment = os.environ | {"PYTHONPATH": "."}
    with _borrower(python_arguments, lender, stub_texts, cwd=folder, env=environment) as borrower:
        _reached(borrower, "template")
        borrower.kill()
        assert _left_to_say(borrower) == ""
    assert not taken.exists(), taken.read_text()
    assert _state(lender) == before


def test_the_login_on_a_borrowed_server_expires_by_itself(lender: str) -> None:
    """Should both processes be killed, nobody logs in with it for long; the server's clock says."""
    until = f"SELECT rolvaliduntil - now() FROM pg_roles WHERE starts_with(rolname, '{PREFIX}')"
    with Cluster.open(lender) as cluster:
        [(first,)] = _rows(lender, until)
        assert timedelta(0) < first <= LOGIN_LIFETIME
        _rows(lender, f"ALTER ROLE {cluster.owner} VALID UNTIL 'yesterday'; SELECT 1")
        renew_login(lender, cluster.owner.removeprefix(PREFIX).removesuffix("_owner"))
        [(again,)] = _rows(lender, until)
        assert timedelta(0) < again <= LOGIN_LIFETIME
    renew_login(lender, "gone")
    assert _rows(lender, until) == []


def test_whoever_runs_long_has_a_login_for_as_long(
    lender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The janitor renews it more than twice before it expires, and goes on until the end comes."""
    renewed: list[str] = []
    ended: SimpleQueue[None] = SimpleQueue()

    def renew(url: str, run: str) -> None:
        renewed.append(run)
        if len(renewed) == 2:
            ended.put(None)
        raise DatabaseError("that server is down", "wait")

    monkeypatch.setattr("schema_database.throwaway.renew_login", renew)
    monkeypatch.setattr(janitor, "RENEW_SECONDS", janitor.RENEW_SECONDS / 1e6)
    assert janitor.tidy(janitor.Task(url=lender, run="none", path=[]), ended) == 0
    assert renewed == ["none", "none"]
    assert LOGIN_LIFETIME.total_seconds() > 3 * janitor.RENEW_SECONDS * 1e6


HOSTILE = {
    "PGSERVICE": "nowhere",
    "PGSERVICEFILE": "/nowhere",
    "PGHOST": "/nowhere",
    "PGHOSTADDR": "203.0.113.1",
    "PGPORT": "1",
    "PGDATABASE": "nothing",
    "PGUSER": "nobody",
    "PGPASSWORD": "wrong",
    "PGPASSFILE": "/nowhere",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "PGCLIENTENCODING": "LATIN1",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "often",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLROOTCERT": "system",
    "PGSSLCERTMODE": "require",
    "PGSSLMINPROTOCOLVERSION": "x",
    "PGMINPROTOCOLVERSION": "x",
    "PGGSSENCMODE": "require",
    "PGCHANNELBINDING": "require",
    "PGREQUIREAUTH": "none",
    "PGREQUIREPEER": "nobody",
    "PGCONNECT_TIMEOUT": "soon",
    "PGAPPNAME": "reports",
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGGEQO": "off",
    "PGDATA": "/nowhere",
    "PGSYSCONFDIR": "/nowhere",
}
"""Variables of a shell that is set up for another server, each so that it shows."""

ASK = """
import psycopg
from schema_database import Cluster, PrivilegeRegime, read_live_catalog
with Cluster.open() as cluster, Cluster.attach(cluster.handle()) as attached:
    template = attached.template(PrivilegeRegime.LEGACY, ())
    with attached.clone(template) as database, psycopg.connect(database.url) as connection:
        read_live_catalog(database.url)
        names = ("timezone", "datestyle", "geqo", "client_encoding", "application_name",
                 "default_transaction_read_only")
        print([connection.execute(f"SHOW {name}").fetchone()[0] for name in names])
"""


def test_a_private_server_s_clients_ignore_the_shell_s_variables(
    python_arguments: list[str],
) -> None:
    """A shell that is set up for another server gives neither errors nor other results."""
    done = subprocess.run(
        [*python_arguments[:-1], python_arguments[-1] + ASK],
        env=os.environ | HOSTILE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "['UTC', 'ISO, MDY', 'on', 'UTF8', '', 'off']\n"


@pytest.mark.parametrize("where", ["PGPASSWORD", "PGPASSFILE", "~/.pgpass"])
def test_a_url_without_a_password_takes_libpq_s(
    where: str, lender: str, python_arguments: list[str], tmp_path: Path
) -> None:
    """It may be kept out of the URL, as libpq has it, also for the process that tidies."""
    before = _state(lender)
    parts = conninfo_to_dict(lender)
    password = str(parts["password"])
    home, file = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    file = {"~/.pgpass": home / ".pgpass"}.get(where, file)
    file.touch(mode=0o600)
    file.write_text(f"127.0.0.1:{parts['port']}:*:{parts['user']}:{password}\n")
    given = {"PGPASSWORD": password, "PGPASSFILE": str(file)}.get(where)
    script = """
import os
from schema_database import Cluster, PrivilegeRegime
with Cluster.open(os.environ["DATABASE_URL"]) as cluster:
    cluster.template(PrivilegeRegime.LEGACY, ())
with Cluster.open(os.environ["DATABASE_URL"]) as cluster:
    print(cluster.owner)
"""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    variables |= {"HOME": str(home), "DATABASE_URL": with_parts(lender, password=None)}
    done = subprocess.run(
        [*python_arguments[:-1], python_arguments[-1] + script],
        env=variables | ({where: given} if given else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith(PREFIX)
    assert _state(lender) == before


def test_a_server_that_cannot_be_borrowed_is_named_as_it_was_given() -> None:
    """What we add to the URL is not the reader's."""
    url = "postgresql://me@127.0.0.1:1/app"
    with pytest.raises(DatabaseError, match=f"^cannot connect to {url}: "), Cluster.open(url):
        pass


READ_ONLY = "-c default_transaction_read_only=on"


@pytest.mark.parametrize(
    ("options", "sqlstate", "remedy"),
    [
        (READ_ONLY, "25006", "name a server that may be written to"),
        ("-c statement_timeout=1ms", "57014", "give it more time"),
        (f"-c role=half {READ_ONLY}", "25006", "name a server that may be written to"),
    ],
    ids=["superuser-read-only", "statement-timeout", "owner-read-only"],
)
def test_what_the_server_refuses_is_one_error_with_its_remedy(
    lender: str, stub_texts: Stubs, options: str, sqlstate: str, remedy: str
) -> None:
    """A standby or a limit of the role's is named, and what to do about that; nothing stays."""
    _rows(lender, "CREATE ROLE half CREATEDB CREATEROLE; SELECT 1")
    # Everything takes longer than the shortest limit while this is held, whatever the machine.
    held = nullcontext() if "read_only" in options else _nobody_writes(lender, "pg_authid")
    try:
        before = _state(lender)
        with (
            held,
            pytest.raises(DatabaseError, match=f": {sqlstate}: ") as caught,
            Cluster.open(with_parts(lender, options=options)) as cluster,
        ):
            cluster.template(LEGACY, stub_texts)
        assert caught.value.remedy.startswith(remedy)
        assert "\n" not in caught.value.fact
        assert _state(lender) == before
    finally:
        _rows(lender, "DROP ROLE half; SELECT 1")


def test_a_limit_of_the_borrower_s_does_not_keep_its_things(lender: str) -> None:
    """What a run left is removed however little time its URL gives a statement."""
    before = _state(lender)
    limited = with_parts(lender, options="-c statement_timeout=1ms")
    with psycopg.connect(lender, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {PREFIX}limited_c_1")
    remove_run(limited, "limited")
    assert _state(lender) == before


def test_a_role_that_may_not_create_databases_is_told_so(lender: str) -> None:
    """One clear error with a remedy and without the password; nothing was tried."""
    with psycopg.connect(lender, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE weak LOGIN PASSWORD '{PASSWORD}'")
    try:
        with (
            pytest.raises(DatabaseError, match="role weak may not create databases") as caught,
            Cluster.open(with_parts(lender, user="weak", password=PASSWORD)),
        ):
            pass
        assert PASSWORD not in str(caught.value)
        assert "ALTER ROLE weak CREATEDB" in caught.value.remedy
    finally:
        with psycopg.connect(lender, autocommit=True) as connection:
            connection.execute("DROP ROLE weak")


def test_a_role_that_may_not_create_roles_is_told_so(lender: str, stub_texts: Stubs) -> None:
    """A server without API roles needs a borrower who can make them; databases are removed."""
    with psycopg.connect(lender, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE weak LOGIN CREATEDB PASSWORD '{PASSWORD}'")
    try:
        before = _state(lender)
        with (
            Cluster.open(with_parts(lender, user="weak", password=PASSWORD)) as cluster,
            pytest.raises(ApplyError, match=r"^roles\.sql:.*permission denied to create role"),
        ):
            cluster.template(LEGACY, stub_texts)
        assert _state(lender) == before
    finally:
        with psycopg.connect(lender, autocommit=True) as connection:
            connection.execute("DROP ROLE weak")


def _admin_url(cluster: Cluster) -> str:
    url: str = json.loads(cluster.handle())["admin_url"]
    assert make_conninfo(url)
    return url
