"""A private server: closed to others, independent of the machine, gone with its parent."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from schema_database import DatabaseError, Engine, Server, find_engine, private_server, supervisor
from schema_database.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GONE_WITHIN = 60
AS_ROOT = os.name == "posix" and os.geteuid() == 0

SECRETS = {
    "DATABASE_URL": "postgresql://me:s3cret@db.example/app",
    "SOME_TOKEN": "s3cret",
}
"""Variables of the shell that are nobody else's business."""

SERVE = """
import json, sys
from schema_database import find_engine, private_server
with private_server(find_engine()) as server:
    print(json.dumps([server.port, server.password, str(server.directory)]), flush=True)
    sys.stdin.read()
"""


def _connect(server: Server, **parts: Any) -> psycopg.Connection:
    address = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.superuser,
        "password": server.password,
        "dbname": "postgres",
    }
    return psycopg.connect(**{**address, **parts}, autocommit=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a private server, started where the machine's settings are unlike any other's."""
    odd = {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PGDATA": "/nowhere"} | SECRETS
    with pytest.MonkeyPatch.context() as patch:
        for name, value in odd.items():
            patch.setenv(name, value)
        with private_server(find_engine()) as running:
            yield running


@pytest.mark.parametrize("major", [15, 18])
def test_a_server_runs_beside_others_and_leaves_nothing_behind(
    major: int, engine_or_skip: Callable[[int], Engine], server: Server
) -> None:
    """Within the block it serves from a folder of its own; after it, port and folder are gone."""
    with private_server(engine_or_skip(major)) as running, _connect(running) as connection:
        assert connection.info.server_version // 10000 == major
        assert running.directory.is_dir()
        assert running.directory != server.directory
        # Ctrl-C reaches all of a terminal's session: not this one, which is to shut down in order.
        assert os.name != "posix" or os.getsid(running.pid) != os.getsid(0)
    assert not running.directory.exists()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        _connect(running)


def test_nobody_logs_in_without_the_password(server: Server) -> None:
    """Every account of the machine reaches the port; only the password opens it."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _connect(server, password=server.password[::-1])
    assert server.password not in repr(server)
    assert not (server.directory / "password").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_no_command_line_shows_the_password(server: Server) -> None:
    """Command lines are public on a machine; the password travels by pipe."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(process.read_bytes())
    assert any(str(server.directory).encode() in line for line in lines)
    assert not any(server.password.encode() in line for line in lines)


def test_a_result_does_not_depend_on_the_machine(server: Server) -> None:
    """The caller's locale, time zone and PG variables do not reach it; text sorts by code point."""
    with _connect(server) as connection:
        row = connection.execute(
            "SELECT datcollate, datctype, pg_encoding_to_char(encoding),"
            " current_setting('timezone'), current_setting('log_timezone'),"
            " current_setting('lc_messages'), current_setting('unix_socket_directories')"
            " FROM pg_database WHERE datname = 'template1'"
        ).fetchone()
        assert row == ("C", "C", "UTF8", "UTC", "UTC", "C", "")
        order = connection.execute("SELECT v FROM (VALUES ('b'), ('B'), ('a')) AS t (v) ORDER BY v")
        assert [v for (v,) in order] == ["B", "a", "b"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_no_environment_shows_what_is_the_shell_s(server: Server) -> None:
    """The account that PostgreSQL runs as may read its environment: no secret, nothing of ours."""
    postmaster = (server.directory / "data" / "postmaster.pid").read_text("utf-8").split("\n")[0]
    for pid in (postmaster, server.pid):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"s3cret" not in environment
        names = {entry.partition(b"=")[0] for entry in environment.split(b"\0")}
        assert not {name for name in names if name.startswith(b"PG")}
        assert not names & {b"HOME", b"SOME_TOKEN", b"DATABASE_URL"}


def test_a_port_taken_in_the_meantime_is_not_the_end(tmp_path: Path, server: Server) -> None:
    """When another process grabs the chosen port first, the next one is tried."""
    base, account = _base_for_a_bare_cluster(tmp_path)
    task = supervisor.Task(
        initdb=str(find_engine().program("initdb")),
        postgres=str(find_engine().program("postgres")),
        superuser="supabase_admin",
        password=server.password,
        settings={"listen_addresses": "127.0.0.1", "unix_socket_directories": ""},
        environment=child_environment() | {"LC_ALL": "C"},
        account=account,
    )
    if account is not None and not _others_may_run(find_engine()):
        pytest.skip("the engine lies where only root may enter")
    try:
        supervisor.make_cluster(task, base)
        with socket.socket() as thief:
            thief.bind(("127.0.0.1", 0))
            thief.listen()
            taken = thief.getsockname()[1]
            free = next(supervisor.free_ports())
            process, port = supervisor.start_server(task, base, iter([taken, free]))
            supervisor.stop_server(process)
        assert port == free
    finally:
        shutil.rmtree(base)


def test_what_postgres_says_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot start is one error that holds PostgreSQL's own words."""
    monkeypatch.setattr("schema_database.server.SETTINGS", {"max_connections": "many"})
    with pytest.raises(DatabaseError, match='invalid value for parameter "max_connections"'):
        private_server(find_engine()).__enter__()


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGINT to the group"])
def test_a_server_dies_with_its_parent(how: str, python_arguments: list[str]) -> None:
    """However the parent ends, the server stops and its folder goes."""
    arguments = [*python_arguments[:-1], python_arguments[-1] + SERVE]
    parent = subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert parent.stdout is not None
        port, password, directory = json.loads(parent.stdout.readline())
        client = psycopg.connect(
            host="127.0.0.1",
            port=port,
            user="supabase_admin",
            password=password,
            dbname="postgres",
        )
        with client:
            assert Path(directory).is_dir()
            if how == "SIGINT to the group":
                os.killpg(parent.pid, signal.SIGINT)
            else:
                parent.send_signal(getattr(signal, how))
            # The supervisor shares the parent's standard error, which therefore ends when both
            # have; nothing here waits for a length of time.
            parent.communicate(timeout=GONE_WITHIN)
            assert not Path(directory).exists()
            with pytest.raises(psycopg.OperationalError):
                client.execute("SELECT 1")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=GONE_WITHIN)
    finally:
        parent.kill()
        parent.communicate(timeout=GONE_WITHIN)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_server_goes_whoever_is_signalled() -> None:
    """Whatever ends the process that keeps it, even twice, ends the server and its folder first."""
    with private_server(find_engine()) as running, _connect(running) as client:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(running.pid, number)
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT pg_sleep(60)")
    assert not running.directory.exists()


WITHOUT = """
import sys, tempfile
import schema_database.server
from schema_database import DatabaseError, find_engine, private_server
schema_database.server._ROOM = 2**60
try:
    with private_server(find_engine()) as server:
        print("served from", server.directory)
except DatabaseError as error:
    print(error)
"""


@pytest.mark.skipif(
    not AS_ROOT or shutil.which("setpriv") is None, reason="takes capabilities from root"
)
@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        ("dac_override,-dac_read_search", "served from "),
        ("kill", "served from "),
        ("chown", "PostgreSQL 18 did not start: [Errno 1] Operation not permitted"),
        ("setuid", "PostgreSQL refuses to run as root, and none of nobody, daemon, bin can"),
    ],
)
def test_root_without_all_of_its_rights_leaves_nothing_behind(
    capabilities: str, said: str, python_arguments: list[str]
) -> None:
    """As in a container: root may not enter the account's folder, signal it, or become it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [
                *("setpriv", f"--bounding-set=-{capabilities}", f"--inh-caps=-{capabilities}"),
                *(*python_arguments[:-1], python_arguments[-1] + WITHOUT),
            ],
            env=os.environ | {"TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
            timeout=GONE_WITHIN / 2,
        )
        assert not list(Path(folder).iterdir())
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith(said)


@pytest.mark.skipif(not AS_ROOT, reason="only root has folders that only root may enter")
def test_root_starts_an_engine_that_only_root_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engine and TMPDIR under /root are no obstacle, and no permission is changed there."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = find_engine().bin.parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, closed / folder.name, copy_function=_link_or_copy)
    monkeypatch.setenv("SCHEMA_PG_BIN_18", str(closed / package.name / "pginstall" / "bin"))
    monkeypatch.setattr("tempfile.tempdir", str(closed))
    monkeypatch.setattr("schema_database.server._ROOM", 2**60)
    engine = find_engine(18)
    with private_server(engine) as running, _connect(running) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        copies = running.directory / "engine"
        assert copies.stat().st_uid == 0
        assert copies.stat().st_mode & 0o777 == 0o755
        assert (running.directory / "data").stat().st_uid != 0
    assert not running.directory.exists()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(
    not AS_ROOT, reason="we are an ordinary user already: every other test shows it"
)
def test_an_ordinary_user_starts_a_server() -> None:
    """Without root's rights the engine is run in place, as the user."""
    python = _python_for("nobody")
    home = Path("/tmp")  # noqa: S108 - any folder that this account may write
    script = f"import sys; sys.path += {sys.path!r}\n" + SERVE
    done = subprocess.run(
        [python, "-c", script],
        check=False,
        input=b"",
        capture_output=True,
        user="nobody",
        group="nogroup",
        extra_groups=[],
        cwd=home,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr.decode()
    directory = Path(json.loads(done.stdout)[2])
    assert not directory.exists()


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _python_for(account: str) -> str:
    """Return an interpreter of our version that `account` can run the package with, or skip."""
    probe = f"import sys; sys.path += {sys.path!r}; import schema_database"
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [python, "-c", probe],
                check=True,
                capture_output=True,
                user=account,
                cwd="/",
                extra_groups=[],
            )
            return python
    pytest.skip(f"{account} may run neither this interpreter nor the package: both belong to root")


def _base_for_a_bare_cluster(tmp_path: Path) -> tuple[Path, list[int] | None]:
    """Return a folder where postgres can run, and the account to run as if we are root."""
    if not AS_ROOT:
        return tmp_path, None
    import pwd  # noqa: PLC0415 - absent on Windows

    entry = pwd.getpwnam("nobody")
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    base.chmod(0o711)
    return base, [entry.pw_uid, entry.pw_gid]


def _others_may_run(engine: Engine) -> bool:
    from schema_database.engine import everyone_may_use  # noqa: PLC0415 - here alone

    return everyone_may_use(engine.program("initdb"))
