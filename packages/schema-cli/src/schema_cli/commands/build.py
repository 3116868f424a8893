"""Write the migrations from their fragments, or, given a label, that target's closure alone.

Without a label every migration is written to its file, if it changed. With the label of a
migration, that one. With the label of a fragment (or //package:all), the SQL of that target and all
that it needs goes to the standard output, and no file is touched.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from schema_assemble.output import change_summary, difference, read_output
from schema_cli.memory import Memory
from schema_cli.project import (
    build_migrations,
    build_shipped,
    open_files,
    open_workspace,
    print_errors,
    print_sql,
    read_label,
    true_dependencies,
)
from schema_sql.files import ForeignFileError, own_path, write_file
from schema_targets.versions import wrong_files
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Iterator

    from schema_sql.source import Finding
    from schema_targets.build_file import Target
    from schema_targets.workspace import Files, Workspace


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("label", nargs="?", help="the target to build, such as //schema:name")
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit 1 and show a diff where a file is not what would be written",
    )


def run(args: argparse.Namespace) -> int:
    """Build."""
    files = open_files(args.root)
    memory = Memory(files, "build", "schema_sql", "schema_targets", "schema_assemble", "schema_cli")
    outputs = memory.unchanged() if args.label is None else None
    if outputs is not None and not _wrong_files(files, outputs):
        for out in outputs:
            print(f"{out}: up to date")
        return 0
    workspace = open_workspace(files)
    if workspace is None:
        return 1
    if args.label is None:
        migrations = workspace.migrations()
        if not migrations:
            raise UsageError("the workspace has no [migration.NAME] to build")
    else:
        label = read_label(workspace, args.label)
        target = workspace.targets.get(label)
        if target is None or target.kind != "migration":
            if args.check:
                raise UsageError(f"--check compares a file, and {label} is written to none")
            return _print_closure(workspace, args.label)
        migrations = [target]
    built = dict(build_migrations(workspace, migrations))
    if print_errors(_lead_elsewhere(files, migrations)):
        return 1
    stale = _write(files, built, check=args.check)
    wrong = args.label is None and print_errors(_wrong_files(files, built))
    if args.label is None and not stale and not wrong:
        memory.remember(built)
    return 1 if stale or wrong else 0


def _print_closure(workspace: Workspace, text: str) -> int:
    label = read_label(workspace, text)
    target = workspace.targets.get(label)
    if target is not None and target.kind == "external":
        raise UsageError(f"{label} is external: it exists already and is never shipped")
    shipped = workspace.fragments([label])
    title = f"{label} and all that it needs"
    built = build_shipped(true_dependencies(workspace), text, label, title, shipped)
    print_sql(built.text)
    return 0


def _write(files: Files, built: dict[str, str], *, check: bool) -> bool:
    """Write what is not as it was built, or with `check` show it; whether something stays stale."""
    try:
        # All of them, before the first is written.
        places = {out: own_path(files.root, files.root / out) for out in built}
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    stale = False
    for out, text in built.items():
        old = read_output(places[out])
        if old == text:
            print(f"{out}: up to date")
        elif check:
            stale = True
            print_sql(difference(out, old or "", text))
            print_errors([f"{out}: stale\n  help: run `schema build` and commit the file"])
        else:
            try:
                write_file(files.root, out, text)
            except OSError as error:
                raise UsageError(f"cannot write {out}: {error.strerror}") from error
            print(f"{out}: written ({change_summary(old, text)})")
    return stale


def _lead_elsewhere(files: Files, migrations: Iterable[Target]) -> Iterator[Finding]:
    """Outputs whose place another file of the workspace would be written from, by a link."""
    packages = Path(os.path.realpath(files.root / files.packages))
    places: dict[Path, str] = {}
    for migration in migrations:
        out = files.root / migration.out
        try:
            place = own_path(files.root, out)
        except ForeignFileError:
            continue  # Told as a file that cannot be written.
        name = place.relative_to(os.path.realpath(files.root)).as_posix()
        remedy = "remove the link, or name a file that is the migration's own"
        if out.is_symlink() or place.is_relative_to(packages) or place in places:
            message = f"{migration.out} leads by a link to {name}"
            if place in places:
                message = f"{message}, as {places[place]} does"
            yield migration.finding("out", "misplaced-output", message, remedy)
        places[place] = migration.out


def _wrong_files(files: Files, outputs: Collection[str]) -> list[Finding]:
    """What is wrong with the files beside those that are built."""
    present: list[str] = []
    for folder in {out.rpartition("/")[0] for out in outputs}:
        try:
            with os.scandir(files.root / folder) as entries:
                present += [f"{folder}/{e.name}".lstrip("/") for e in entries if not e.is_dir()]
        except FileNotFoundError:
            continue  # `--check`, before the first build.
    return wrong_files(present, outputs)
