"""Ends a process in order at Ctrl-C, SIGTERM or a closed terminal; must not know what it does."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

STATUS = 130
"""The exit status of whoever was interrupted, by whatever signal: a shell's for SIGINT."""

_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

_ONE_WISH = 2.0
"""Seconds in which several signals are one: a terminal, nox and a supervisor each send their own.
Later ones count again, since Python forgets a KeyboardInterrupt that a destructor raises."""

_interrupts: list[float] = []
_is_over = False


def interrupt_on_signals() -> None:
    """Let each of the signals raise KeyboardInterrupt, so that `with` blocks remove what they made.

    What this process was started to ignore, as by `nohup`, it goes on ignoring.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """Let none of the signals do anything any more: all that is left to do is to end."""
    global _is_over  # noqa: PLW0603 - one step, which no signal can come between
    _is_over = True
    # At its very end Python gives the handlers of its own back to the system, which would kill.
    # Ignoring them instead is no way: of one that came just before, Python would complain.
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def was_interrupted() -> bool:
    """Tell whether one of the signals came, even if what it raised was forgotten."""
    return bool(_interrupts)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _is_over or (_interrupts and now - _interrupts[-1] < _ONE_WISH):
        return
    _interrupts.append(now)
    raise KeyboardInterrupt
