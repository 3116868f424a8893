"""Starts a private PostgreSQL server that dies with this process.

Knows processes, accounts and folders; must not know what is in the databases.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from schema_database import supervisor
from schema_database.children import start_python, wait_for
from schema_database.engine import Engine, copy_engine, everyone_may_use
from schema_database.environment import child_environment, ignore_libpq_variables
from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERUSER = "supabase_admin"
"""The superuser of a Supabase cluster."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # Nothing here outlives the process, so nothing needs to survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# Accounts that exist nearly everywhere and own nothing. Never `postgres`: a server of the
# machine's own may run as it, and our superuser could then read its files.
_ACCOUNTS = ("nobody", "daemon", "bin")


# An empty cluster is 24 MB and a clone 8; this holds as many as max_connections could use.
_ROOM = 2 * 1024**3


@dataclass(frozen=True)
class Server:
    """A running private server.

    Attributes:
        port: TCP port on 127.0.0.1.
        superuser: role that may do everything.
        password: random, of this server alone; without it every local account could log in.
        directory: holds the data; gone when the server is.
        pid: process id of the supervisor.
    """

    port: int
    superuser: str
    password: str = field(repr=False)
    directory: Path
    pid: int


@contextmanager
def private_server(engine: Engine) -> Iterator[Server]:
    """Run a server with an empty cluster for the length of a `with` block.

    It listens on a free loopback port and asks for a random password (SCRAM). It is stopped and its
    folder removed when the block or this process ends, in whatever way. Several may run at once.
    When this process is root, PostgreSQL, which refuses to, runs as an existing account that owns
    nothing, from a copy of its programs where those may not be read by everyone.

    Args:
        engine: which PostgreSQL to run.

    Yields:
        Where the server is and how to log in.

    Raises:
        DatabaseError: it could not be started; holds what PostgreSQL said.
    """
    ignore_libpq_variables()
    as_root = sys.platform != "win32" and os.geteuid() == 0
    must_copy = as_root and not everyone_may_use(engine.program("initdb"))
    folder = _temporary_folder(as_root=as_root, for_programs=must_copy)
    # -S: without site-packages it starts in 20 ms instead of 100.
    process = start_python(supervisor.__file__, "-S")
    base: Path | None = None
    try:
        base = Path(str(_ask(process, str(folder), engine)["base"]))
        if as_root:
            base.chmod(0o711)
        if must_copy:
            engine = copy_engine(engine, base / "engine")
        account = _account_that_may_run(engine) if as_root else None
        task = supervisor.Task(
            initdb=str(engine.program("initdb")),
            postgres=str(engine.program("postgres")),
            superuser=SUPERUSER,
            password=secrets.token_urlsafe(24),
            settings=SETTINGS,
            # A translated message, or another time zone, would make the result the machine's.
            environment=child_environment() | {"LC_ALL": "C", "TZ": "UTC"},
            account=account,
        )
        yield Server(
            port=int(str(_ask(process, task, engine)["port"])),
            superuser=SUPERUSER,
            password=task["password"],
            directory=base,
            pid=process.pid,
        )
    finally:
        _end(process)
        # The supervisor did so already, unless it was killed itself.
        if base is not None:
            shutil.rmtree(base, ignore_errors=True)


def _ask(
    process: subprocess.Popen[bytes], command: str | supervisor.Task, engine: Engine
) -> dict[str, object]:
    assert process.stdin is not None  # noqa: S101 - PIPE was asked for
    assert process.stdout is not None  # noqa: S101
    line = b""
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(command).encode() + b"\n")
        line = process.stdout.readline()
    answer: dict[str, object] = json.loads(line or b'{"error": "its supervisor ended early"}')
    if "error" in answer:
        raise DatabaseError(
            f"PostgreSQL {engine.major} did not start: {answer['error']}",
            "correct what it names, or set DATABASE_URL to use a server of your own",
        )
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    wait_for(process)


def _temporary_folder(*, as_root: bool, for_programs: bool) -> Path:
    """Return where to make our folder: in memory if there is room, else in a temporary one.

    A database is some 300 files, and a test suite makes and drops hundreds of databases: in memory
    a clone takes 10 ms, on a disk that keeps up 30, and on ext4 without a journal, which searches
    all of its recently deleted files for each new one, 250.
    """
    memory = Path("/dev/shm")  # noqa: S108 - only ever used through mkdtemp, as the next line
    temporary = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    for folder in (memory, *temporary):
        if (
            folder.is_dir()
            and os.access(folder, os.W_OK | os.X_OK)
            and (folder != memory or shutil.disk_usage(folder).free >= _ROOM)
            and (not as_root or everyone_may_use(folder))
            and (not for_programs or _programs_run_in(folder))
        ):
            return folder
    raise DatabaseError(
        f"only root may enter {temporary[0]}, and PostgreSQL refuses to run as root",
        "set TMPDIR to a folder that every account may enter and run programs in",
    )


def _programs_run_in(folder: Path) -> bool:
    if sys.platform != "linux":
        return True
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC


def _account_that_may_run(engine: Engine) -> list[int]:
    """Return the ids of the first existing account that can run `engine`.

    Raises:
        DatabaseError: there is none.
    """
    if sys.platform == "win32":
        raise AssertionError
    import pwd  # noqa: PLC0415 - absent on Windows

    said = "no such account exists"
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        try:
            subprocess.run(
                [engine.program("initdb"), "--version"],
                check=True,
                capture_output=True,
                cwd="/",
                env=child_environment(),
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = str(error)
        else:
            return [entry.pw_uid, entry.pw_gid]
    raise DatabaseError(
        f"PostgreSQL refuses to run as root, and none of {', '.join(_ACCOUNTS)} can run it: {said}",
        "run this as an ordinary user, or set DATABASE_URL to use a server of your own",
    )
