"""How a proof begins and ends, whatever it proves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_PROOF = """
import signal, sys
from proofs.report import progress, run_proof

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.{signal})

def swallowed():
    Interrupted()
    progress(1, 2, "steps")
    return 0

def mistaken():
    try:
        signal.raise_signal(signal.{signal})
    except KeyboardInterrupt:
        raise AssertionError("unfinished") from None

sys.exit(run_proof({interrupted}))
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("interrupted", ["swallowed", "mistaken"])
def test_an_interrupt_that_gets_lost_stops_the_proof(signal: str, interrupted: str) -> None:
    """Python forgets what a finalizer raises, and a library may raise another error instead."""
    done = subprocess.run(
        [sys.executable, "-c", _PROOF.format(signal=signal, interrupted=interrupted)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr.endswith("\nstopped\n")
    assert ("Traceback" in done.stderr) == (interrupted == "swallowed")
