"""A process that keeps one PostgreSQL server alive exactly as long as its parent lives.

It knows how to make, start, stop and remove a cluster. It must not know what is in the databases,
and imports the standard library alone, since it is run as a file, before anything else is loaded.

The parent holds the writing end of this process' standard input and never writes after the first
line. However the parent ends (return, exception, SIGTERM, SIGKILL), the system closes that end, the
read below returns, the server is stopped and its folder removed. A process of its own is needed
because a killed parent runs no handler, and because Ctrl-C reaches every process of the terminal's
group at once, while this one, in its own session, can take its time.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PORT_ATTEMPTS = 10


class Task(TypedDict):
    """What the parent writes as the first line: one JSON object.

    Attributes:
        initdb: path of the program.
        postgres: path of the program.
        superuser: name of the role that initdb creates.
        password: its password; on a pipe, since command lines are public.
        settings: server parameters by name.
        account: [user id, group id] to run as, or None for our own.
    """

    initdb: str
    postgres: str
    superuser: str
    password: str
    settings: dict[str, str]
    account: list[int] | None


class StartError(Exception):
    """PostgreSQL did not start; the message ends with what it said itself."""


def main(base: Path) -> None:
    """Serve until standard input ends, then leave nothing behind.

    Args:
        base: an existing folder that belongs to this server alone; removed at the end.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    server: subprocess.Popen[bytes] | None = None
    try:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        task: Task = json.loads(line)
        try:
            make_cluster(task, base)
            server, port = start_server(task, base, free_ports())
        except (StartError, OSError) as error:
            _tell({"error": str(error)})
            return
        _tell({"port": port})
        sys.stdin.buffer.read()
    finally:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        if server is not None:
            stop_server(server)
        shutil.rmtree(base, ignore_errors=True)


def make_cluster(task: Task, base: Path) -> None:
    """Run initdb into `base`/data.

    The locale is C with UTF-8: the sort order is then that of code points, and messages are
    English, on every machine; C.UTF-8 would say the same but is unknown to Windows and older macOS.

    Raises:
        StartError: initdb failed.
    """
    data, password = base / "data", base / "password"
    data.mkdir(mode=0o700)
    password.touch(mode=0o600)
    password.write_text(task["password"], encoding="utf-8")
    if task["account"] is not None and sys.platform != "win32":
        for path in (data, password):
            os.chown(path, *task["account"])
    arguments = [task["initdb"], "-D", str(data), "-U", task["superuser"]]
    arguments += ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-locale"]
    # Small segments of the write-ahead log: 24 MB for an empty cluster instead of 39.
    arguments += ["--no-sync", "--no-instructions", "--wal-segsize=1"]
    log = base / "log"
    with log.open("ab") as output:
        status = _run_as(task, arguments, output).wait()
    password.unlink()
    if status != 0:
        raise StartError(f"initdb failed: {_last_words(log)}")


def start_server(
    task: Task, base: Path, ports: Iterator[int]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start postgres on the first port that nobody else takes, and wait until it serves.

    Between choosing a free port and binding it another process may take it; then the next is tried.

    Returns:
        The process and its port.

    Raises:
        StartError: it ended for another reason, or did not serve in START_SECONDS.
    """
    log, data = base / "log", base / "data"
    settings = [f"--{name}={value}" for name, value in sorted(task["settings"].items())]
    for _ in range(PORT_ATTEMPTS):
        port = next(ports)
        log.unlink()
        with log.open("ab") as output:
            arguments = [task["postgres"], "-D", str(data), "-p", str(port), *settings]
            server = _run_as(task, arguments, output)
        if _serves(server, data / "postmaster.pid"):
            return server, port
        if server.poll() is None:
            stop_server(server)
            raise StartError(f"not ready after {START_SECONDS:.0f} s: {_last_words(log)}")
        if "could not create any TCP/IP sockets" not in log.read_text("utf-8", "replace"):
            raise StartError(f"postgres ended at once: {_last_words(log)}")
    raise StartError(f"{PORT_ATTEMPTS} free ports in a row were taken by other processes")


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """Stop postgres: at first politely, in the end by force."""
    if sys.platform == "win32":
        server.terminate()
        server.wait()
        return
    # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
    for stop in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def free_ports() -> Iterator[int]:
    """Yield loopback TCP ports that are free at this moment."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        yield port


def _serves(server: subprocess.Popen[bytes], pid_file: Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        # The last line of postmaster.pid is the server's own word; pg_ctl reads it too.
        with contextlib.suppress(OSError):
            if pid_file.read_text("utf-8").split("\n")[7:8] == ["ready   "]:
                return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.01)
    return False


def _run_as(task: Task, arguments: list[str], output: Any) -> subprocess.Popen[bytes]:
    as_account: dict[str, Any] = {}
    if task["account"] is not None:
        user, group = task["account"]
        as_account = {"user": user, "group": group, "extra_groups": []}
    # PGPORT, PGDATA and their like, or a translated message, would make the result the machine's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=Path(arguments[0]).anchor,
        env=environment | {"LC_ALL": "C", "TZ": "UTC"},
        **as_account,
    )


def _last_words(log: Path) -> str:
    return " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-5:])


def _tell(answer: dict[str, object]) -> None:
    # A parent that died meanwhile reads nothing; the end of standard input says so next.
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
