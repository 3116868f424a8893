"""A process that tidies a borrowed server when its parent ends, in whatever way.

Knows when; what there is to remove is throwaway's business. It lives by the same rule as the
supervisor: its standard input ends when the parent does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import psycopg

from schema_database.errors import DatabaseError
from schema_database.throwaway import could_not_remove, remove_run

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


def main() -> int:
    """Wait for the end of standard input, then remove the run; print what could not be."""
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    task = json.loads(line)
    try:
        sys.stdin.buffer.read()
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        try:
            remove_run(task["url"], task["run"])
        except (DatabaseError, psycopg.Error) as error:
            _tell(task, str(error).partition("\n")[0])
            return 1
    return 0


def _tell(task: dict[str, str], reason: str) -> None:
    try:
        os.write(sys.stdout.fileno(), reason.encode())
    except BrokenPipeError:
        # A parent that died reads nothing; its terminal may still be there.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{could_not_remove(task['url'], task['run'], reason)}\n")


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    for _number in _SIGNALS:
        signal.signal(_number, _leave)
    sys.exit(main())
