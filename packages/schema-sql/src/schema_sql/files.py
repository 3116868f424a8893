"""Files of a workspace on disk: which are its own, and how one is replaced; knows no content."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

_FOREIGN = frozenset({"node_modules", "__pycache__"})


class ForeignFileError(OSError):
    """A file that is not the workspace's: nothing of ours is written there."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(errno.EPERM, reason, name)


def is_foreign(name: str) -> bool:
    """Tell whether a file or folder of this name belongs to a tool, and not to the project.

    Args:
        name: One part of a path.

    Returns:
        Whether it is hidden, as `.git`, `.nox` and `.venv` are, or is one of those that npm and
        Python make. In any case of letters, because some file systems do not tell them apart.
    """
    return name.startswith(".") or name.casefold() in _FOREIGN


def own_path(root: Path, path: Path) -> Path:
    """Find the place of a file or folder of the workspace, which need not exist.

    Args:
        root: The workspace's folder.
        path: The path, from the current folder or absolute.

    Returns:
        The place, with every link on the way followed, the last one too.

    Raises:
        ForeignFileError: It is outside of the workspace, or in a folder that `is_foreign`.
    """
    # Where it says, before any link is followed: `out/../../x` is outside without one.
    spelled = Path(os.path.normpath(path))
    inside = spelled.is_relative_to(root)
    name = Path(os.path.relpath(path, root)).as_posix() if inside else str(spelled)
    top = Path(os.path.realpath(root))
    place = Path(os.path.realpath(path))
    if not place.is_relative_to(top):
        reason = "it is outside of the workspace"
        if inside:
            reason = f"a link leads out of the workspace, to {place}"
        raise ForeignFileError(name, reason)
    foreign = next((part for part in place.relative_to(top).parts if is_foreign(part)), None)
    if foreign is not None:
        raise ForeignFileError(name, f"it is in {foreign}, which is not the project's own")
    return place


def write_file(root: Path, name: str, text: str) -> None:
    """Replace a file of the workspace, or make it, with the folders that it needs.

    Args:
        root: The workspace's folder.
        name: The file's path from there. Where it is a link, what it leads to is replaced.
        text: What it shall hold.

    Raises:
        ForeignFileError: It is not the workspace's own (see `own_path`).
        OSError: It cannot be written; the old one is still there.
    """
    replace_file(own_path(root, root / name), text)


def replace_file(path: Path, text: str) -> None:
    """Replace a file's text: whoever looks sees the old one or the new one, whole.

    Args:
        path: The file, anywhere. A link is replaced itself.
        text: What it shall hold, written as UTF-8 with LF line ends.

    Raises:
        OSError: The file cannot be written; the old one is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        # mkstemp makes it private; the file that was there says what it should be.
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
