"""Check fragments against the rules, or any SQL files: those of another project too.

Without arguments, every fragment of the workspace, and the migrations that they make: what shows
only where fragments stand together is told at its place there. A label or a fragment's file is
judged with the whole workspace in view; any other file by itself, knowing only what the externals
provide.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from schema_cli.memory import Memory
from schema_cli.project import (
    build_migration,
    open_files,
    open_workspace,
    print_errors,
    read_label,
    true_dependencies,
)
from schema_lint import FORMATS, lint, render
from schema_sql.source import SourceError, read_source
from schema_sql.statements import parse
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse

    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile
    from schema_targets.workspace import Workspace


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", nargs="*", help="labels, .sql files; none: every fragment")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Lint."""
    try:
        files = open_files(args.root)
    except UsageError:
        if not args.what or args.root is not None or any(_is_label(item) for item in args.what):
            raise
        files = None  # Files alone need no workspace.
    memory = None
    if files is not None and not args.what:
        packages = ("schema_sql", "schema_targets", "schema_assemble", "schema_lint", "schema_cli")
        memory = Memory(files, "lint", *packages)
        if memory.unchanged() is not None:
            return _report(args.format, [], [])
    workspace = None
    if files is not None:
        workspace = open_workspace(files)
        if workspace is None:
            return 1
    wanted, alone = _sort(workspace, args.what)
    errors: list[SourceError] = []
    externals = _parse_targets(workspace, "external", errors)
    found: list[Finding] = []
    if workspace is not None and (wanted is None or wanted):
        fragments = lint(_parse_targets(workspace, "fragment", errors), externals)
        every = {finding: finding.path for finding in fragments}
        if not errors:
            try:
                every = _with_migrations(workspace, externals, fragments)
            except SourceError as error:
                errors.append(error)
        found += [f for f, path in every.items() if wanted is None or path in wanted]
        errors = [e for e in errors if wanted is None or e.finding.path in wanted]
    for name in alone:
        try:
            found += lint([parse(read_source(Path(name), Path(name).as_posix()))], externals)
        except SourceError as error:
            errors.append(error)
    if memory is not None and not found and not errors:
        memory.remember()
    return _report(args.format, found, errors)


def _with_migrations(
    workspace: Workspace, externals: list[SqlFile], known: list[Finding]
) -> dict[Finding, str]:
    """What the rules find in the fragments and in the migrations that they make.

    Args:
        workspace: The workspace.
        externals: What exists already.
        known: What they find in the fragments.

    Returns:
        What is known, but for suppressions that a migration needs, and what shows there alone;
        for each finding the fragment that it is about.

    Raises:
        SourceError: A migration cannot be built.
    """
    dependencies = true_dependencies(workspace)
    built = {each.out: build_migration(dependencies, each) for each in workspace.migrations()}
    told = {_place(finding) for finding in known}
    idle: set[tuple[str, int, int, str]] = set()
    found: dict[Finding, str] = {}
    for finding in lint([each.shipped for each in built.values()], externals):
        origin = built[finding.path].origin(finding)
        if origin is not None and finding.rule == _UNUSED:
            idle.add(_place(origin))
        elif origin is not None and _place(origin) not in told:
            where = f"it is written at {origin.path}:{origin.line}:{origin.column}"
            found[replace(finding, help=f"{finding.help}\n{where}".lstrip())] = origin.path
    shipped = {path for each in built.values() for path in each.fragments}
    used = {f for f in known if f.rule == _UNUSED and f.path in shipped and _place(f) not in idle}
    return {f: f.path for f in known if f not in used} | found


_UNUSED = "unused-suppression"


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return finding.path, finding.line, finding.column, finding.rule


def _is_label(text: str) -> bool:
    return text.startswith(("//", ":"))


def _sort(workspace: Workspace | None, what: list[str]) -> tuple[set[str] | None, list[str]]:
    """The paths of fragments that are wanted (None: all of them), and the files by themselves."""
    if not what:
        return None, []
    wanted: set[str] = set()
    alone: list[str] = []
    for item in what:
        if workspace is not None and _is_label(item):
            for label in workspace.expand([read_label(workspace, item)]):
                target = workspace.targets[label]
                if target.kind != "fragment":
                    raise UsageError(f"{label} is no fragment; only fragments are linted")
                wanted.add(workspace.sql_path(target))
            continue
        path = Path(item)
        if not path.is_file():
            raise UsageError(f"there is no file {item}")
        inside = None
        if workspace is not None and path.resolve().is_relative_to(workspace.files.root):
            inside = path.resolve().relative_to(workspace.files.root).as_posix()
        owned = workspace is not None and inside in {
            workspace.sql_path(target) for target in workspace.of_kind("fragment")
        }
        if owned and inside is not None:
            wanted.add(inside)
        else:
            alone.append(item)
    return wanted, alone


def _parse_targets(
    workspace: Workspace | None, kind: str, errors: list[SourceError]
) -> list[SqlFile]:
    """The SQL of the targets of a kind, in the order in which they would run."""
    if workspace is None:
        return []
    result = []
    for target in workspace.externals() if kind == "external" else workspace.run_order():
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            errors.append(sql)
        else:
            result.append(sql)
    return result


def _report(form: str, found: list[Finding], errors: list[SourceError]) -> int:
    if form == "text":
        # An error shows the line it is about.
        print_errors(errors)
        if found or not errors:
            print(render(found, form), end="")
    else:
        print(render(sorted([*found, *(error.finding for error in errors)]), form), end="")
    return 1 if found or errors else 0
