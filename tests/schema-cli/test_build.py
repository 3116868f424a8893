"""schema build."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schema_cli.memory import memory_folder
from schema_targets.workspace import find_files

Run = Callable[..., tuple[int, str, str]]

OUT = "out/1_m.sql"


def test_the_first_build_makes_the_folder_and_the_second_nothing(root: Path, run: Run) -> None:
    """A build says what it wrote; built again it writes nothing."""
    status, out, err = run("build")
    assert (status, err) == (0, "")
    assert out.startswith(f"{OUT}: written (new, ")
    written = (root / OUT).stat()

    assert run("build") == (0, f"{OUT}: up to date\n", "")
    assert run("build", "//db:m") == (0, f"{OUT}: up to date\n", "")
    assert run("build", "--check") == (0, f"{OUT}: up to date\n", "")
    assert (root / OUT).stat().st_mtime_ns == written.st_mtime_ns


def test_a_changed_fragment_is_told_by_check_and_written_by_build(root: Path, run: Run) -> None:
    """One character is enough: --check shows the diff and changes nothing, build writes it."""
    run("build")
    table = root / "packages/db/tasks/table.sql"
    table.write_text(table.read_text("utf-8").replace("über", "unter"), encoding="utf-8")
    before = (root / OUT).read_bytes()

    status, out, err = run("build", "--check")
    assert status == 1
    assert "\n--- Tasks: über alles.\n" in out
    assert "\n+-- Tasks: unter alles.\n" in out
    assert err == f"{OUT}: stale\n  help: run `schema build` and commit the file\n"
    assert (root / OUT).read_bytes() == before

    assert run("build") == (0, f"{OUT}: written (+1 -1 lines)\n", "")
    assert run("build", "--check")[0] == 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data + b"-- by hand\n",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xff" + data,
        lambda _: b"",
        None,
    ],
    ids=["line", "crlf", "bytes", "empty", "deleted"],
)
def test_an_output_that_was_touched_is_stale(
    root: Path, run: Run, edit: Callable[[bytes], bytes] | None
) -> None:
    """What was edited by hand after the build is noticed and made right again."""
    run("build")
    right = (root / OUT).read_bytes()
    if edit is None:
        (root / OUT).unlink()
    else:
        (root / OUT).write_bytes(edit(right))

    status, out, err = run("build", "--check")
    assert status == 1
    assert f"+++ {OUT} (built)" in out
    assert "stale" in err

    assert run("build")[0] == 0
    assert (root / OUT).read_bytes() == right


@pytest.mark.parametrize("what", ["folder", "file"])
@pytest.mark.parametrize("arguments", [("build",), ("build", "--check")])
def test_an_output_that_cannot_be_written_is_told(
    root: Path, run: Run, what: str, arguments: tuple[str, ...]
) -> None:
    """Something else in the output's place is one message, and it is not harmed."""
    if what == "folder":
        (root / OUT).mkdir(parents=True)
    else:
        (root / "out").touch()

    status, _, err = run(*arguments)

    assert status in {1, 2}
    assert "1_m.sql" in err
    assert "Traceback" not in err
    assert (root / "out").exists()


def test_a_disk_that_is_full_leaves_the_old_output(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that fails says so and leaves what was there."""
    run("build")
    before = (root / OUT).read_bytes()
    (root / "packages/db/tasks/access.sql").write_text("GRANT ALL ON public.tasks TO anon;\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)

    assert run("build") == (2, "", f"schema: cannot write {OUT}: No space left on device\n")
    assert (root / OUT).read_bytes() == before
    assert [path.name for path in (root / "out").iterdir()] == ["1_m.sql"]


def test_a_label_prints_its_closure_and_writes_nothing(root: Path, run: Run) -> None:
    """A fragment's SQL with all that it needs goes to the output."""
    status, out, err = run("build", "//db/tasks:access")

    assert (status, err) == (0, "")
    assert out.index("CREATE TABLE IF NOT EXISTS public.tasks") < out.index("GRANT SELECT")
    assert "-- Source: packages/db/tasks/table.sql\n" in out
    assert "'Run this on Supabase.'" in out
    assert "CREATE ROLE" not in out
    assert not (root / "out").exists()

    _, alone, _ = run("build", "//db/tasks:table")
    assert "GRANT SELECT" not in alone
    assert run("build", "//db/tasks:all")[1].count("-- Source: ") == 2


def test_a_second_migration_holds_only_what_is_new(root: Path, run: Run) -> None:
    """A column that is added later ships alone, asks for the table, and leaves the first as is."""
    run("build")
    first = (root / OUT).read_bytes()
    build = root / "packages/db/tasks/BUILD.toml"
    build.write_text(
        build.read_text("utf-8") + '\n[fragment.done]\nsrc = "done.sql"\ndeps = [":table"]\n',
        encoding="utf-8",
    )
    (root / "packages/db/tasks/done.sql").write_text(
        "ALTER TABLE public.tasks ADD COLUMN IF NOT EXISTS done BOOLEAN;\n", encoding="utf-8"
    )
    with (root / "packages/db/BUILD.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[migration.n]\ntitle = "Done"\nout = "out/2_n.sql"\n'
            'roots = ["//db/tasks:done"]\nafter = [":m"]\n'
        )

    status, out, err = run("build")

    assert (status, err) == (0, "")
    assert out.startswith(f"{OUT}: up to date\nout/2_n.sql: written (new, ")
    second = (root / "out/2_n.sql").read_text("utf-8")
    assert second.count("-- Source: ") == 1
    assert "relname = 'tasks'" in second
    assert f"'Apply {OUT} first.'" in second
    assert "CREATE TABLE IF NOT EXISTS public" not in second
    assert (root / OUT).read_bytes() == first
    assert run("deps")[0] == 0


def files_and_links(folder: Path) -> dict[Path, bytes | str]:
    """All that is below a folder: what files hold and where links lead."""
    return {
        path: str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize(
    "out",
    [
        "../1_x.sql",
        "out/../../1_x.sql",
        "/outside/1_x.sql",
        "C:/1_x.sql",
        "out\\\\..\\\\../1_x.sql",
        ".git/hooks/1_x.sql",
        "out/./1_x.sql",
        "out//1_x.sql",
        ".GIT/1_x.sql",
        "GIT~1/hooks/1_x.sql",
        "node_modules/1_x.sql",
        "a\\u001b[2Jb/1_x.sql",
    ],
)
@pytest.mark.parametrize("arguments", [("build",), ("build", "--check"), ("build", "//db:m")])
def test_no_output_leads_out_of_the_workspace(
    root: Path, run: Run, out: str, arguments: tuple[str, ...]
) -> None:
    """A BUILD file cannot name a place outside, in .git or in another tool's folder."""
    (root / ".git/hooks").mkdir(parents=True)
    build = root / "packages/db/BUILD.toml"
    build.write_text(build.read_text("utf-8").replace(OUT, out), encoding="utf-8")
    before = files_and_links(root.parent)

    status, _, err = run(*arguments)

    assert status == 1
    assert err.startswith("packages/db/BUILD.toml:3:7: build-file: out: ")
    assert files_and_links(root.parent) == before


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("out", "../outside"),
        ("out", ".git/hooks"),
        (OUT, "../../outside/theirs.sql"),
        (OUT, "../../outside/new.sql"),
        (OUT, "../.git/hooks/post-checkout"),
    ],
)
@pytest.mark.parametrize("arguments", [("build",), ("build", "--check"), ("build", "//db:m")])
def test_no_link_leads_an_output_out_of_the_workspace(
    root: Path, run: Run, link: str, to: str, arguments: tuple[str, ...]
) -> None:
    """A link in the place of the output, or of its folder, is named, and nothing is written."""
    (root / ".git/hooks").mkdir(parents=True)
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "theirs.sql").write_text("theirs", encoding="utf-8")
    (root / link).parent.mkdir(exist_ok=True)
    (root / link).symlink_to(to)
    before = files_and_links(root.parent)

    status, out, err = run(*arguments)

    assert (status, out) == (2, "")
    assert err.startswith(f"schema: cannot write {OUT}: ")
    assert files_and_links(root.parent) == before


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_an_output_that_became_a_link_is_not_up_to_date(root: Path, run: Run) -> None:
    """What is remembered of the last build does not vouch for a file elsewhere."""
    run("build")
    outside = root.parent / "elsewhere.sql"
    (root / OUT).rename(outside)
    (root / OUT).symlink_to(outside)

    assert run("build")[0] == 2


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
@pytest.mark.parametrize(
    ("link", "to"),
    [
        (OUT, "../README.md"),
        (OUT, "../packages/db/tasks/table.sql"),
        (OUT, "new.sql"),
        ("out", "packages/db/tasks"),
    ],
)
@pytest.mark.parametrize("arguments", [("build",), ("build", "--check"), ("build", "//db:m")])
def test_no_link_leads_an_output_to_another_file_of_the_workspace(
    root: Path, run: Run, link: str, to: str, arguments: tuple[str, ...]
) -> None:
    """A README or a fragment is never replaced by a migration; the BUILD file is named."""
    (root / "README.md").write_text("ours", encoding="utf-8")
    (root / link).parent.mkdir(exist_ok=True)
    (root / link).symlink_to(to)
    before = files_and_links(root)

    status, out, err = run(*arguments)

    assert (status, out) == (1, "")
    assert err.startswith(f"packages/db/BUILD.toml:3:1: misplaced-output: {OUT} leads by a link to")
    assert files_and_links(root) == before


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_a_link_to_the_same_text_is_not_up_to_date(root: Path, run: Run) -> None:
    """What is remembered of the last build does not hide that the output became a link."""
    run("build")
    (root / OUT).rename(root / "copy.sql")
    (root / OUT).symlink_to("../copy.sql")

    assert run("build")[0] == 1


@pytest.mark.parametrize("out", ["packages/db/tasks/1_table.sql", "Packages/db/2_x.sql"])
def test_no_output_is_among_the_packages(root: Path, run: Run, out: str) -> None:
    """A fragment's own file as the output is refused at its BUILD file, and stays as it is."""
    tasks = root / "packages/db/tasks"
    (tasks / "table.sql").rename(tasks / "1_table.sql")
    for name, old, new in (("tasks/", '"table.sql"', '"1_table.sql"'), ("", OUT, out)):
        build = root / f"packages/db/{name}BUILD.toml"
        build.write_text(build.read_text("utf-8").replace(old, new), encoding="utf-8")
    before = files_and_links(root)

    status, _, err = run("build")

    assert status == 1
    assert err.startswith(f"packages/db/BUILD.toml:3:1: misplaced-output: {out} is among")
    assert files_and_links(root) == before


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_deps_are_not_written_through_a_link(root: Path, run: Run) -> None:
    """A BUILD file that is a link to outside is read, and never written."""
    outside = root.parent / "outside.toml"
    build = root / "packages/db/tasks/BUILD.toml"
    text = build.read_text("utf-8").replace('  "//db/platform:roles",\n', "")
    outside.write_text(text, encoding="utf-8")
    build.unlink()
    build.symlink_to(outside)

    status, _, err = run("deps", "--fix")

    assert status == 2
    assert err.startswith("schema: packages/db/tasks/BUILD.toml: a link leads out of the workspace")
    assert outside.read_text("utf-8") == text


def test_a_workspace_without_migrations_has_nothing_to_build(root: Path, run: Run) -> None:
    """Building nothing is wrong usage and not a success."""
    (root / "packages/db/BUILD.toml").unlink()

    status, out, err = run("build")

    assert (status, out) == (2, "")
    assert "has no [migration.NAME] to build" in err


@pytest.mark.parametrize(
    "memory",
    [
        *("", "{", "[]", "null", '{"outputs": 5}', '{"inputs": "x", "outputs": {"a\\u0000": "b"}}'),
        "[" * 200_000,
    ],
    ids=lambda text: text[:20],
)
def test_a_spoilt_memory_is_no_harm(root: Path, run: Run, memory: str) -> None:
    """What is remembered of the last build saves time and is never needed."""
    run("build")
    folder = memory_folder(root)
    assert folder is not None
    path = folder / "build.json"
    assert path.exists()
    path.write_text(memory, encoding="utf-8")

    assert run("build") == (0, f"{OUT}: up to date\n", "")


def test_a_memory_of_other_inputs_is_not_trusted(root: Path, run: Run) -> None:
    """A changed BUILD file is noticed though no SQL has changed."""
    run("build")
    build = root / "packages/db/BUILD.toml"
    build.write_text(build.read_text("utf-8").replace("The migration", "Another title"))

    status, out, _ = run("build", "--check")

    assert status == 1
    assert "+-- Another title" in out


def test_a_checkout_that_cannot_be_written_to_can_be_checked(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--check needs no place to remember anything."""
    run("build")

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", fail)

    assert run("build", "--check") == (0, f"{OUT}: up to date\n", "")


def test_the_bytes_do_not_depend_on_the_machine(root: Path, tmp_path: Path) -> None:
    """Hash seed, locale, current folder and the order of creation make no difference."""
    names = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    built = set()
    for seed in range(3):
        copy = tmp_path / f"copy {seed} ü"
        random.Random(seed).shuffle(names)  # noqa: S311 - a seed makes it repeat itself
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)
        subprocess.run(
            [sys.executable, "-m", "schema_cli", "--root", str(copy), "build"],
            cwd=[tmp_path, copy, copy / "packages"][seed],
            env=os.environ
            | {"PYTHONHASHSEED": str(seed), "LC_ALL": ["C", "C.UTF-8", "POSIX"][seed]},
            check=True,
            capture_output=True,
        )
        built.add((copy / OUT).read_bytes())

    assert len(built) == 1


def test_our_own_migration_is_committed_as_it_is_built(run: Run) -> None:
    """The real workspace: what is committed is what the fragments give, byte for byte."""
    root = Path(__file__).parents[2]

    status, out, err = run("--root", str(root), "build", "--check")

    assert (status, err) == (0, ""), out
    assert find_files(root).paths


def test_a_file_that_the_supabase_cli_would_skip_is_told(root: Path, run: Run) -> None:
    """Beside the built file, also after a build that found nothing to do; --check says it too."""
    run("build")
    stray = root / "out/next.sql"
    stray.touch()

    for command in (("build",), ("build", "--check"), ("build",)):
        status, out, err = run(*command)
        assert (status, out) == (1, f"{OUT}: up to date\n")
        assert err.startswith("out/next.sql:1:1: skipped-migration: the Supabase CLI skips a file")

    stray.rename(root / "out/2_next.sql")
    assert run("build") == (0, f"{OUT}: up to date\n", "")


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u2028b", "a\u202eb"])
def test_a_name_that_does_not_print_is_not_shipped(root: Path, run: Run, name: str) -> None:
    """The guard names the objects that it looks for, and contents may: each on one line."""
    table = root / "packages/db/tasks/table.sql"
    text = table.read_text("utf-8").replace("title TEXT", f'"{name}" TEXT')
    table.write_text(text, encoding="utf-8", newline="")

    status, out, err = run("build")

    assert (status, out) == (1, "")
    assert err.startswith("packages/db/tasks/table.sql:4:3: unprintable-name: column public.tasks.")
    assert not (root / OUT).exists()


def test_a_renamed_output_leaves_no_second_file_unnoticed(root: Path, run: Run) -> None:
    """Both files would be run, or collide: the old one is named, and not removed."""
    run("build")
    build = root / "packages/db/BUILD.toml"
    build.write_text(build.read_text("utf-8").replace("1_m.sql", "1_tasks.sql"), "utf-8")

    status, out, err = run("build")

    assert status == 1
    assert out.startswith("out/1_tasks.sql: written (new, ")
    assert err.startswith("out/1_m.sql:1:1: same-version: out/1_tasks.sql has the same version, 1")
    assert (root / OUT).exists()
