"""What every proof says: progress, its page, its last line; must know nothing of what it proves."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from schema_cli.interrupts import STATUS, ignore_signals, interrupt_on_signals, was_interrupted
from schema_database import DatabaseError
from schema_sql.files import write_file
from schema_sql.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent
"""The repository: where the workspace, the migration and docs/ are."""

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"
"""The migration that the proofs are about, as seen from the repository."""

_STEPS = 10


def progress(done: int, total: int, what: str) -> None:
    """Say how far a proof is: on a terminal in one line, elsewhere in a line per tenth.

    Args:
        done: how many are done, counting from 1; the last call is with `total`.
        total: of how many.
        what: what is counted, in the plural.

    Raises:
        KeyboardInterrupt: Ctrl-C came before, and what was running then swallowed it.
    """
    # Python only prints what is raised while it collects garbage.
    if was_interrupted():
        raise KeyboardInterrupt
    line = f"{what}: {done} of {total}"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{line}" + "\n" * (done == total))
    elif done * _STEPS // total > (done - 1) * _STEPS // total:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def conclude(
    name: str, claims: int, failures: Sequence[str], page: Callable[[], str] | None
) -> int:
    """Say what a proof came to, and write docs/proofs/NAME.md where all of it held.

    Args:
        name: the proof.
        claims: how many there were.
        failures: those that did not hold, in words.
        page: returns the page: the same bytes for the same result, so no times, paths or random
            values. None where only a part was run, which makes no page.

    Returns:
        The exit status: 0 if there were claims and all held, else 1.
    """
    for failure in failures:
        sys.stdout.write(f"FAILED {failure}\n")
    held = bool(claims) and not failures
    target = f"docs/proofs/{name}.md"
    if held and page:
        write_file(ROOT, target, page().strip() + "\n")
    else:
        sys.stdout.write(f"{target} stays as it is.\n")
    sys.stdout.write(f"{claims - len(failures)} passed, {len(failures)} failed\n")
    return 0 if held else 1


def parser(session: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what stands behind `--` of a nox session.

    Args:
        session: its name.
        description: the proof's docstring, of which the first line is shown.
    """
    first, _, _ = (description or "").partition("\n")
    return argparse.ArgumentParser(prog=f"nox -s {session} --", description=first)


def positive(text: str) -> int:
    """Read a number of at least 1 from the command line.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


def run_proof(proof: Callable[[], int]) -> int:
    """Run a proof and return its exit status: 2 where it cannot run, 130 after Ctrl-C.

    SIGTERM and a closed terminal end it as Ctrl-C does, so that `with` blocks still remove servers
    and databases.
    """
    interrupt_on_signals()
    try:
        return proof()
    except KeyboardInterrupt:
        pass
    except Exception as error:
        # What is interrupted may also fail in its own way, as Hypothesis does between two examples.
        if not was_interrupted():
            if not isinstance(error, (DatabaseError, SourceError)):
                raise
            sys.stderr.write(f"{error}\n")
            return 2
    ignore_signals()
    with contextlib.suppress(OSError):
        sys.stderr.write("\nstopped\n")
    return STATUS
