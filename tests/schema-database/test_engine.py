"""Finding PostgreSQL's programs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schema_database import DatabaseError, Engine, find_engine
from schema_database.engine import copy_engine, everyone_may_use

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_default_engine_needs_no_installation() -> None:
    """The wheel we depend on holds PostgreSQL 18."""
    assert find_engine().major == 18


@pytest.mark.parametrize("major", [15, 18])
def test_an_engine_is_of_the_major_asked_for(
    major: int, engine_or_skip: Callable[[int], Engine]
) -> None:
    """Asking for a major version gives that one, with initdb and postgres in its folder."""
    engine = engine_or_skip(major)
    assert engine.major == major
    assert engine.program("initdb").is_file()
    assert engine.program("postgres").is_file()


def test_a_missing_engine_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A version that is not there is one error with its remedy."""
    monkeypatch.setattr("schema_database.engine._usual_folders", lambda _major: iter(()))
    with pytest.raises(DatabaseError, match="PostgreSQL 15 is not installed here") as caught:
        find_engine(15)
    assert caught.value.remedy == "apt-get install postgresql-15"


def test_a_version_that_supabase_never_ran_is_refused() -> None:
    """14 has another idea of schema public."""
    with pytest.raises(DatabaseError, match="PostgreSQL 14 is too old"):
        find_engine(14)


def test_a_variable_names_an_engine_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SCHEMA_PG_BIN_<major> goes before all usual places, and is told when it names nothing."""
    engine = find_engine(18)
    monkeypatch.setenv("SCHEMA_PG_BIN_18", str(engine.bin))
    assert find_engine(18) == engine

    monkeypatch.setenv("SCHEMA_PG_BIN_17", str(engine.bin))
    with pytest.raises(
        DatabaseError, match=r"SCHEMA_PG_BIN_17 names .*, which holds PostgreSQL 18"
    ):
        find_engine(17)

    monkeypatch.setenv("SCHEMA_PG_BIN_17", str(tmp_path))
    with pytest.raises(DatabaseError, match="which holds no PostgreSQL"):
        find_engine(17)


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_a_folder_closed_to_others_is_noticed_from_below(tmp_path: Path) -> None:
    """One closed folder above a program is enough to keep other accounts from it."""
    closed = tmp_path / "closed"
    program = closed / "bin" / "initdb"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    program.chmod(0o755)
    closed.chmod(0o700)
    assert not everyone_may_use(program)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        opened = Path(name)
        opened.chmod(0o755)
        (opened / "link").symlink_to(program)
        assert not everyone_may_use(opened / "link")
        (opened / "open").touch()
        (opened / "open").chmod(0o755)
        assert everyone_may_use(opened / "open")


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_a_copied_engine_runs_and_is_readable_by_everyone_alone(tmp_path: Path) -> None:
    """A copy is whole, and nobody but its owner may change it, whatever the umask was."""
    before = os.umask(0o077)
    try:
        copy = copy_engine(find_engine(), tmp_path / "engine")
    finally:
        os.umask(before)
    for program in ("initdb", "postgres"):
        said = subprocess.run([copy.program(program), "--version"], check=True, capture_output=True)
        assert b"PostgreSQL" in said.stdout
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "engine").rglob("*")}
    assert modes <= {0o755, 0o644}
