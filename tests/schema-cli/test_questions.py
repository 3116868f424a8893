"""schema deps, query and show."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

BUILD = "packages/db/tasks/BUILD.toml"


def test_right_deps_are_counted(root: Path, run: Run) -> None:
    """All is well is said with what was looked at."""
    assert run("deps") == (0, "4 targets, 2 dependencies: as the SQL has them\n", "")
    assert run("deps", "--fix") == (0, "4 targets, 2 dependencies: as the SQL has them\n", "")


def test_a_missing_dep_holds_the_line_to_write(root: Path, run: Run) -> None:
    """The finding says which label to add, where."""
    path = root / BUILD
    path.write_text(path.read_text("utf-8").replace('  "//db/platform:roles",\n', ""), "utf-8")

    status, out, err = run("deps")

    assert (status, out) == (1, "")
    assert err == (
        "packages/db/tasks/access.sql:1:39: undeclared-dep: role anon is provided by "
        "//db/platform:roles, which is not in deps\n"
        '  help: add "//db/platform:roles", to deps of [fragment.access] at '
        f"{BUILD}:8, or run `schema deps --fix`\n"
    )


@pytest.mark.parametrize(
    ("deps", "left"),
    [
        ('deps = [":tabel", "//nowhere:at_all"]', []),
        ('deps = [":access"]', []),
        ("# the end", ["# the end"]),
        ('deps = [\n  # first\n  "//db:m", ":table" # last\n] # tail', ["# first", "# tail"]),
        (
            'unverified_deps = ["//db/platform:roles"]',
            ['unverified_deps = ["//db/platform:roles"]'],
        ),
    ],
    ids=["unknown", "itself", "none", "migration", "unverified"],
)
def test_fix_mends_whatever_the_labels_are(
    root: Path, run: Run, deps: str, left: list[str]
) -> None:
    """Wrong labels go, missing ones come, comments stay; a second run has nothing to do."""
    text = '# Tasks\n[fragment.table]\nsrc = "table.sql"\n\n[fragment.access]\nsrc = "access.sql"\n'
    (root / BUILD).write_text(f"{text}{deps}\n", encoding="utf-8")

    status, out, err = run("deps", "--fix")

    fixed = (root / BUILD).read_text("utf-8")
    assert (status, err) == (0, "")
    assert out.startswith(f"{BUILD}: deps written\n")
    assert fixed.startswith(text.removesuffix("\n"))
    assert all(line in fixed for line in left)
    assert run("deps", "--fix")[:2] == (0, out.split("\n", 1)[1])
    assert (root / BUILD).read_text("utf-8") == fixed


def test_fix_removes_no_dep_on_a_target_that_cannot_be_read(root: Path, run: Run) -> None:
    """While a BUILD file is wrong nobody knows what is provided, so nothing is rewritten."""
    path = root / BUILD
    path.write_text(path.read_text("utf-8").replace('"table.sql"\n', '"table.sql"\noops = 1\n', 1))
    before = path.read_bytes()

    status, _, err = run("deps", "--fix")

    assert status == 1
    assert "unknown key 'oops'" in err
    assert path.read_bytes() == before


def test_what_cannot_be_fixed_is_told_after_fixing(root: Path, run: Run) -> None:
    """An unresolved object stays a finding: --fix invents no target."""
    with (root / "packages/db/tasks/access.sql").open("a") as file:
        file.write("GRANT SELECT ON public.taskz TO anon;\n")

    status, _, err = run("deps", "--fix")

    assert status == 1
    assert "access.sql:2:17: unresolved-object: nothing provides relation public.taskz" in err
    assert "help: did you mean relation public.tasks?" in err


@pytest.mark.parametrize(
    ("arguments", "status", "lines"),
    [
        (
            "query",
            0,
            (
                "migration  //db:m|external   //db/platform:roles|fragment   //db/tasks:access|"
                "fragment   //db/tasks:table"
            ),
        ),
        ("query deps //db/tasks:table", 0, ""),
        ("query deps //db/tasks:access", 0, "//db/platform:roles|//db/tasks:table"),
        ("query deps //db/tasks:all", 0, "//db/platform:roles"),
        ("query deps //db:m", 0, "//db/platform:roles|//db/tasks:table|//db/tasks:access"),
        ("query rdeps //db/platform:roles", 0, "//db:m|//db/tasks:access"),
        ("query rdeps //db/tasks:all", 0, "//db:m"),
        ("query path //db:m //db/platform:roles", 0, "//db:m|  -> //db/tasks:access|  -> //db/pl"),
        ("query path //db/tasks:table //db:m", 1, "//db/tasks:table does not need //db:m"),
        ("query path //db:m //db:m", 0, "//db:m"),
    ],
)
def test_questions_about_the_graph(
    root: Path, run: Run, arguments: str, status: int, lines: str
) -> None:
    """What a target needs, who needs it, and why; a no is exit status 1."""
    found, out, err = run(*arguments.split())

    assert (found, err) == (status, "")
    assert [
        line[: len(want)] for line, want in zip(out.splitlines(), lines.split("|"), strict=False)
    ] == (lines.split("|") if lines else [])
    assert len(out.splitlines()) == len(lines.split("|")) * bool(lines)


def test_show_a_fragment(root: Path, run: Run) -> None:
    """A target is shown with its place, file, deps and objects."""
    status, out, _ = run("show", "//db/tasks:access")

    assert status == 0
    assert out.splitlines() == [
        f"fragment //db/tasks:access  ({BUILD}:6)",
        "  file: packages/db/tasks/access.sql",
        "  deps:",
        "    //db/tasks:table",
        "    //db/platform:roles",
        "  requires:",
        "    relation public.tasks",
        "    role anon",
    ]


@pytest.mark.parametrize(
    ("what", "status", "parts"),
    [
        ("//db:m", 0, ["out: out/1_m.sql", "ships, in order:\n    //db/tasks:table\n"]),
        ("//db/platform:roles", 0, ["file: packages/db/platform/roles.sql", "    role anon"]),
        ("//db/tasks:all", 0, ["fragment //db/tasks:access", "fragment //db/tasks:table"]),
        ("role anon", 0, ["provided by:\n    //db/platform:roles", "used by:\n    //db/tasks:acc"]),
        ('relation public."tasks"', 0, ["relation public.tasks\n", "//db/tasks:table"]),
        ("relation public.nope", 1, ["relation public.nope"]),
    ],
)
def test_show_targets_and_objects(
    root: Path, run: Run, what: str, status: int, parts: list[str]
) -> None:
    """Whoever meets a name in an error can ask what it is."""
    found, out, err = run("show", what)

    assert (found, err) == (status, "")
    assert all(part in out for part in parts), out


def test_our_own_workspace_answers(run: Run) -> None:
    """The real packages: every verb that only reads has an answer."""
    root = str(Path(__file__).parents[2])

    assert run("--root", root, "deps")[0] == 0
    assert "//schema/instance_tasks:table" in run("--root", root, "query")[1]
    assert run("--root", root, "show", "//schema/instance_tasks:all")[0] == 0
