"""Installs what a package.json of ours pins, once for each content; must not know what it does.

`python -m proofs.node.npm` writes each package-lock.json that there is anew, after a change of its
package.json.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.report import ROOT, run_proof
from schema_sql.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OLDEST_NODE = 20
"""The oldest major of Node.js that the packages we pin run on."""

_HERE = Path(__file__).resolve().parent
_CACHE = ROOT / ".cache" / "proofs"
_INSTALL_NODE = (
    f"install Node.js {OLDEST_NODE} or newer, which brings npm: `apt-get install nodejs npm`, "
    "`brew install node` or `winget install OpenJS.NodeJS`"
)
# Passed on to no program: they would make it talk to something else than it is told to, and some
# hold a password.
_SERVERS = ("SUPABASE_", "PG", "DATABASE_URL")

# Without a network, npm's own settings keep it silent for more than a minute.
_NPM_INSTALL = (
    "install",
    "--ignore-scripts",
    "--package-lock",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=60000",
)
_INSTALL_TIMEOUT = 900.0
_LINES_SHOWN = 4


class NodeError(Exception):
    """Node.js, or what npm should have installed, is not there; says what to do about it."""


def program(name: str) -> str:
    """Return the path of `node` or `npm`.

    Raises:
        NodeError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise NodeError(f"{name} is not installed\n  help: {_INSTALL_NODE}")
    return found


def install(name: str) -> Path:
    """Install proofs/node/NAME into the cache, unless that was done before.

    Args:
        name: the folder; its package.json names exact versions.

    Returns:
        A folder with the files of proofs/node/NAME and node_modules beside them.

    Raises:
        NodeError: npm is not installed, or could not install.
    """
    source = _HERE / name
    files = {path.name: path.read_bytes() for path in sorted(source.iterdir()) if path.is_file()}
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    target = _CACHE / f"{name}-{digest}"
    if target.is_dir():
        return target
    program("npm")
    _require_node()
    sys.stdout.write(f"installing what {_named(name)} names, with npm\n")
    sys.stdout.flush()
    _CACHE.mkdir(parents=True, exist_ok=True)
    # Beside it and renamed, so that an install that was cut off is never taken for a whole one.
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix=f".{name}-") as temporary:
        folder = Path(temporary, "install")
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        # Not `npm ci`, which asks for other platforms' packages too: a mirror may lack them.
        _run_npm(name, folder, _NPM_INSTALL)
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster.
            if not target.is_dir():
                raise
    return target


def pinned(name: str) -> dict[str, str]:
    """Return the version of each package that proofs/node/NAME/package.json names."""
    described = json.loads((_HERE / name / "package.json").read_text(encoding="utf-8"))
    return dict(described["dependencies"])


def write_lock(name: str) -> None:
    """Write proofs/node/NAME/package-lock.json anew from its package.json.

    What it holds are versions and checksums; addresses would be those of one registry.

    Raises:
        NodeError: npm is not installed, or could not find what package.json names.
    """
    with tempfile.TemporaryDirectory() as temporary:
        # Where package.json has no name, npm writes the folder's.
        folder = Path(temporary, name)
        folder.mkdir()
        shutil.copy(_HERE / name / "package.json", folder)
        _run_npm(
            name,
            folder,
            (*_NPM_INSTALL, "--package-lock-only", "--omit-lockfile-registry-resolved"),
        )
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        for key in ("funding", "resolved"):
            package.pop(key, None)
    replace_file(_HERE / name / "package-lock.json", json.dumps(lock, indent=2) + "\n")


def run(
    command: Sequence[str],
    called: str,
    *,
    folder: Path,
    variables: Mapping[str, str],
    seconds: float,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and leave nothing that it started behind if that does not come.

    Args:
        command: the program and its arguments.
        called: what errors call it; the command may hold what is not to be shown.
        folder: where it runs.
        variables: its environment.
        seconds: how long it may take.
        stdin: what it reads.

    Raises:
        NodeError: it took longer.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # So that it can be ended with its children: those of Node.js survive it.
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise NodeError(
                f"{called} did not end within {seconds:g} s\n"
                "  help: run this again when the machine is less busy"
            ) from None
        except BaseException:
            _kill(process)
            raise
    return subprocess.CompletedProcess(called, process.returncode, out, err)


def error_lines(said: str) -> str:
    """Return what names the error in what npm wrote: its code first, no stack, no place of a log.

    Args:
        said: all that it wrote to standard error.
    """
    marker = "npm error"
    errors = [
        line.removeprefix(marker).strip() for line in said.splitlines() if line.startswith(marker)
    ]
    telling = [
        f"{marker} {line}"
        for line in errors
        if line and not line.startswith(("at ", "A complete log of this run"))
    ]
    return "\n".join(telling[:_LINES_SHOWN] or said.strip().splitlines()[-_LINES_SHOWN:])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which a program finds neither the user's settings nor telemetry.

    Args:
        home: a folder of its own.
        more: variables to add.
    """
    return _inherited(*_SERVERS, "NODE_OPTIONS") | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        # Some unpack a library there and leave it.
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home)),
        "DO_NOT_TRACK": "1",
        "LITE_TELEMETRY": "0",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        **more,
    }


def run_node_proof(proof: Callable[[], int]) -> int:
    """Run a proof and return its exit status, as `run_proof`; 2 also where Node.js is missing."""
    try:
        return run_proof(proof)
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _inherited(*but: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(but)}


def _run_npm(name: str, folder: Path, arguments: Sequence[str]) -> None:
    done = run(
        [program("npm"), *arguments],
        f"`npm {arguments[0]}`",
        folder=folder,
        # With NODE_OPTIONS, in which a machine may name the certificates of its proxy.
        variables=_inherited(*_SERVERS),
        seconds=_INSTALL_TIMEOUT,
    )
    if done.returncode:
        raise NodeError(
            f"npm could not install what {_named(name)} names:\n{error_lines(done.stderr)}\n"
            "  help: check the network and `npm config get registry`, then run this again"
        )


def _named(name: str) -> str:
    return f"proofs/node/{name}/package.json"


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _write_locks() -> int:
    # The Supabase CLI has none: a lock that was made on one platform names its binary alone, and
    # npm then installs none on the others (npm/cli issue 4828). Its package.json pins all of them.
    for path in sorted(_HERE.glob("*/package-lock.json")):
        write_lock(path.parent.name)
    return 0


def _require_node() -> None:
    said = subprocess.run(
        [program("node"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    major = said.removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise NodeError(f"this Node.js is {said}: too old\n  help: {_INSTALL_NODE}")


if __name__ == "__main__":
    sys.exit(run_node_proof(_write_locks))
