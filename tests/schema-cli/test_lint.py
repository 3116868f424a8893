"""schema lint, of a whole workspace: the fragments, and the migrations that they make."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

GRANTS = """\
REVOKE ALL ON TABLE public.tasks FROM PUBLIC, anon, authenticated, service_role CASCADE;
GRANT SELECT ON TABLE public.tasks TO anon;
"""
RESTRICTS = """\

  DROP POLICY IF EXISTS narrow ON public.tasks;
CREATE POLICY narrow ON public.tasks AS RESTRICTIVE FOR SELECT TO anon USING (title <> '');
"""


@pytest.fixture
def parted(root: Path, run: Run) -> Path:
    """A workspace whose table is granted in one fragment and restricted in a later one."""
    stub = "CREATE ROLE anon;\nCREATE ROLE authenticated;\nCREATE ROLE service_role;\n"
    (root / "packages/db/platform/roles.sql").write_text(stub, encoding="utf-8")
    platform = root / "packages/db/platform/BUILD.toml"
    roles = '"role anon", "role authenticated", "role service_role"'
    platform.write_text(platform.read_text("utf-8").replace('"role anon"', roles), "utf-8")
    (root / "packages/db/tasks/access.sql").write_text(GRANTS, encoding="utf-8")
    (root / "packages/db/tasks/restrict.sql").write_text(RESTRICTS, encoding="utf-8")
    with (root / "packages/db/tasks/BUILD.toml").open("a", encoding="utf-8") as file:
        file.write('\n[fragment.restrict]\nsrc = "restrict.sql"\n')
    assert run("deps", "--fix")[0] == 0
    return root


def lines(out: str) -> list[str]:
    """The first line of each finding."""
    return [line for line in out.splitlines() if not line.startswith(" ")]


def test_what_shows_in_the_whole_file_alone_is_told_there(parted: Path, run: Run) -> None:
    """Two fragments that are each in order are not when one runs behind the other."""
    status, out, err = run("lint")

    assert (status, err) == (1, "")
    (told,) = [line for line in lines(out) if line.startswith("out/1_m.sql")]
    place, _, fact = told.partition(": ")
    assert fact.startswith("revoke-before-grant: public.tasks is granted before narrow restricts")
    assert "it is written at packages/db/tasks/restrict.sql:3:25\n" in out

    run("build")
    _, line, column = place.split(":")
    text = (parted / "out/1_m.sql").read_text("utf-8").splitlines()[int(line) - 1]
    assert text[int(column) - 1 :].startswith("public.tasks AS RESTRICTIVE")


def test_what_a_fragment_shows_is_told_once(parted: Path, run: Run) -> None:
    """Nothing of the fragments is said again of the file, and nothing of the guard at all."""
    _, out, _ = run("lint", "--format", "json")

    findings = json.loads(out)["findings"]
    assert len([f for f in findings if f["path"].startswith("packages/")]) > 1
    assert [f["rule"] for f in findings if f["path"] == "out/1_m.sql"] == ["revoke-before-grant"]


def test_a_suppression_holds_in_the_whole_file(parted: Path, run: Run) -> None:
    """The comment is shipped with the statement; needed there alone, it is not called unused."""
    comment = "-- schema-lint: allow revoke-before-grant -- nobody reads it yet\n"
    path = parted / "packages/db/tasks/restrict.sql"
    path.write_text(RESTRICTS.replace("CREATE", f"{comment}CREATE"), encoding="utf-8")

    for what in ([], ["//db/tasks:restrict"], ["packages/db/tasks/restrict.sql"]):
        out = run("lint", *what)[1]
        assert "revoke-before-grant" not in out

    path.write_text(RESTRICTS.replace("CREATE", f"{comment}CREATE"), encoding="utf-8")
    (parted / "packages/db/tasks/access.sql").write_text(
        GRANTS.split("GRANT", maxsplit=1)[0], "utf-8"
    )
    (told,) = [line for line in lines(run("lint")[1]) if "unused-suppression" in line]
    assert told.startswith("packages/db/tasks/restrict.sql:3:1: unused-suppression: ")


@pytest.mark.parametrize("what", ["//db/tasks:restrict", "packages/db/tasks/restrict.sql"])
def test_a_fragment_is_judged_with_the_migration_in_view(parted: Path, run: Run, what: str) -> None:
    """What is asked about one fragment has the same answer as among all of them."""
    assert parted
    every = [line for line in lines(run("lint")[1]) if "restrict.sql" in line or "out/" in line]

    assert lines(run("lint", what)[1]) == every
    assert not [line for line in lines(run("lint", "//db/tasks:table")[1]) if "out/" in line]


def test_a_migration_that_cannot_be_built_is_not_called_clean(root: Path, run: Run) -> None:
    """What is not read is not judged, and lint says so; a file by itself is judged all the same."""
    build = root / "packages/db/tasks/BUILD.toml"
    build.write_text(build.read_text("utf-8").replace('  ":table", # what is protected\n', ""))

    for _ in range(2):
        status, _, err = run("lint")
        assert status == 1
        assert "packages/db/tasks/access.sql:1:23: undeclared-dep: " in err

    assert "undeclared-dep" in run("lint", "packages/db/tasks/access.sql")[2]
    assert "undeclared-dep" not in run("lint", "packages/db/tasks/table.sql")[2]


def test_our_own_workspace_is_clean(run: Run) -> None:
    """The real fragments and the real migration; said again without reading them."""
    root = str(Path(__file__).parents[2])

    assert run("--root", root, "lint") == (0, "", "")
    assert run("--root", root, "lint") == (0, "", "")
