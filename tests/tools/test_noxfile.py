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


PROBES = """
@nox.session(name="passes", venv_backend="none")
def passes(session):
    ours.run(session, sys.executable, "-c", "raise SystemExit(3)", *session.posargs)

@nox.session(name="names", venv_backend="none")
def names(session):
    session.error(f"unknown: {', '.join(session.posargs)}; {session.posargs}")

def installed(session, *names, **groups):
    if "read-only" in session.posargs:
        raise OSError(30, "Read-only file system", "requirements.txt")

ours.install = installed

@nox.session(name="schema", venv_backend="none")
def schema(session):
    ours.schema.func(session)
"""


def _nox(tmp_path: Path, session: str, *arguments: str) -> tuple[int, str]:
    path = tmp_path / "noxfile.py"
    path.write_text(NOXFILE.format(root=str(ROOT)) + PROBES, encoding="utf-8")
    command = [sys.executable, "-m", "nox", "-f", str(path), "-s", session, "--", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("session", ["passes", "names"])
@pytest.mark.parametrize(
    "argument",
    [
        "postgresql://me:s3cret@host/db",
        "--url=postgresql:/me:s3cret@host/db",
        "me:s3cret@host",
        "host=h password = 's3cret'",
        "JWT_SECRET=s3cret",
        "service_role_key=s3cret",
    ],
)
def test_nox_prints_no_secret(tmp_path: Path, session: str, argument: str) -> None:
    """Logs of CI are kept and shared: a command that is repeated there, or fails, has none."""
    status, printed = _nox(tmp_path, session, "plain", argument)

    assert status != 0
    assert "plain" in printed
    assert "***" in printed
    assert "s3cret" not in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["postgresql://a:s3cret@h", "postgresql://b:s3cret@h"], "more than one connection URL"),
        (["read-only"], "Read-only file system"),
    ],
)
def test_nox_that_cannot_run_schema_ends_with_2(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    """1 would mean that `verify` has looked and found a difference."""
    status, printed = _nox(tmp_path, "schema", "verify", *arguments)

    assert status == 2, printed
    assert reason in printed
    assert "s3cret" not in printed
