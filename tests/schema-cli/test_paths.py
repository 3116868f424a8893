"""Paths on a command line begin at the current folder, whatever the verb."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

TABLE = "packages/db/tasks/table.sql"


@pytest.mark.parametrize(
    "place",
    [
        (".", TABLE),
        ("packages/db/tasks", "table.sql"),
        ("packages/db/tasks", "./table.sql"),
        ("packages/db/platform", "../tasks/table.sql"),
        ("packages", "db/tasks/table.sql"),
    ],
)
@pytest.mark.parametrize("verb", ["style", "lint"])
def test_a_path_begins_at_the_current_folder(
    styled: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str, place: tuple[str, str]
) -> None:
    """As for every other command; findings name the file from the workspace's root."""
    bad = "create table t (a int) ;\n"
    (styled / TABLE).write_text(bad, encoding="utf-8")
    folder, path = place
    monkeypatch.chdir(styled / folder)

    status, out, err = run(verb, path)

    assert (status, err) == (1, "")
    assert out.startswith(f"{TABLE}:1:")


@pytest.mark.parametrize("verb", ["style", "lint"])
def test_a_path_never_begins_at_the_root(
    styled: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """What is there from the root and not from here is missing, and nothing is written."""
    text = "create table t (a int) ;\n"
    (styled / TABLE).write_text(text, encoding="utf-8")
    monkeypatch.chdir(styled / "packages/db/tasks")

    status, out, err = run(verb, TABLE, *(["--fix"] if verb == "style" else []))

    assert (status, out) == (2, "")
    assert "no such file" in err or "there is no file" in err
    assert (styled / TABLE).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("verb", ["style", "lint"])
def test_the_root_and_the_paths_begin_at_the_same_folder(
    styled: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """--root names the workspace and moves no path."""
    monkeypatch.chdir(styled.parent)

    status, _, err = run("--root", styled.name, verb, f"{styled.name}/{TABLE}")
    assert (status, err) == (0, "")

    assert run("--root", styled.name, verb, TABLE)[0] == 2


def test_style_refuses_what_is_not_the_workspaces(
    styled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 2, one message and no file touched, also where another path is fine."""
    text = "select 1 ;\n"
    hook = styled / ".git/hooks/a.sql"
    hook.parent.mkdir(parents=True)
    outside = styled.parent / "outside.sql"
    for path in (hook, outside, styled / TABLE):
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(styled / "packages")

    for named in ("../.git", "../.git/hooks/a.sql", "../../outside.sql", str(outside)):
        status, out, err = run("style", "--fix", "db", named)

        assert (status, out) == (2, "")
        assert err.startswith("schema: ")
        assert "\n" not in err[:-1]
    assert {path.read_text("utf-8") for path in (hook, outside, styled / TABLE)} == {text}
