"""What the proofs do with programs that are stuck or offline; needs no Node.js itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from proofs.node.npm import NodeError, error_lines, run
from proofs.node.supabase import SupabaseCli

LOCKED = sorted(
    path.parent
    for path in (Path(__file__).parents[2] / "proofs" / "node").glob("*/package-lock.json")
)

WAITS = "import threading; threading.Event().wait()"


def test_a_program_that_takes_too_long_is_named_without_its_arguments(tmp_path: Path) -> None:
    """They may hold a password, which the exception of `subprocess` would show."""
    with pytest.raises(NodeError, match=r"^the CLI did not end within 0.1 s\n  help: ") as caught:
        run(
            [sys.executable, "-c", WAITS, "secret"],
            "the CLI",
            folder=tmp_path,
            variables=os.environ,
            seconds=0.1,
        )
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.skipif(os.name != "posix", reason="only there do children have a group")
def test_what_is_interrupted_takes_its_children_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The CLI is a child of Node.js, and would go on with the database that we remove."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = f"import socket; socket.create_connection({listener.getsockname()!r}).recv(1)"
        connections = []

        def interrupted(*_arguments: object, **_options: object) -> NoReturn:
            connections.append(listener.accept()[0])
            raise KeyboardInterrupt

        monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(
                [
                    sys.executable,
                    "-c",
                    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]);"
                    + WAITS,
                ],
                "the CLI",
                folder=tmp_path,
                variables=os.environ,
                seconds=60,
            )
    (connection,) = connections
    with connection:
        connection.settimeout(60)
        assert connection.recv(1) == b""


def test_the_password_is_neither_on_the_command_line_nor_in_the_answer(tmp_path: Path) -> None:
    """Command lines are everybody's to read, and answers are shown."""
    tell = (
        "import os, sys; said = os.environ['PGPASSWORD'];"
        "print('open' if 'geheim' in str(sys.argv) else 'hidden', said == 'geheim', said)"
    )
    cli = SupabaseCli((sys.executable, "-c", tell), tmp_path, os.environ)
    said = cli.run("postgresql://me:geheim@127.0.0.1:1/db?sslmode=disable", "db", "push")
    assert said.out == "hidden True ***\n"


def test_what_npm_says_begins_with_the_cause() -> None:
    """Its last lines only tell where a log is."""
    said = """npm warn something else
npm error code ECONNREFUSED
npm error FetchError: request to the registry failed
npm error     at ClientRequest.<anonymous> (index.js:130:14)
npm error
npm error A complete log of this run can be found in: /home/you/.npm/_logs/debug-0.log
"""
    assert error_lines(said) == (
        "npm error code ECONNREFUSED\nnpm error FetchError: request to the registry failed"
    )
    assert error_lines("killed\n") == "killed"


@pytest.mark.parametrize("folder", LOCKED, ids=lambda folder: folder.name)
def test_a_lock_pins_what_is_installed_and_names_no_registry(folder: Path) -> None:
    """Each package has a checksum; where it comes from is the machine's matter."""
    text = (folder / "package-lock.json").read_text(encoding="utf-8")
    described = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert packages.pop("")["dependencies"] == described["dependencies"]
    assert all("version" in each and "integrity" in each for each in packages.values())
