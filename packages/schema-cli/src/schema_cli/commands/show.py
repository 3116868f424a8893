"""Show a target, or who provides and uses an object such as 'relation public.instance_tasks'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_cli.project import open_files, open_workspace, print_errors, read_label
from schema_sql.display import printable
from schema_sql.objects import read_object
from schema_targets.dependencies import read_dependencies
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from schema_targets.dependencies import Dependencies
    from schema_targets.labels import Label


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", help="a label, or an object: kind and name")


def run(args: argparse.Namespace) -> int:
    """Show it."""
    workspace = open_workspace(open_files(args.root))
    if workspace is None:
        return 1
    dependencies = read_dependencies(workspace)
    if print_errors(dependencies.errors):
        return 1
    if not args.what.startswith(("/", ":")):
        return _show_object(dependencies, args.what)
    label = read_label(workspace, args.what)
    for found in workspace.expand([label]):
        _show_target(dependencies, found)
    return 0


def _show_object(dependencies: Dependencies, text: str) -> int:
    try:
        thing = read_object(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    providers = dependencies.providers.get(thing, [])
    users = [
        label
        for label, interface in dependencies.interfaces.items()
        if thing in interface.requires and interface.target.kind == "fragment"
    ]
    print(printable(str(thing)))
    _print_list("provided by", providers)
    _print_list("used by", users)
    if not providers and not users:
        print("  no target provides or uses it")
        return 1
    return 0


def _show_target(dependencies: Dependencies, label: Label) -> None:
    workspace = dependencies.workspace
    target = workspace.targets[label]
    print(f"{target.kind} {label}  ({target.path}:{target.lines['']})")
    if target.kind == "migration":
        print(f"  out: {target.out}")
        _print_list("after", target.after)
        _print_list("ships, in order", [fragment.label for fragment in workspace.shipped(target)])
        return
    interface = dependencies.interfaces[label]
    provided = target.provides if target.kind == "external" else interface.provides
    print(f"  file: {workspace.sql_path(target)}")
    _print_list("deps", target.deps)
    _print_list("unverified deps", target.unverified_deps)
    _print_list("provides", sorted(provided))
    _print_list("requires", sorted(interface.requires))


def _print_list(title: str, items: Iterable[object]) -> None:
    # The SQL may quote a name of any characters.
    lines = [printable(str(item)) for item in items]
    if lines:
        print(f"  {title}:")
        print("\n".join(f"    {line}" for line in lines))
