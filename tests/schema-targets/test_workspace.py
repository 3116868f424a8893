"""Folders of BUILD files to workspaces."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schema_targets.labels import parse_label
from schema_targets.workspace import UsageError, Workspace, find_files, find_root, load

Write = Callable[[dict[str, str]], Path]

TABLE = '[fragment.table]\nsrc = "table.sql"\n'
SQL = "CREATE TABLE public.t (a int);\n"


def open_workspace(root: Path) -> Workspace:
    """The workspace of a folder."""
    return load(find_files(root))


def errors(root: Path) -> list[str]:
    """What is wrong with a workspace, as it prints."""
    return [str(error) for error in open_workspace(root).errors]


def migration(name: str, number: int, roots: str, after: str = "") -> str:
    """A migration's table."""
    return (
        f'[migration.{name}]\ntitle = "{name}"\nout = "out/{number}_{name}.sql"\n'
        f"roots = [{roots}]\nafter = [{after}]\n"
    )


def test_a_sound_workspace_has_no_errors(write: Write) -> None:
    """Targets are found in every folder, sorted by label, nested packages included."""
    root = write(
        {
            "a/BUILD.toml": migration("m", 1, '"//a/b:all"'),
            "a/b/BUILD.toml": TABLE,
            "a/b/table.sql": SQL,
        }
    )

    workspace = open_workspace(root)

    assert list(workspace.errors) == []
    assert [str(label) for label in workspace.targets] == ["//a:m", "//a/b:table"]


@pytest.mark.parametrize(
    ("files", "error"),
    [
        (
            {"a/BUILD.toml": TABLE, "a/table.sql": SQL, "a/new-one.sql": ""},
            (
                "packages/a/new-one.sql:1:1: unowned-file: no target owns this file\n"
                "  help: add to packages/a/BUILD.toml:\n        [fragment.new_one]\n"
                '        src = "new-one.sql"'
            ),
        ),
        (
            {"a/BUILD.toml": TABLE, "a/table.sql": SQL, "a/deep/er/x.sql": ""},
            "packages/a/deep/er/x.sql:1:1: unowned-file: no target owns this file",
        ),
        (
            {"a/BUILD.toml": TABLE},
            "packages/a/BUILD.toml:2:1: missing-file: packages/a/table.sql does not exist",
        ),
        (
            {"a/BUILD.toml": TABLE + TABLE.replace("t.t", "t.u"), "a/table.sql": SQL},
            "packages/a/BUILD.toml:4:1: file-owned-twice: packages/a/table.sql belongs to //a:tab",
        ),
        (
            {"a/BUILD.toml": TABLE + 'deps = [\n ":tabel",\n]\n', "a/table.sql": SQL},
            (
                "packages/a/BUILD.toml:4:1: unknown-label: there is no target //a:tabel\n"
                "  help: did you mean //a:table?"
            ),
        ),
        (
            {"a/BUILD.toml": TABLE + 'deps = ["//zzz:zzz"]\n', "a/table.sql": SQL},
            (
                "packages/a/BUILD.toml:3:1: unknown-label: there is no target //zzz:zzz\n"
                "  help: `schema query` lists the targets"
            ),
        ),
        (
            {"a/BUILD.toml": TABLE + 'deps = [":table"]\n', "a/table.sql": SQL},
            "packages/a/BUILD.toml:3:1: unknown-label: //a:table names itself in deps",
        ),
        (
            {
                "a/BUILD.toml": TABLE + 'deps = [":m"]\n' + migration("m", 1, '":table"'),
                "a/table.sql": SQL,
            },
            "packages/a/BUILD.toml:3:1: unknown-label: //a:m is a migration, and deps of a fragm",
        ),
        (
            {"a/BUILD.toml": TABLE + migration("m", 1, '"//b:all"'), "a/table.sql": SQL},
            "packages/a/BUILD.toml:6:1: unknown-label: there is no target //b:all",
        ),
        (
            {
                "a/BUILD.toml": TABLE
                + migration("m", 1, '":table"')
                + migration("n", 1, '":table"', '":m"'),
                "a/table.sql": SQL,
            },
            "packages/a/BUILD.toml:10:1: same-version: //a:m has the same version, 1\n",
        ),
        (
            {"BUILD.toml": TABLE, "table.sql": SQL},
            "packages/BUILD.toml:1:1: build-file: no label can name the folder of this file",
        ),
        (
            {"My-Package/BUILD.toml": TABLE, "My-Package/table.sql": SQL},
            "packages/My-Package/BUILD.toml:1:1: build-file: no label can name the folder",
        ),
        (
            {"a/BUILD.toml/notes.txt": "", "a/table.sql": SQL},
            "packages/a/BUILD.toml:1:1: unreadable-file: cannot read: ",
        ),
    ],
)
def test_a_mistake_is_one_error(write: Write, files: dict[str, str], error: str) -> None:
    """Files and labels that do not fit are told once, where they stand, with the remedy."""
    (found,) = errors(write(files))

    assert found.startswith(error)


def test_a_broken_build_file_does_not_blame_its_neighbours(write: Write) -> None:
    """Labels and files that a broken BUILD file may declare are not told as missing."""
    root = write(
        {
            "a/BUILD.toml": "[fragment.table\n",
            "a/table.sql": SQL,
            "b/BUILD.toml": TABLE + 'deps = ["//a:table"]\n',
            "b/table.sql": SQL,
        }
    )

    (error,) = errors(root)

    assert error.startswith("packages/a/BUILD.toml:1:")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\xff\xfea\0", "packages/a/BUILD.toml:1:1: unreadable-file: the file is UTF-16"),
        (b"\xff", "packages/a/BUILD.toml:1:1: unreadable-file: the file holds a byte that"),
        (b"a = 1\rb = 2", "packages/a/BUILD.toml:1:6: unreadable-file: the file holds a carriage"),
        (b"a = 1\n\0", "packages/a/BUILD.toml:2:1: unreadable-file: the file holds a NUL byte"),
    ],
)
def test_a_build_file_must_be_text(write: Write, data: bytes, error: str) -> None:
    """A BUILD file in another encoding is told, and its SQL is not called unowned."""
    root = write({"a/table.sql": SQL})
    (root / "packages/a/BUILD.toml").write_bytes(data)

    (found,) = errors(root)

    assert found.startswith(error)


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(write: Write) -> None:
    """A BUILD file from Windows means the same, on the same lines."""
    root = write({"a/table.sql": SQL})
    text = TABLE + 'deps = [\n  ":nope",\n]\n'
    data = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    (root / "packages/a/BUILD.toml").write_bytes(data)

    (error,) = errors(root)

    assert error.startswith("packages/a/BUILD.toml:4:1: unknown-label: there is no target //a:nope")


@pytest.mark.skipif(os.name != "posix", reason="names that Windows refuses")
@pytest.mark.parametrize(
    "name", ["a\nGRANT ALL.sql", "a\rGRANT.sql", "\u202e.sql", "a b.sql", "'.sql"]
)
def test_a_file_of_an_odd_name_is_no_fragment(write: Write, name: str) -> None:
    """Its name would stand in a comment of the SQL that is built; it is told on one line."""
    root = write({"a/BUILD.toml": TABLE, "a/table.sql": SQL, f"a/{name}": ""})

    (error,) = errors(root)

    assert error.split("\n")[1:] == [
        "  help: call it by ASCII letters, digits, '_', '-' and '.', or remove it"
    ]
    assert all(line.isprintable() for line in error.split("\n"))


@pytest.mark.skipif(os.name != "posix", reason="names that Windows refuses")
@pytest.mark.parametrize("folder", ["a\nGRANT", "a\rb", "\u2028", "a b", "-- noqa"])
def test_a_folder_of_an_odd_name_is_no_package(write: Write, folder: str) -> None:
    """The folder's name is the title of a section."""
    root = write({f"{folder}/BUILD.toml": TABLE, f"{folder}/table.sql": SQL})

    (error,) = errors(root)

    assert "no label can name the folder of this file" in error
    assert all(line.isprintable() for line in error.split("\n"))


def test_links_are_read_and_loops_are_not_followed(write: Write) -> None:
    """A linked file is a file; a linked folder is not walked into, so no loop hangs us."""
    root = write({"a/BUILD.toml": TABLE, "shared.sql": SQL})
    package = root / "packages/a"
    (package / "table.sql").symlink_to(root / "packages/shared.sql")
    (package / "loop").symlink_to(package, target_is_directory=True)

    assert errors(root) == []


def test_a_link_into_the_void_is_told_when_it_is_read(write: Write) -> None:
    """A fragment whose file cannot be read is one error."""
    root = write({"a/BUILD.toml": TABLE})
    (root / "packages/a/table.sql").symlink_to(root / "nowhere.sql")
    workspace = open_workspace(root)

    (target,) = workspace.targets.values()

    assert "packages/a/table.sql:1:1: unreadable-file: cannot read" in str(workspace.sql(target))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_a_file_name_need_not_be_utf8(write: Write) -> None:
    """A stray file with a broken name is told, and the digest of the inputs can be taken."""
    root = write({"a/BUILD.toml": TABLE, "a/table.sql": SQL})
    Path(os.fsdecode(os.fsencode(root / "packages/a") + b"/\xff.sql")).touch()

    (error,) = errors(root)

    assert "unowned-file" in error
    assert find_files(root).fingerprint() != ""


@pytest.mark.parametrize(
    ("texts", "place", "path"),
    [
        (["b", "a"], "packages/p/BUILD.toml:3:1", "//p:a -> //p:b -> //p:a"),
        (["b", "c", "a"], "packages/p/BUILD.toml:3:1", "//p:a -> //p:b -> //p:c -> //p:a"),
    ],
)
def test_a_cycle_is_a_path_of_labels(write: Write, texts: list[str], place: str, path: str) -> None:
    """Targets that need each other are told as the path to break."""
    names = [chr(ord("a") + index) for index in range(len(texts))]
    build = "".join(
        f'[fragment.{name}]\nsrc = "{name}.sql"\ndeps = [":{dep}"]\n'
        for name, dep in zip(names, texts, strict=True)
    )
    root = write({"p/BUILD.toml": build, **{f"p/{name}.sql": "" for name in names}})

    (error,) = errors(root)

    assert error.startswith(f"{place}: dependency-cycle: cycle: {path}\n  help: break it")


def test_a_cycle_through_unverified_deps_points_at_them(write: Write) -> None:
    """The line of the error is the one that holds the edge."""
    build = (
        '[fragment.a]\nsrc = "a.sql"\nunverified_deps = [\n  ":b",\n]\n'
        '[fragment.b]\nsrc = "b.sql"\ndeps = [":a"]\n'
    )

    (error,) = errors(write({"p/BUILD.toml": build, "p/a.sql": "", "p/b.sql": ""}))

    assert error.startswith("packages/p/BUILD.toml:4:1: dependency-cycle: ")


def test_migrations_that_come_after_each_other_are_a_cycle(write: Write) -> None:
    """`after` must lead somewhere."""
    build = TABLE + migration("m", 1, '":table"', '":n"') + migration("n", 2, '":table"', '":m"')

    (error,) = errors(write({"p/BUILD.toml": build, "p/table.sql": SQL}))

    assert "dependency-cycle: cycle: //p:m -> //p:n -> //p:m" in error


def test_a_migration_ships_what_earlier_ones_have_not(write: Write) -> None:
    """The second migration holds its own fragment alone, though that needs the first's."""
    more = '[fragment.more]\nsrc = "more.sql"\ndeps = [":table"]\n'
    build = TABLE + more + migration("m", 1, '":table"') + migration("n", 2, '":more"', '":m"')
    workspace = open_workspace(write({"p/BUILD.toml": build, "p/table.sql": SQL, "p/more.sql": ""}))
    first, second = workspace.of_kind("migration")

    assert [str(t.label) for t in workspace.shipped(first)] == ["//p:table"]
    assert [str(t.label) for t in workspace.shipped(second)] == ["//p:more"]
    assert [str(t.label) for t in workspace.before(second)] == ["//p:m"]


def test_sixty_migrations_in_a_row(write: Write) -> None:
    """What a migration ships is found at once, however many came before it."""
    count = 60
    files = {f"p/t{n}.sql": f"CREATE TABLE public.t{n} (a int);" for n in range(count)}
    build = "".join(
        f'[fragment.t{n}]\nsrc = "t{n}.sql"\n'
        + migration(f"m{n}", n + 100, f'":t{n}"', f'":m{n - 1}"' if n else "")
        for n in range(count)
    )
    workspace = open_workspace(write({"p/BUILD.toml": build, **files}))

    last = workspace.targets[parse_label(f"//p:m{count - 1}")]

    assert [str(t.label) for t in workspace.shipped(last)] == [f"//p:t{count - 1}"]


def test_a_label_of_all_means_the_fragments_of_a_package(write: Write) -> None:
    """:all leaves out externals, migrations and the packages below."""
    root = write(
        {
            "p/BUILD.toml": TABLE
            + '[external.e]\nstub = "e.sql"\nprovides = ["role a"]\nremedy = "x"\n'
            + migration("m", 1, '":all"'),
            "p/table.sql": SQL,
            "p/e.sql": "CREATE ROLE a;",
            "p/q/BUILD.toml": TABLE,
            "p/q/table.sql": "",
        }
    )

    found = open_workspace(root).expand([parse_label("//p:all")])

    assert [str(label) for label in found] == ["//p:table"]


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "tool = 5",
        "[tool]\nschema = 5",
        "[tool.schema]",
        "[tool.schema]\npackages = 5",
        '[tool.schema]\npackages = "missing"',
        '[tool.schema]\npackages = ""',
        '[tool.schema]\npackages = "."',
        '[tool.schema]\npackages = "/"',
        '[tool.schema]\npackages = ".."',
        '[tool.schema]\npackages = "packages/../.."',
        '[tool.schema]\npackages = "pyproject.toml"',
        '[tool.schema]\npackages = "a\\rGRANT"',
        '[tool.schema]\npackages = "a\\u202eb"',
        '[tool.schema]\npackages = "a\\u0000b"',
    ],
)
def test_settings_that_name_no_folder_below_are_refused(write: Write, settings: str) -> None:
    """A workspace without packages is wrong usage, with what to write."""
    root = write({})
    (root / "pyproject.toml").write_text(settings, encoding="utf-8")
    for name in ("a\rGRANT", "a\u202eb"):
        (root / name).mkdir()  # Where it is there, it is refused for its name.

    with pytest.raises(UsageError, match="is no workspace\n  help: "):
        find_files(root)


def test_settings_that_cannot_be_read_are_told(write: Write) -> None:
    """A broken pyproject.toml is one error that names it."""
    root = write({})
    for data in (b"[tool", b"\xff", b"a = " + b"[" * 5000):
        (root / "pyproject.toml").write_bytes(data)
        with pytest.raises(UsageError, match=r"pyproject\.toml"):
            find_root(root)


def test_the_packages_folder_may_be_written_with_a_slash(write: Write) -> None:
    """Labels begin below the folder, however it is spelled."""
    root = write({"a/BUILD.toml": TABLE, "a/table.sql": SQL})
    for spelling in ("packages/", "./packages"):
        text = f'[tool.schema]\npackages = "{spelling}"\n'
        (root / "pyproject.toml").write_text(text, encoding="utf-8")
        assert [str(label) for label in open_workspace(root).targets] == ["//a:table"]


def test_the_root_is_found_from_below(write: Write) -> None:
    """The command works in any folder of the repository, and nowhere else."""
    root = write({"a/BUILD.toml": TABLE, "a/table.sql": SQL})

    assert find_root(root / "packages/a") == root
    with pytest.raises(UsageError, match="is in no workspace"):
        find_root(root.parent)


def test_a_digest_of_the_files_changes_with_each_of_them(write: Write) -> None:
    """A build is remembered for exactly its inputs: texts, names and the code's own digest."""
    files = {"a/BUILD.toml": TABLE, "a/table.sql": SQL}
    root = write(files)
    seen = {find_files(root).fingerprint(), find_files(root).fingerprint("new code")}
    (root / "packages/a/table.sql").write_text("SELECT 1;", encoding="utf-8")
    seen.add(find_files(root).fingerprint())
    (root / "packages/a/other.sql").touch()
    seen.add(find_files(root).fingerprint())
    write(files)
    (root / "packages/a/other.sql").unlink()

    assert len(seen) == 4
    assert find_files(root).fingerprint() in seen
