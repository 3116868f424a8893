"""A process that keeps one PostgreSQL server alive exactly as long as its parent lives.

It knows how to make, start, stop and remove a cluster. It must not know what is in the databases,
and imports the standard library alone, since it is run as a file, before anything else is loaded.

The parent holds the writing end of this process' standard input. However the parent ends (return,
exception, SIGTERM, SIGKILL), the system closes that end, and then the server is stopped and its
folder removed. A process of its own is needed because a killed parent runs no handler, and because
Ctrl-C reaches every process of the terminal's group at once, while this one, in its own session,
can take its time. It makes the folder itself, so that there is no moment at which a folder exists
and nobody who would remove it.

No signal raises an exception here, since that would lose whatever was being made at that moment:
it counts as the end of standard input.
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
import tempfile
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = "schema-database-"
"""Begins the name of the folder that holds a server."""

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PORT_ATTEMPTS = 10

_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

_LOOK_SECONDS = 0.01
_READY = b"database system is ready to accept connections"
"""What postgres writes to its log at that moment, in English, as lc_messages is C."""


Commands = SimpleQueue["bytes | None"]
"""The lines of standard input; None when it ends, or at a signal."""


class Task(TypedDict):
    """What the parent writes once it knows the folder: one JSON object, one line.

    Attributes:
        initdb: path of the program.
        postgres: path of the program.
        superuser: name of the role that initdb creates.
        password: its password; on a pipe, since command lines are public.
        settings: server parameters by name.
        environment: the environment of both programs.
        account: [user id, group id] to run as, or None for our own.
    """

    initdb: str
    postgres: str
    superuser: str
    password: str
    settings: dict[str, str]
    environment: dict[str, str]
    account: list[int] | None


class StartError(Exception):
    """PostgreSQL did not start; the message ends with what it said itself."""


class EndedError(Exception):
    """The parent ended, or a signal came, before the server was ready."""


def main() -> None:
    """Make a folder and a server in it, serve until standard input ends, leave nothing behind.

    The first line is the folder to make ours in, as JSON; the answer is {"base": our folder}. The
    second line is the Task; the answer is {"port": the server's}. Either may be {"error": why not}.
    """
    commands: Commands = SimpleQueue()
    for number in _SIGNALS:
        # SimpleQueue.put may be called while another call of it is interrupted.
        signal.signal(number, lambda _signal, _frame: commands.put(None))
    threading.Thread(target=_read_lines, args=(commands,), daemon=True).start()
    with contextlib.suppress(EndedError):
        _serve(commands)


def _serve(commands: Commands) -> None:
    try:
        base = Path(tempfile.mkdtemp(prefix=PREFIX, dir=json.loads(_next(commands))))
    except OSError as error:
        _tell({"error": str(error)})
        return
    account = None
    server: subprocess.Popen[bytes] | None = None
    try:
        _tell({"base": str(base)})
        task: Task = json.loads(_next(commands))
        account = task["account"]
        make_cluster(task, base)
        # The parent writes no third line: whatever comes while the server starts ends it.
        server, port = start_server(task, base, free_ports(), wanted=commands.empty)
        _tell({"port": port})
        commands.get()
    except (StartError, OSError) as error:
        _tell({"error": str(error)})
    finally:
        if server is not None:
            stop_server(server, account)
        _remove(base, account)


def _next(commands: Commands) -> bytes:
    line = commands.get()
    if line is None:
        raise EndedError
    return line


def _read_lines(commands: Commands) -> None:
    if sys.platform != "win32":
        # Of one that this thread gets, the main thread, which waits, would hear nothing.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    # Not sys.stdin, whose lock a thread would hold when the interpreter ends.
    rest = b""
    while part := os.read(0, 65536):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            commands.put(line)
    commands.put(None)


def make_cluster(task: Task, base: Path) -> None:
    """Run initdb into `base`/data.

    The locale is C with UTF-8: the sort order is then that of code points, and messages are
    English, on every machine; C.UTF-8 would say the same but is unknown to Windows and older macOS.

    Args:
        task: what to make.
        base: an existing folder that belongs to this server alone.

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
        # To its end, which is a second away: killed, it leaves shared memory behind.
        status = _run_as(task, arguments, output).wait()
    password.unlink()
    if status != 0:
        raise StartError(f"initdb failed: {_last_words(log)}")


def start_server(
    task: Task, base: Path, ports: Iterator[int], wanted: Callable[[], bool] = lambda: True
) -> tuple[subprocess.Popen[bytes], int]:
    """Start postgres on the first port that nobody else takes, and wait until it serves.

    Between choosing a free port and binding it another process may take it; then the next is tried.

    Args:
        task: what to start.
        base: the folder with the cluster.
        ports: what to try.
        wanted: asked again and again whether the server is still wanted.

    Returns:
        The process and its port.

    Raises:
        StartError: it ended for another reason, or did not serve in START_SECONDS.
        EndedError: the server is no longer wanted.
    """
    log, data = base / "log", base / "data"
    settings = [f"--{name}={value}" for name, value in sorted(task["settings"].items())]
    for _ in range(PORT_ATTEMPTS):
        port = next(ports)
        log.unlink()
        with log.open("ab") as output:
            arguments = [task["postgres"], "-D", str(data), "-p", str(port), *settings]
            server = _run_as(task, arguments, output)
        if _serves(server, log, wanted):
            return server, port
        if server.poll() is None:
            stop_server(server, task["account"])
            if not wanted():
                raise EndedError
            raise StartError(f"not ready after {START_SECONDS:.0f} s: {_last_words(log)}")
        if "could not create any TCP/IP sockets" not in log.read_text("utf-8", "replace"):
            raise StartError(f"postgres ended at once: {_last_words(log)}")
    raise StartError(f"{PORT_ATTEMPTS} free ports in a row were taken by other processes")


def stop_server(server: subprocess.Popen[bytes], account: list[int] | None = None) -> None:
    """Stop postgres: at first politely, in the end by force.

    Args:
        server: the process.
        account: [user id, group id] that it runs as, or None for our own.
    """
    if sys.platform == "win32":
        server.terminate()
        server.wait()
        return
    # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
    for stop in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            server.send_signal(stop)
        except PermissionError:
            # Root without CAP_KILL: the account itself may.
            _run_quietly_as(account, ["kill", f"-{stop.name[3:]}", str(server.pid)])
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def _remove(base: Path, account: list[int] | None) -> None:
    shutil.rmtree(base, ignore_errors=True)
    if account is not None and base.exists():
        # Root without CAP_DAC_OVERRIDE may not look into the account's folder, but may remove it
        # once the account has emptied it.
        _run_quietly_as(account, ["rm", "-rf", "--", str(base / "data")])
        with contextlib.suppress(OSError):
            (base / "data").rmdir()
        shutil.rmtree(base, ignore_errors=True)


def free_ports() -> Iterator[int]:
    """Yield loopback TCP ports that are free at this moment."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        yield port


def _serves(server: subprocess.Popen[bytes], log: Path, wanted: Callable[[], bool]) -> bool:
    # Its log, and not its postmaster.pid, which lies where only its own account may look.
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline and wanted():
        if _READY in log.read_bytes():
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(_LOOK_SECONDS)
    return False


def _run_as(task: Task, arguments: list[str], output: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=Path(arguments[0]).anchor,
        env=task["environment"],
        **_as_account(task["account"]),
    )


def _run_quietly_as(account: list[int] | None, arguments: list[str]) -> None:
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with contextlib.suppress(OSError):
        subprocess.run(arguments, check=False, cwd="/", **quiet, **_as_account(account))


def _as_account(account: list[int] | None) -> dict[str, Any]:
    if account is None:
        return {}
    user, group = account
    return {"user": user, "group": group, "extra_groups": []}


def _last_words(log: Path) -> str:
    return " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-5:])


def _tell(answer: dict[str, object]) -> None:
    # A parent that died meanwhile reads nothing; the end of standard input says so next. Not
    # through sys.stdout, which would keep what it could not write, and complain at the end.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
