"""schema deps, query and show."""

import errno
import os
import tempfile
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


def test_deps_that_cannot_be_written_are_told(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that is read-only the BUILD file is named, and not a temporary one."""
    build = root / "packages/db/tasks/BUILD.toml"
    text = build.read_text("utf-8").replace('  "//db/platform:roles",\n', "")
    build.write_text(text, encoding="utf-8")

    def read_only(**_: object) -> tuple[int, str]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), ".BUILD.toml.x7")

    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    status, out, err = run("deps", "--fix")

    assert (status, out) == (2, "")
    path = "packages/db/tasks/BUILD.toml"
    assert err == f"schema: cannot write {path}: {os.strerror(errno.EROFS)}\n"


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


HIDDEN = ["\x1b[2J", "\r", "\x85", "\x9b2J", "\u2028", "\u202e", "\ufeff"]
"""Characters that a terminal obeys, or that change what a line seems to say."""


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(
    "command",
    [
        "show //db/tasks:access",
        "build",
        "build --check",
        "deps",
        "deps --fix",
        "lint",
        "lint --format json",
        "lint --format github",
        "lint other.sql",
    ],
)
def test_no_answer_holds_a_control_character_of_a_file(
    root: Path, run: Run, command: str, hidden: str
) -> None:
    """Whatever SQL quotes cannot rewrite the terminal on which a message about it is read."""
    sql = f'GRANT SELECT ON public."tasks {hidden}" TO anon, "{hidden}";\n'.replace("\r", "\r ")
    for name in ("packages/db/tasks/access.sql", "other.sql"):
        (root / name).write_text(sql, encoding="utf-8", newline="")

    status, out, err = run(*command.split())

    assert status in {0, 1}
    assert "Traceback" not in err
    assert all(line.isprintable() for line in (out + err).split("\n"))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_wrong_usage_shows_what_was_written(root: Path, run: Run, hidden: str) -> None:
    """An argument that a script has put together is told escaped, too."""
    for verb in ("show", "build", "lint", "explain"):
        status, out, err = run(verb, f"//db:{hidden}")

        assert (status, out) == (2, "")
        assert all(line.isprintable() for line in err.split("\n"))


def test_sql_for_a_pipe_is_exact_and_for_a_terminal_escaped(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`schema build LABEL > file.sql` gives the fragment's bytes; a terminal is shown them."""
    table = root / "packages/db/tasks/table.sql"
    table.write_text(f"-- \x1b[2J\n{table.read_text('utf-8')}", encoding="utf-8")

    assert "-- \x1b[2J\n" in run("build", "//db/tasks:table")[1]

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "-- \\x1b[2J\n" in run("build", "//db/tasks:table")[1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("INSERT -- über".encode("latin-1"), "1:11: unreadable-file: the file holds a byte that"),
        ("SELECT 1".encode("utf-16"), "1:1: unreadable-file: the file is UTF-16\n  help: save it"),
    ],
)
def test_demo_data_that_cannot_be_read_is_told_before_a_server_starts(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str
) -> None:
    """supabase/seed.sql is read as every other SQL file is."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nobody")
    (root / "supabase").mkdir()
    (root / "supabase/seed.sql").write_bytes(data)

    status, out, err = run("db")

    assert (status, out) == (1, "")
    assert err.startswith(f"supabase/seed.sql:{message}")
