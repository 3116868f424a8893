"""What nox adds to the commands that it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

NOXFILE = """
import importlib.util, os, sys
import nox

os.chdir({root!r})
spec = importlib.util.spec_from_file_location("ours", "noxfile.py")
ours = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ours)

@nox.session(name="probe", venv_backend="none")
def probe(session):
    ours.run_for_status(session, sys.executable, "-c", *session.posargs)
"""


@pytest.mark.parametrize("status", [0, 1, 2, 130])
def test_nox_ends_with_the_status_of_the_command(tmp_path: Path, status: int) -> None:
    """CI tells "differs" from "could not look" by it, through nox as well."""
    path = tmp_path / "noxfile.py"
    path.write_text(NOXFILE.format(root=str(ROOT)), encoding="utf-8")
    command = [sys.executable, "-m", "nox", "-f", str(path), "-s", "probe", "--"]

    done = subprocess.run(
        [*command, f"raise SystemExit({status})"], check=False, capture_output=True, cwd=tmp_path
    )

    assert done.returncode == status, done.stderr
