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

class Noisy:
    def __del__(self):
        signal.raise_signal(signal.{signal})

def proof():
    Noisy()
    progress(1, 2, "steps")
    return 0

sys.exit(run_proof(proof))
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_an_interrupt_that_python_swallows_stops_the_proof(signal: str) -> None:
    """What a finalizer raises, Python prints and forgets; the proof ends all the same, with 130."""
    done = subprocess.run(
        [sys.executable, "-c", _PROOF.format(signal=signal)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert "Exception ignored" in done.stderr
    assert done.stderr.endswith("\nstopped\n")
