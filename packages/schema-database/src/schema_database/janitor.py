"""A process that tidies a borrowed server when its parent ends, in whatever way.

Knows when; what there is to remove is throwaway's business. It lives by the same rules as the
supervisor: its standard input ends when the parent does, and a signal counts as that end. It is run
as a file, by a Python that imports nothing from the current folder, and told where to import the
rest from.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from typing import TypedDict

_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

RENEW_SECONDS = 30 * 60.0
"""How often a login is renewed that is valid for `throwaway.LOGIN_LIFETIME`."""


class Task(TypedDict):
    """What the parent writes as the first line: one JSON object.

    Attributes:
        url: the URL that was borrowed; on a pipe, since command lines are public.
        run: the run's random word.
        path: folders to import from, after Python's own.
    """

    url: str
    run: str
    path: list[str]


def main() -> int:
    """Wait for the end of standard input, then remove the run; print what could not be."""
    ended: SimpleQueue[None] = SimpleQueue()
    for number in _SIGNALS:
        # SimpleQueue.put may be called while another call of it is interrupted.
        signal.signal(number, lambda _signal, _frame: ended.put(None))
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65536)
        if not part:
            return 0
        line += part
    task: Task = json.loads(line)
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    sys.path += task["path"]
    return tidy(task, ended)


def _wait_for_end(ended: SimpleQueue[None]) -> None:
    if sys.platform != "win32":
        # Of one that this thread gets, the main thread, which waits, would hear nothing.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    while os.read(0, 65536):
        pass
    ended.put(None)


def tidy(task: Task, ended: SimpleQueue[None]) -> int:
    """Keep the run's login valid until the end, then remove the run; print what could not be.

    Args:
        task: what to remove, and from where.
        ended: holds something once the end has come.

    Returns:
        The exit status: 1 if something could not be removed.
    """
    # Found only now that the path is known.
    import psycopg  # noqa: PLC0415

    from schema_database.errors import DatabaseError  # noqa: PLC0415
    from schema_database.throwaway import (  # noqa: PLC0415
        could_not_remove,
        remove_run,
        renew_login,
    )

    while True:
        with contextlib.suppress(Empty):
            ended.get(timeout=RENEW_SECONDS)
            break
        # A server that is down now may be back in time for the next.
        with contextlib.suppress(DatabaseError, psycopg.Error):
            renew_login(task["url"], task["run"])
    try:
        remove_run(task["url"], task["run"])
    except (DatabaseError, psycopg.Error) as error:
        reason = str(error).partition("\n")[0]
        try:
            os.write(1, reason.encode())
        except BrokenPipeError:
            # A parent that died reads nothing; its terminal may still be there.
            with contextlib.suppress(OSError):
                sys.stderr.write(f"{could_not_remove(task['url'], task['run'], reason)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
