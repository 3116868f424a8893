"""Check that the deps of every target are what its SQL refers to, no less and no more."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from schema_cli.project import open_files, open_workspace, print_errors
from schema_sql.files import ForeignFileError, write_file
from schema_sql.source import SourceError
from schema_targets.dependencies import read_dependencies, rewrite_deps
from schema_targets.workspace import UsageError, load

if TYPE_CHECKING:
    import argparse

    from schema_targets.dependencies import Dependencies
    from schema_targets.labels import Label


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--fix", action="store_true", help="write the right deps; comments stay")


def run(args: argparse.Namespace) -> int:
    """Check, after writing the right deps where that is wanted."""
    files = open_files(args.root)
    if args.fix:
        workspace = load(files)
        # Labels in deps may be wrong: that is what is to be mended. Where anything else is, a
        # target may be missing, and the deps on it would be taken for unused.
        mendable = {"unknown-label", "dependency-cycle"}
        if print_errors(e for e in workspace.errors if e.finding.rule not in mendable):
            return 1
        dependencies = read_dependencies(workspace)
        if print_errors(dependencies.errors):
            return 1
        _fix(dependencies)
        files = open_files(args.root)
    checked = open_workspace(files)
    if checked is None:
        return 1
    dependencies = read_dependencies(checked)
    wrong = print_errors([*dependencies.errors, *dependencies.findings()])
    if not wrong:
        edges = sum(len(target.deps) for target in checked.targets.values())
        print(f"{len(checked.targets)} targets, {edges} dependencies: as the SQL has them")
    return 1 if wrong else 0


def _fix(dependencies: Dependencies) -> None:
    files = dependencies.workspace.files
    right: dict[str, dict[str, set[Label]]] = defaultdict(dict)
    for label, interface in dependencies.interfaces.items():
        # A dependency that is declared as unverified is declared.
        needed = set(dependencies.needed(interface)) - set(interface.target.unverified_deps)
        right[interface.target.path][label.name] = needed
    for path, deps in right.items():
        source = files.sources[path]
        if isinstance(source, SourceError):
            continue
        package = path.removeprefix(f"{files.packages}/").rpartition("/")[0]
        old = source.text
        new = rewrite_deps(old, package, deps)
        if new != old:
            try:
                write_file(files.root, path, new)
            except ForeignFileError:
                raise  # It names the file, and says why.
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}") from error
            print(f"{path}: deps written")
