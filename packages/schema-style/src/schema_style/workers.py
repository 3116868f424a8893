"""Hands jobs to sqlfluff, in several processes where that is quicker; knows no files."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker

from schema_style.findings import StyleError
from schema_style.job import Job, Outcome

# Characters of SQL. One process takes 0.7 s to import sqlfluff and 1.2 s for 20,000 characters; two
# take 1.4 s for both, and two imports for less would be waste.
PARALLEL_FROM = 20_000

# sqlfluff sees some things only once others are right: the case of a name in two parts, when these
# stand together.
PASSES = 3

_TERMINAL = [getattr(signal, n) for n in ("SIGINT", "SIGHUP") if hasattr(signal, n)]
"""Ctrl-C and a closed terminal reach every process; the parent alone answers them.

Not SIGTERM: with it a pool that is broken ends the workers that are left, and waits for them."""


def run(jobs: list[Job]) -> list[Outcome]:
    """Do the jobs, in as many processes as pay.

    Args:
        jobs: What to do.

    Returns:
        Their outcomes, in the order of the jobs.

    Raises:
        StyleError: sqlfluff refuses the configuration, or fails, or Python leaves out docstrings.
    """
    if sys.flags.optimize > 1:
        # sqlfluff writes the documentation of its rules anew, and fails where there is none.
        raise StyleError(
            "sqlfluff needs docstrings, which PYTHONOPTIMIZE=2 and -OO leave out\n"
            "  help: unset PYTHONOPTIMIZE, or set it to 1"
        )
    workers = min(os.cpu_count() or 1, len(jobs))
    if workers > 1 and sum(len(job.text) for job in jobs) >= PARALLEL_FROM:
        try:
            return _run_parallel(jobs, workers)
        except BrokenProcessPool:
            # A worker was killed, or the caller's main module cannot be imported by one.
            pass
    return [_work(job) for job in jobs]


def _run_parallel(jobs: list[Job], workers: int) -> list[Outcome]:
    with _blocked():
        # It ignores SIGINT and SIGTERM by itself, and lets them through here once it runs.
        if sys.platform != "win32":
            resource_tracker.ensure_running()
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=workers,
        # The one way to start processes that all systems share, and that is safe beside threads.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_ignore_signals,
    )
    others = set(multiprocessing.active_children())
    try:
        with _blocked():
            outcomes = pool.map(_work, jobs)
        return list(outcomes)
    except BrokenProcessPool:
        # A worker that was started while the pool broke is not ended by it, but waited for.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_signals() -> None:
    for number in _TERMINAL:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """Hold a terminal's signals back here, and for good from the processes that are started."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(job: Job) -> Outcome:
    # Imported here, so that a parent which only hands jobs out does not wait for sqlfluff.
    from schema_style import engine  # noqa: PLC0415

    text = job.text
    findings = engine.inspect(text, job.path, job.root)
    if not job.fix:
        return Outcome(text, findings)
    for _ in range(PASSES):
        if not any(finding.fixable for finding in findings):
            break
        mended = engine.mend(text, job.path, job.root)
        left = engine.inspect(mended, job.path, job.root)
        # A fix that sqlfluff itself cannot read afterwards is a fault of sqlfluff: leave it be.
        if mended == text or any(finding.code == engine.UNPARSABLE for finding in left):
            break
        text, findings = mended, left
    # What is still there would be fixed if it could be.
    return Outcome(text, [engine.by_hand(finding) for finding in findings])
