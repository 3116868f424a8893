"""Small workspaces, written for one test each."""

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[dict[str, str]], Path]

SETTINGS = '[tool.schema]\npackages = "packages"\n'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files below packages/ of a workspace, and return the workspace's folder."""

    def write_files(files: dict[str, str]) -> Path:
        (tmp_path / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        (tmp_path / "packages").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / "packages" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return tmp_path

    return write_files
