"""The built file on disk: knows how to compare it; knows nothing of its content."""

from __future__ import annotations

import difflib
import errno
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_output(path: Path) -> str | None:
    """The file's text as it is, line ends included, or None where there is none."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            # To open a named pipe would wait for somebody who writes to it.
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None


def difference(name: str, old: str, new: str) -> str:
    """A unified diff from the file's text to what it should be."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        f"{name} (on disk)",
        f"{name} (built)",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ no newline at the end\n" for line in lines
    )


def change_summary(old: str | None, new: str) -> str:
    """What a build changed, in a few words: ``+3 -1 lines``."""
    if old is None:
        return f"new, {len(new.splitlines())} lines"
    changes = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0))[2:]
    added = sum(line.startswith("+") for line in changes)
    removed = sum(line.startswith("-") for line in changes)
    return f"+{added} -{removed} lines"
