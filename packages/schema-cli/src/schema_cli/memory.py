"""What the verbs remember of runs that found nothing to do, so that the next is only hashing.

It lies with the user and not in the checkout: what came with a checkout could claim that files were
looked at which never were. It holds digests alone, of all that decides: the files, our own code and
PostgreSQL's parser. Times and sizes of files play no part. Where it cannot be kept, nothing is
remembered, and nothing else happens.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import stat
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from schema_assemble.output import read_output
from schema_sql.files import ForeignFileError, own_path, replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schema_targets.workspace import Files


def memory_folder(root: Path) -> Path | None:
    """The folder in which the verbs remember what they saw of a workspace.

    It is made if it is not there, and nobody else may write to it.

    Args:
        root: The workspace's folder.

    Returns:
        The folder, or None where none can be had that nobody else answers for: without a home,
        where it cannot be written to, and where the home is within the workspace.
    """
    try:
        folder = platformdirs.user_cache_path("schema-cli", appauthor=False)
        folder /= hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except (OSError, RuntimeError):  # RuntimeError: there is no home.
        return None
    if os.name == "posix":
        others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or others_write:
            return None
    return folder


class Memory:
    """What one verb remembers of a workspace in which it found nothing to do.

    Args:
        files: The workspace's files.
        verb: The verb.
        packages: The packages of ours whose code decides about the result.
    """

    def __init__(self, files: Files, verb: str, *packages: str) -> None:
        self._files = files
        self._verb = verb
        self._packages = packages

    def unchanged(self) -> list[str] | None:
        """The outputs of the run that is remembered, if nothing has changed since, or None."""
        try:
            remembered = json.loads(self._path.read_text(encoding="utf-8"))
            outputs: dict[str, str] = dict(remembered["outputs"])
            same = remembered["inputs"] == self._inputs and all(
                _digest(self._output(name)) == digest for name, digest in outputs.items()
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        return list(outputs) if same else None

    def remember(self, outputs: Mapping[str, str] | None = None) -> None:
        """Remember a run that left nothing to do.

        Args:
            outputs: The files it stands for, by their path from the root, with their text.
        """
        digests = {name: _digest(text) for name, text in (outputs or {}).items()}
        try:
            replace_file(self._path, json.dumps({"inputs": self._inputs, "outputs": digests}))
        except OSError:
            return  # The next run is slower, and nothing else happens.

    @cached_property
    def _path(self) -> Path:
        folder = memory_folder(self._files.root)
        if folder is None:
            raise FileNotFoundError
        return folder / f"{self._verb}.json"

    @cached_property
    def _inputs(self) -> str:
        return self._files.fingerprint(_code_digest(*self._packages), version("pglast"))

    def _output(self, name: str) -> str:
        path = self._files.root / name
        if path.is_symlink():
            return ""  # It is somebody else's file, whatever it holds.
        try:
            return read_output(own_path(self._files.root, path)) or ""
        except ForeignFileError:
            return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _code_digest(*packages: str) -> str:
    """A digest of our own code: a new version must not trust what an old one remembered."""
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            for path in sorted(Path(folder).rglob("*")):
                if path.suffix in {".py", ".sql", ".txt"}:
                    digest.update(path.relative_to(folder).as_posix().encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()
