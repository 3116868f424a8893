"""The versions of migrations, and the order in which they are applied."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from schema_targets.versions import apply_order, misread, version, wrong_files
from schema_targets.workspace import find_files, load

Write = Callable[[dict[str, str]], Path]

# As npm's supabase 3.1.0 applied them; proofs/supabase_cli.py asks it again.
APPLIED = [
    "m/001_a.sql",
    "m/01_a.sql",
    "m/1_a.sql",
    "m/10_a.sql",
    "m/2_a.sql",
    "m/20251120_y.sql",
    "m/20251120093000_x.sql",
    "m/20251121_a.sql",
    "m/20251121000000_a.sql",
    "m/9_a.sql",
]


def test_migrations_are_applied_by_version_and_not_by_name() -> None:
    """A time follows its date though its file name sorts first; digits are compared as text."""
    paths = random.Random(1).sample(APPLIED, len(APPLIED))  # noqa: S311 - it repeats itself

    assert sorted(paths, key=apply_order) == APPLIED
    assert sorted(paths) != APPLIED


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20251120_a.sql", "20251120"),
        ("2_.sql", "2"),
        ("3_a b.sql", "3"),
        ("9_a.sql.sql", "9"),
        ("5_\n.sql", "5"),
        *((name, "") for name in ("x.sql", "1x_b.sql", "4_a.SQL", "-6_a.sql", "8-a.sql", "_.sql")),
        *((name, "") for name in ("٣_a.sql", "1_a.txt", "", "1_.sql\n", "1_a.sql~")),
    ],
)
def test_a_version_is_what_the_supabase_cli_takes_for_one(name: str, found: str) -> None:
    """A file that it would skip has none."""
    assert version(f"supabase/migrations/{name}") == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("20251120 20251120093000 20251121", []),
        ("20251120093000 20251121 20251121000000", []),
        ("0002 0010", []),
        ("1 2 9", []),
        ("2 10", ["2 10"]),
        ("01 1", ["1 01"]),
        ("9 20251120", ["9 20251120"]),
        ("1 20251120", []),
        ("2 99999999999999999999999", []),
        (f"2 1{'0' * 5000}", [f"2 1{'0' * 5000}"]),
    ],
)
def test_versions_that_people_read_in_another_order_are_found(names: str, found: list[str]) -> None:
    """Counters of unequal length are; a date beside a time is what everybody expects."""
    paths = [f"m/{name}_a.sql" for name in names.split()]

    assert [f"{version(a)} {version(b)}" for a, b in misread(paths)] == found


BUILD = """\
[fragment.a]
src = "a.sql"
[fragment.b]
src = "b.sql"
[migration.first]
title = "First"
out = "m/{first}_first.sql"
roots = [":a"]
[migration.second]
title = "Second"
out = "m/{second}_second.sql"
roots = [":b"]
after = [
  ":first",
]
"""


@pytest.mark.parametrize(
    ("first", "second", "errors"),
    [
        ("20251120", "20251120093000", []),
        ("20251120093000", "20251121", []),
        ("20251121", "20251120", ["14:1: version-order: it ships after //p:first, and its "]),
        ("20251121", "20251120093000", ["14:1: version-order: it ships after //p:first, and i"]),
        ("20251120093000", "20251120", ["14:1: version-order: it ships after //p:first, and i"]),
        (
            "1",
            "1",
            ["11:1: same-version: //p:first has the same version, 1\n  help: give 1_second"],
        ),
        (
            "2",
            "10",
            [
                "7:1: ambiguous-version: version 2 is applied after 10, as text sorts\n  help:",
                "14:1: version-order: it ships after //p:first, and its version 10 is applied befo",
            ],
        ),
        ("01", "1", ["11:1: ambiguous-version: version 1 is applied after 01, as text sorts\n"]),
    ],
)
def test_after_must_be_the_order_in_which_files_are_applied(
    write: Write, first: str, second: str, errors: list[str]
) -> None:
    """A migration that would be applied before what it ships after is told at its `after`."""
    build = BUILD.format(first=first, second=second)
    root = write({"p/BUILD.toml": build, "p/a.sql": "", "p/b.sql": ""})

    workspace = load(find_files(root))

    told = [str(error).removeprefix("packages/p/BUILD.toml:") for error in workspace.errors]
    assert [t[: len(e)] for t, e in zip(told, errors, strict=True)] == errors
    if not errors:
        assert [t.label.name for t in workspace.migrations()] == ["first", "second"]
        assert [t.label.name for t in workspace.run_order()] == ["a", "b"]


def test_a_fragment_runs_when_its_migration_does(write: Write) -> None:
    """The order of labels does not decide what runs first, the versions do."""
    build = BUILD.format(first="20251120", second="20251120093000")
    build = build.replace("fragment.a", "fragment.z").replace('":a"', '":z"')
    root = write({"p/BUILD.toml": build, "p/a.sql": "", "p/b.sql": "", "p/c.sql": ""})
    (root / "packages/p/BUILD.toml").write_text(build + '[fragment.c]\nsrc = "c.sql"\n')

    found = load(find_files(root)).run_order()

    assert [target.label.name for target in found] == ["z", "b", "c"]


@pytest.mark.parametrize(
    ("present", "findings"),
    [
        ("m/1_ours.sql m/0_earlier.sql m/2_later.sql m/README.md", []),
        ("other/1_theirs.sql", []),
        ("m/x.sql", ["m/x.sql:1:1: skipped-migration: the Supabase CLI skips a file of this na"]),
        ("m/2-a.SQL", ["m/2-a.SQL:1:1: skipped-migration: "]),
        ("m/1_renamed.sql", ["m/1_renamed.sql:1:1: same-version: m/1_ours.sql has the same ver"]),
        ("m/2_a.sql m/2_b.sql", ["m/2_b.sql:1:1: same-version: m/2_a.sql has the same version,"]),
        ("m/3_a.sql m/20_b.sql", []),  # Not ours: 1 comes before both.
        ("m/01_a.sql", ["m/01_a.sql:1:1: ambiguous-version: version 1 is applied after 01, as"]),
    ],
)
def test_files_beside_the_built_ones(present: str, findings: list[str]) -> None:
    """What the Supabase CLI would skip, or refuse beside our migrations, is found."""
    found = [str(finding) for finding in wrong_files(present.split(), ["m/1_ours.sql"])]

    assert [f[: len(e)] for f, e in zip(found, findings, strict=True)] == findings
