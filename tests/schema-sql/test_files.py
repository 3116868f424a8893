"""Files on disk: which belong to a workspace, and how one is replaced."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from schema_sql.files import ForeignFileError, is_foreign, own_path, replace_file, write_file

needs_links = pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    """The first build makes the folder; line ends are line feeds on every system."""
    path = tmp_path / "a/b/1_x.sql"

    replace_file(path, "é\nb\n")

    assert path.read_bytes() == "é\nb\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["1_x.sql"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A build does not make a file private, nor a private file public."""
    fresh, private = tmp_path / "fresh.sql", tmp_path / "private.sql"
    private.touch(mode=0o600)

    replace_file(fresh, "a")
    replace_file(private, "a")

    if os.name == "posix":
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o644
        assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["chmod", "replace"])
@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    """Whoever looks sees the old text whole, and no temporary file beside it."""
    path = tmp_path / "x.sql"
    path.write_text("old", encoding="utf-8")

    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(type(failure)):
        replace_file(path, "new")

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


def test_text_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    """A failure while the text is written is no exception to that."""
    path = tmp_path / "x.sql"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "new \udcff")

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


def test_a_folder_in_the_way_is_not_replaced(tmp_path: Path) -> None:
    """Where a folder has the name of the output, nothing is lost and nothing is left."""
    (tmp_path / "x.sql").mkdir()

    with pytest.raises(OSError, match=r"x\.sql"):
        replace_file(tmp_path / "x.sql", "new")

    assert [p.name for p in tmp_path.iterdir()] == ["x.sql"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a folder beside it that is none of its business."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.sql").write_text("theirs", encoding="utf-8")
    (tmp_path / "root/out").mkdir(parents=True)
    (tmp_path / "root/.git/hooks").mkdir(parents=True)
    return tmp_path / "root"


def everything(folder: Path) -> dict[str, str]:
    """All files below a folder and what they hold, but for links."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize(
    "name",
    [
        "../outside/x.sql",
        "out/../../outside/x.sql",
        "../1_x.sql",
        ".git/hooks/post-checkout",
        "out/../.git/config",
        ".GIT/config",
        ".nox/test/x.sql",
        ".venv/x.sql",
        "packages/.hidden/x.sql",
        "node_modules/x.sql",
        "packages/Node_Modules/x.sql",
    ],
)
def test_what_is_not_the_workspaces_is_not_written(root: Path, name: str) -> None:
    """Neither outside of it nor in the folders of git and other tools, whatever names them."""
    before = everything(root.parent)

    with pytest.raises(ForeignFileError):
        write_file(root, name, "ours")

    assert everything(root.parent) == before


def test_an_absolute_path_leads_nowhere_else(root: Path) -> None:
    """An absolute path is no way out."""
    before = everything(root.parent)

    with pytest.raises(ForeignFileError, match="outside of the workspace"):
        write_file(root, str(root.parent / "outside/x.sql"), "ours")

    assert everything(root.parent) == before


@needs_links
@pytest.mark.parametrize(
    ("link", "to", "name"),
    [
        ("out/1_x.sql", "../../outside/x.sql", "out/1_x.sql"),
        ("out/1_x.sql", "../.git/hooks/post-checkout", "out/1_x.sql"),
        ("out/1_x.sql", "../../outside/new.sql", "out/1_x.sql"),
        ("linked", "../outside", "linked/x.sql"),
        ("linked", ".git/hooks", "linked/post-checkout"),
        ("linked", "../outside", "linked/deep/er/1_x.sql"),
    ],
)
def test_no_link_leads_a_file_out(root: Path, link: str, to: str, name: str) -> None:
    """A link in the place of the file or of a folder above it is refused with where it leads."""
    (root / link).symlink_to(to)
    before = everything(root.parent)

    with pytest.raises(ForeignFileError) as caught:
        write_file(root, name, "ours")

    assert caught.value.filename == name
    assert everything(root.parent) == before


@needs_links
def test_a_link_within_the_workspace_stays_a_link(root: Path) -> None:
    """What it leads to is replaced, and a workspace that is reached by a link is no other."""
    (root / "real.sql").write_text("old", encoding="utf-8")
    (root / "out/1_x.sql").symlink_to("../real.sql")
    (root.parent / "alias").symlink_to(root)

    write_file(root.parent / "alias", "out/1_x.sql", "new")

    assert (root / "out/1_x.sql").is_symlink()
    assert (root / "real.sql").read_text(encoding="utf-8") == "new"


@needs_links
def test_a_loop_of_links_hangs_nobody(root: Path) -> None:
    """It is a path like any other."""
    (root / "loop").symlink_to("loop")

    assert own_path(root, root / "loop") == root / "loop"


@pytest.mark.parametrize("name", ["packages", "out", "a.b", "git", "node_module", "GIT"])
def test_ordinary_names_are_the_projects(name: str) -> None:
    """Only hidden names and those that npm and Python make are somebody else's."""
    assert not is_foreign(name)
