"""Runs pytest on copies of the tests in which something is wrong; knows not what, nor why."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.report import ROOT
from schema_database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COPIED = ("tests", "packages/schema", "supabase")

_AT_ONCE = 2
"""A CI machine has two cores."""

_TESTS_FAILED = 1
_INTERRUPTED = 2


@dataclass(frozen=True)
class Guarded:
    """One fault behind the gates, and whether they noticed.

    Attributes:
        fault: what was wrong.
        noticed: the test or the message that turned red, or empty.
    """

    fault: str
    noticed: str


@dataclass(frozen=True)
class Fault:
    """A fault in a copy of a file that the tests read.

    Attributes:
        what: what is wrong then.
        path: the file.
        text: its new text.
        tests: what pytest is to run.
    """

    what: str
    path: str
    text: str
    tests: tuple[str, ...]


def replaced(path: str, text: str, old: str, new: str) -> str:
    """Return a file's text with one piece replaced.

    Args:
        path: the file.
        text: its text.
        old: the piece.
        new: what takes its place.

    Returns:
        The new text.

    Raises:
        DatabaseError: the piece is not there exactly once, so the fault would be another.
    """
    if text.count(old) != 1:
        raise DatabaseError(
            f"{path} has {text.count(old)} times what a fault of proofs/gates_*.py replaces: {old}",
            "write the fault for what stands there now",
        )
    return text.replace(old, new)


def noticed(faults: Sequence[Fault]) -> Iterator[Guarded]:
    """Run pytest once for each fault, each in a copy of its own, after a run without any.

    Args:
        faults: the faults.

    Yields:
        What became of each, in their order.

    Raises:
        DatabaseError: the tests are red without a fault, or pytest itself failed.
    """
    tests = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
    if red := _first_red(tests, None):
        raise DatabaseError(f"red without any fault: {red}", "run `nox -s test`")
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for fault, red in zip(faults, pool.map(_red_of, faults), strict=True):
            yield Guarded(fault.what, red)
    finally:
        pool.shutdown(cancel_futures=True)


def _red_of(fault: Fault) -> str:
    return _first_red(fault.tests, fault)


def _first_red(tests: tuple[str, ...], fault: Fault | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part in _COPIED:
            shutil.copytree(
                ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "proofs")
            )
        shutil.copy(ROOT / "pyproject.toml", root)
        if fault is not None:
            (root / fault.path).write_text(fault.text, encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *tests],
            cwd=root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
    return red(ran.returncode, ran.stdout)


def red(status: int, said: str) -> str:
    """Tell what turned red in a run of pytest.

    Args:
        status: its exit status.
        said: what it printed.

    Returns:
        The first test that failed, without its parameters, or what the tests said when they were
        not to be collected; empty where all passed.

    Raises:
        DatabaseError: pytest ended otherwise, which says nothing about the tests.
    """
    if status == 0:
        return ""
    failed = re.search(r"^FAILED \S*::(\w+)", said, re.MULTILINE)
    if status == _TESTS_FAILED and failed:
        return failed[1]
    refused = re.search(
        r"^(?:E +AssertionError: (.+)|(Empty parameter set in .+) at line)", said, re.MULTILINE
    )
    if status == _INTERRUPTED and "ERROR collecting" in said and refused:
        return refused[1] or refused[2]
    last = (said.strip().splitlines() or ["nothing"])[-1]
    raise DatabaseError(
        f"pytest ended with status {status} and said {last}", "run `nox -s test` and mend that"
    )
