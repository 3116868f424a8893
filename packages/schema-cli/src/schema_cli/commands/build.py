"""Write the migrations from their fragments, or, given a label, that target's closure alone.

Without a label every migration is written to its file, if it changed. With the label of a
migration, that one. With the label of a fragment (or //package:all), the SQL of that target and all
that it needs goes to the standard output, and no file is touched.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from schema_assemble.output import change_summary, difference, read_output
from schema_cli.memory import Memory
from schema_cli.project import (
    build_migrations,
    build_text,
    open_files,
    open_workspace,
    print_errors,
    read_label,
    true_dependencies,
)
from schema_sql.files import own_path, write_file
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse

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
    if args.label is None and (outputs := memory.unchanged()) is not None:
        for out in outputs:
            print(f"{out}: up to date")
        return 0
    workspace = open_workspace(files)
    if workspace is None:
        return 1
    if args.label is None:
        migrations = workspace.of_kind("migration")
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
    stale = _write(files, built, check=args.check)
    if args.label is None and not stale:
        memory.remember(built)
    return 1 if stale else 0


def _print_closure(workspace: Workspace, text: str) -> int:
    label = read_label(workspace, text)
    target = workspace.targets.get(label)
    if target is not None and target.kind == "external":
        raise UsageError(f"{label} is external: it exists already and is never shipped")
    shipped = workspace.fragments([label])
    title = f"{label} and all that it needs"
    sys.stdout.write(build_text(true_dependencies(workspace), label, title, shipped))
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
            sys.stdout.write(difference(out, old or "", text))
            print_errors([f"{out}: stale\n  help: run `schema build` and commit the file"])
        else:
            try:
                write_file(files.root, out, text)
            except OSError as error:
                raise UsageError(f"cannot write {out}: {error.strerror}") from error
            print(f"{out}: written ({change_summary(old, text)})")
    return stale
