"""What stands in tools/ and is run by hand."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schema_cli.main import main as schema

ROOT = Path(__file__).resolve().parents[2]

BUILD = """\
[migration.first]
title = "First"
out = "supabase/migrations/20250101_first.sql"
roots = ["//schema/my_table:all"]
"""


@pytest.fixture
def new_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return tools/new_table.py, at work in a workspace that has nothing but the platform."""
    (tmp_path / "pyproject.toml").write_text('[tool.schema]\npackages = "packages"\n', "utf-8")
    folder = tmp_path / "packages" / "schema"
    shutil.copytree(ROOT / "packages/schema/platform", folder / "platform")
    (folder / "BUILD.toml").write_text(BUILD, "utf-8")
    spec = importlib.util.spec_from_file_location("new_table", ROOT / "tools" / "new_table.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SCHEMA", folder)
    return module


def test_a_new_table_lacks_nothing_but_its_comment(
    new_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its dependencies, policy and grants are right; what a row is, its author has to say."""
    assert new_table.main(["my_table"]) == 0
    capsys.readouterr()
    at_root = ["--root", str(tmp_path)]
    assert schema([*at_root, "lint"]) == 1
    findings = [line for line in capsys.readouterr().out.splitlines() if ".sql:" in line]
    assert [line.split(": ")[1] for line in findings] == ["comment-table"]
    table = tmp_path / "packages/schema/my_table/table.sql"
    table.write_text(table.read_text("utf-8").replace("''", "'One row.'"), "utf-8")
    assert schema([*at_root, "lint"]) == 0
    assert schema([*at_root, "deps"]) == 0
    assert schema([*at_root, "build"]) == 0


def test_a_table_that_is_there_is_left_as_it_is(
    new_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever forgets that he wrote it loses nothing."""
    assert new_table.main(["my_table"]) == 0
    table = tmp_path / "packages/schema/my_table/table.sql"
    table.write_text("-- mine", "utf-8")
    assert new_table.main(["my_table"]) == 1
    assert table.read_text("utf-8") == "-- mine"
    assert "exists already; it is left as it is" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["MyTable", "1st", "../x", "a b", "t" * 41, "--help", ""])
def test_a_name_that_no_table_can_have_is_refused(
    new_table: Any, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of its index and keys begin with it, and PostgreSQL cuts them off at 63 bytes."""
    assert new_table.main([name]) == 2
    assert capsys.readouterr().err
    assert [path.name for path in (tmp_path / "packages/schema").iterdir() if path.is_dir()] == [
        "platform"
    ]


def test_the_benchmark_measures_every_step() -> None:
    """It makes its tables as new_table.py does, so a change there may break it unseen."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/bench/scale.py"), "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line[:18].strip() for line in done.stdout.splitlines()] == [
        "tables",
        "hash",
        "read BUILD files",
        "check deps",
        "lint",
        "lint, unchanged",
        "build",
        "build, unchanged",
    ]
