"""A small workspace, and the command in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from schema_cli.main import main

FILES = {
    "pyproject.toml": '[tool.schema]\npackages = "packages"\n',
    "packages/db/BUILD.toml": """\
[migration.m]
title = "The migration"
out = "out/1_m.sql"
roots = ["//db/tasks:all"]
""",
    "packages/db/platform/BUILD.toml": """\
[external.roles]
stub = "roles.sql"
provides = ["role anon"]
remedy = "Run this on Supabase."
""",
    "packages/db/platform/roles.sql": "CREATE ROLE anon;\n",
    "packages/db/tasks/BUILD.toml": """\
# The tasks: über alles.

[fragment.table]
src = "table.sql"

[fragment.access]
src = "access.sql"
deps = [
  ":table", # what is protected
  "//db/platform:roles",
]
""",
    "packages/db/tasks/table.sql": """\
-- Tasks: über alles.
CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID NOT NULL,
  title TEXT NOT NULL DEFAULT 'ü',
  CONSTRAINT tasks_pkey PRIMARY KEY (id)
);
""",
    "packages/db/tasks/access.sql": "GRANT SELECT ON TABLE public.tasks TO anon;\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound workspace, which is the current folder."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def styled(root: Path) -> Path:
    """A sound workspace with this repository's style, in which no rule finds anything."""
    shutil.copy(Path(__file__).parents[2] / "pyproject.toml", root)
    tasks = root / "packages/db/tasks"
    (tasks / "table.sql").write_text("CREATE SCHEMA IF NOT EXISTS tasks;\n", encoding="utf-8")
    (tasks / "access.sql").write_text("GRANT USAGE ON SCHEMA tasks TO anon;\n", encoding="utf-8")
    return root


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; its exit status, output and errors."""

    def run_main(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_main
