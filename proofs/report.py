"""What every proof says: progress, its page, its last line; must know nothing of what it proves."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from schema_assemble.output import write_output
from schema_database import DatabaseError
from schema_sql.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
"""The repository: where the workspace, the migration and docs/ are."""

_STEPS = 10

_interrupts: list[int] = []
"""Which signals asked this process to stop."""


def progress(done: int, total: int, what: str) -> None:
    """Say how far a proof is: on a terminal in one line, elsewhere in a line per tenth.

    Args:
        done: how many are done, counting from 1; the last call is with `total`.
        total: of how many.
        what: what is counted, in the plural.

    Raises:
        KeyboardInterrupt: Ctrl-C came before, and what was running then swallowed it.
    """
    if _interrupts:
        raise KeyboardInterrupt
    line = f"{what}: {done} of {total}"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{line}" + "\n" * (done == total))
    elif done * _STEPS // total > (done - 1) * _STEPS // total:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_report(name: str, markdown: str) -> None:
    """Write docs/proofs/NAME.md.

    Args:
        name: the proof.
        markdown: the page; the same bytes for the same result, so no times, paths or random values.
    """
    write_output(ROOT / "docs" / "proofs" / f"{name}.md", markdown.strip() + "\n")


def closing_line(passed: int, failed: int) -> int:
    """Print the last line of a proof and return its exit status.

    Args:
        passed: how many of its claims held.
        failed: how many did not.

    Returns:
        0 if all passed and there was something to pass, else 1.
    """
    sys.stdout.write(f"{passed} passed, {failed} failed\n")
    return 0 if passed and not failed else 1


def run_proof(proof: Callable[[], int]) -> int:
    """Run a proof and return its exit status: 2 where it cannot run, 130 after Ctrl-C.

    SIGTERM ends it as Ctrl-C does, so that `with` blocks still remove servers and databases.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return proof()
    except KeyboardInterrupt:
        pass
    except Exception as error:
        # What is interrupted may also fail in its own way, as Hypothesis does between two examples.
        if not _interrupts:
            if not isinstance(error, (DatabaseError, SourceError)):
                raise
            sys.stderr.write(f"{error}\n")
            return 2
    sys.stderr.write("\nstopped\n")
    return 130


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Python only prints what is raised while it collects garbage, so progress() raises it again.
    _interrupts.append(number)
    raise KeyboardInterrupt
