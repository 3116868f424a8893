"""Installs what a package.json of ours pins, once for each content; must not know what it does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.report import ROOT, run_proof

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST_NODE = 20
"""The oldest major of Node.js that the packages we pin run on."""

_CACHE = ROOT / ".cache" / "proofs"
_INSTALL_NODE = (
    f"install Node.js {OLDEST_NODE} or newer, which brings npm: `apt-get install nodejs npm`, "
    "`brew install node` or `winget install OpenJS.NodeJS`"
)
# Passed on neither: they would make a client talk to something else than it is told to.
_NOT_PASSED_ON = ("SUPABASE_", "PG", "DATABASE_URL", "NODE_OPTIONS")


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
    source = Path(__file__).parent / name
    files = {path.name: path.read_bytes() for path in sorted(source.iterdir()) if path.is_file()}
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    target = _CACHE / f"{name}-{digest}"
    if target.is_dir():
        return target
    npm = program("npm")
    _require_node()
    _CACHE.mkdir(parents=True, exist_ok=True)
    # Beside it and renamed, so that an install that was cut off is never taken for a whole one.
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix=f".{name}-") as temporary:
        folder = Path(temporary, "install")
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        done = subprocess.run(
            [npm, "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise NodeError(
                f"npm could not install what {source.relative_to(ROOT)}/package.json names:\n{said}"
                "\n  help: check the network and `npm config get registry`, then run this again"
            )
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster.
            if not target.is_dir():
                raise
    return target


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which a program finds neither the user's settings nor telemetry.

    Args:
        home: a folder of its own.
        more: variables to add.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)
    }
    return inherited | {
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


def _require_node() -> None:
    said = subprocess.run(
        [program("node"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    major = said.removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise NodeError(f"this Node.js is {said}: too old\n  help: {_INSTALL_NODE}")
