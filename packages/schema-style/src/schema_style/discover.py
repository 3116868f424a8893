"""Paths that somebody names → the SQL files that are meant; knows no text of theirs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from schema_sql.files import ForeignFileError, is_foreign, own_path
from schema_style.findings import StyleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pathspec import GitIgnoreSpec

_IGNORE_FILE = ".gitignore"
# A folder with one of these is somebody else's: another checkout, or a virtual environment.
_OTHERS = frozenset({".git", "pyvenv.cfg"})


def find_sql(paths: Sequence[Path], root: Path) -> list[Path]:
    """Find the SQL files that paths mean.

    A folder means its .sql files and those of the folders in it, but for what is not the project's:
    hidden folders, those of npm and Python, other checkouts, virtual environments, what .gitignore
    names, and whatever only a link leads to outside of the workspace.

    Args:
        paths: Files and folders; relative ones begin at the current folder.
        root: The workspace's folder, without links.

    Returns:
        The files, with links followed, sorted and each once.

    Raises:
        StyleError: A path is missing, is not the workspace's own, or a .gitignore cannot be read.
    """
    ignored = _Ignored(root)
    files: set[Path] = set()
    for path in paths:
        try:
            place = own_path(root, path.absolute())
        except ForeignFileError as error:
            raise StyleError(f"{error.filename}: {error.strerror}") from error
        name = place.relative_to(root).as_posix()
        if others := _others_above(place, root):
            raise StyleError(f"{name}: {others} is not the project's own")
        if place.is_dir():
            files.update(_below(place, root, ignored))
        elif place.exists():
            files.add(place)
        else:
            raise StyleError(f"{name}: no such file or directory")
    return sorted(files)


def _below(top: Path, root: Path, ignored: _Ignored) -> Iterator[Path]:
    for name, folders, files in os.walk(top):
        folder = Path(name)
        folders[:] = [
            each
            for each in folders
            if not is_foreign(each)
            and not _is_others(folder / each)
            and not ignored.names(folder / each, folder=True)
        ]
        for each in files:
            path = folder / each
            if not each.endswith(".sql") or is_foreign(each) or ignored.names(path, folder=False):
                continue
            try:
                place = own_path(root, path)
            except ForeignFileError:
                continue
            # A link may lead to what the walk has left out.
            if place == path or not (_others_above(place, root) or ignored.holds(place)):
                yield place


def _others_above(path: Path, root: Path) -> str | None:
    """The folder in a workspace that a path lies in and that is somebody else's."""
    for parent in (path, *path.parents):
        if parent == root:
            break
        if _is_others(parent):
            return parent.relative_to(root).as_posix()
    return None


def _is_others(folder: Path) -> bool:
    return any((folder / name).exists() for name in _OTHERS)


class _Ignored:
    """What the .gitignore files of a workspace name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._specs: dict[Path, GitIgnoreSpec] = {}

    def names(self, path: Path, *, folder: bool) -> bool:
        """Whether a path is ignored; that the folders above it are not is taken for granted."""
        for parent in path.parents:
            name = path.relative_to(parent).as_posix() + "/" * folder
            # The nearest file that says anything of it decides.
            found = self._spec(parent).check_file(name).include
            if found is not None or parent == self._root:
                return bool(found)
        return False

    def holds(self, path: Path) -> bool:
        """Whether a path or a folder above it is ignored."""
        below = [each for each in path.parents if each.is_relative_to(self._root)][:-1]
        return self.names(path, folder=False) or any(
            self.names(each, folder=True) for each in below
        )

    def _spec(self, folder: Path) -> GitIgnoreSpec:
        # Imported here, because a run over named files, such as all fragments, needs none.
        from pathspec import GitIgnoreSpec  # noqa: PLC0415

        if folder not in self._specs:
            path = folder / _IGNORE_FILE
            try:
                text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
                self._specs[folder] = GitIgnoreSpec.from_lines(text.splitlines())
            except (OSError, ValueError) as error:
                name = path.relative_to(self._root).as_posix()
                raise StyleError(f"{name}: cannot read it: {error}") from error
        return self._specs[folder]
