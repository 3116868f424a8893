"""What the verbs remember between runs, and what they do not trust."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from schema_cli.commands import build, lint
from schema_cli.memory import Memory, memory_folder
from schema_style import workers
from schema_targets.workspace import find_files

Run = Callable[..., tuple[int, str, str]]

TABLE = "packages/db/tasks/table.sql"
VERBS = ["build", "lint", "style"]


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which this user's caches lie."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def files(folder: Path) -> set[str]:
    """The files below a folder."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every verb fail where it does more than hashing."""

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("work was done")

    monkeypatch.setattr(build, "open_workspace", fail)
    monkeypatch.setattr(lint, "open_workspace", fail)
    monkeypatch.setattr(workers, "run", fail)


@pytest.mark.parametrize("verb", VERBS)
def test_an_unchanged_workspace_costs_hashing_alone(
    styled: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """The second run does no work and says the same; the checkout holds no trace of the first."""
    run("build")
    before = files(styled)
    first = run(verb)
    no_work(monkeypatch)

    assert first[0] == 0
    assert run(verb) == first
    assert files(styled) == before
    assert files(home) == {"build.json", {"style": "findings.json"}.get(verb, f"{verb}.json")}


@pytest.mark.parametrize("verb", VERBS)
def test_neither_time_nor_size_is_trusted(
    styled: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """A file that changed while its time and size did not is looked at again."""
    del home
    run("build")
    run(verb)
    path = styled / TABLE
    before = path.stat()
    text = path.read_text("utf-8")
    path.write_text(text.replace("EXISTS", "exists"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size

    watched: list[str] = []
    monkeypatch.setattr(Memory, "remember", lambda *_: watched.append("lint"))
    status, out, _ = run(verb)

    assert (status == 1) == (verb == "style")
    assert ("written" in out) == (verb == "build")
    assert bool(watched) == (verb != "style")


def forge(root: Path, folder: Path) -> None:
    """Claim, as our own code would, that a workspace was found clean."""
    files = find_files(root)
    packages = ("schema_sql", "schema_targets", "schema_lint", "schema_cli")
    forged = Memory(files, "lint", *packages)
    forged.__dict__["_path"] = folder / "lint.json"
    forged.remember()
    assert forged.unchanged() == []


def test_what_came_with_the_checkout_is_not_trusted(styled: Path, home: Path, run: Run) -> None:
    """A cache in the checkout vouches for nothing, also where the user's caches are kept in it."""
    (styled / "packages/db/tasks/access.sql").write_text("GRANT ALL ON TABLE public.tasks TO anon;")
    forge(styled, styled / ".cache/schema")
    forge(styled, styled / ".cache")

    assert run("lint")[0] == 1

    for place in (styled / ".cache", styled):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(place))
            assert memory_folder(styled) is None
            assert run("lint")[0] == 1
    assert files(home) == set()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_write_to_is_not_trusted(
    styled: Path, home: Path, run: Run, mode: int
) -> None:
    """As where the home is a folder that everybody shares."""
    (styled / "packages/db/tasks/access.sql").write_text("GRANT ALL ON TABLE public.tasks TO anon;")
    folder = memory_folder(styled)
    assert folder is not None
    forge(styled, folder)
    folder.chmod(mode)

    assert memory_folder(styled) is None
    assert run("lint")[0] == 1
    assert home in folder.parents


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_of_somebody_else_is_not_trusted(
    styled: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a link to a folder of our own."""
    folder = memory_folder(styled)
    assert folder is not None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert memory_folder(styled) is None
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    moved = folder.rename(home / "elsewhere")
    folder.symlink_to(moved)
    assert memory_folder(styled) is None


@pytest.mark.parametrize("case", ["no home", "not a folder", "read-only", "full"])
def test_nowhere_to_remember_is_no_error(
    styled: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Every verb works as if it were the first time."""
    run("build")
    expected = [run(verb) for verb in VERBS]
    shutil.rmtree(home)

    def fail(*_: Any, **__: Any) -> None:
        raise {
            "no home": RuntimeError("could not determine the home directory"),
            "read-only": PermissionError(13, "Permission denied"),
            "full": OSError(28, "No space left on device"),
        }[case]

    if case == "no home":
        monkeypatch.setattr(platformdirs, "user_cache_path", fail)
    elif case == "not a folder":
        home.touch()
    else:
        monkeypatch.setattr(Path, "mkdir" if case == "read-only" else "replace", fail)

    assert [run(verb) for verb in VERBS] == expected
    assert [run(verb) for verb in VERBS] == expected


def test_two_workspaces_are_not_taken_for_each_other(styled: Path, home: Path) -> None:
    """Each has a folder of its own, whatever it is called."""
    one, other = memory_folder(styled), memory_folder(styled / "packages")

    assert one is not None
    assert other is not None
    assert one != other
    assert one.parent == other.parent == home / "schema-cli"
