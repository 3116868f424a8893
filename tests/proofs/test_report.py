"""How a proof begins and ends, whatever it proves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proofs import report

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


@pytest.fixture
def sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the page of a proof of sums, as an earlier run wrote it."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    path = tmp_path / "docs" / "proofs" / "sums.md"
    path.parent.mkdir(parents=True)
    path.write_text("before\n", "utf-8")
    return path


def test_a_proof_that_held_writes_its_page(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its last line counts what held."""
    assert report.conclude("sums", 3, [], lambda: "after") == 0
    assert sums.read_text("utf-8") == "after\n"
    assert capsys.readouterr().out == "3 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("claims", "failures"),
    [(3, ["two and two are five"]), (0, [])],
    ids=["one-failed", "nothing-tried"],
)
def test_a_proof_that_failed_leaves_its_page(
    sums: Path, claims: int, failures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who commits everything would otherwise commit a page that tells of a failure."""
    assert report.conclude("sums", claims, failures, lambda: "after") == 1
    assert sums.read_text("utf-8") == "before\n"
    assert capsys.readouterr().out.splitlines() == [
        *(f"FAILED {failure}" for failure in failures),
        "docs/proofs/sums.md stays as it is.",
        f"{claims - len(failures)} passed, {len(failures)} failed",
    ]


def test_a_part_of_a_proof_leaves_its_page(sums: Path) -> None:
    """Its numbers would not be those of the whole."""
    assert report.conclude("sums", 3, [], None) == 0
    assert sums.read_text("utf-8") == "before\n"


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
def test_a_wrong_number_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to try would pass for a proof."""
    options = report.parser("prove_sums", "Proves sums.\n\nAnd more.")
    options.add_argument("--most", type=report.positive)
    with pytest.raises(SystemExit) as left:
        options.parse_args([f"--most={text}"])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "usage: nox -s prove_sums --" in said
    assert f"argument --most: {text!r} is no number of at least 1" in said
