"""List targets: all of them, what one depends on, what depends on one, or why one needs another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_cli.project import open_files, open_workspace, read_label
from schema_targets.graph import closure, find_path, order, reverse
from schema_targets.labels import EVERY_FRAGMENT
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse

    from schema_targets.labels import Label
    from schema_targets.workspace import Workspace

QUESTIONS = {"deps": 1, "rdeps": 1, "path": 2}
"""The questions, and how many labels each is about."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "schema query [deps LABEL | rdeps LABEL | path FROM TO]"
    parser.add_argument("question", nargs="?", choices=QUESTIONS, help="without one: all targets")
    parser.add_argument("labels", nargs="*", metavar="LABEL")


def run(args: argparse.Namespace) -> int:
    """Answer."""
    workspace = open_workspace(open_files(args.root))
    if workspace is None:
        return 1
    if args.question is None:
        for target in workspace.targets.values():
            print(f"{target.kind:<9}  {target.label}")
        return 0
    if len(args.labels) != QUESTIONS[args.question]:
        count = QUESTIONS[args.question]
        raise UsageError(f"{args.question} takes {count} label{'s' * (count > 1)}")
    labels = [read_label(workspace, text) for text in args.labels]
    edges = _edges(workspace)
    if args.question == "path":
        if any(label.name == EVERY_FRAGMENT for label in labels):
            raise UsageError("path goes from one target to one other; name each")
        found = find_path(labels[0], labels[1], edges)
        print("\n  -> ".join(map(str, found)) or f"{labels[0]} does not need {labels[1]}")
        return 0 if found else 1
    if args.question == "rdeps":
        edges = {label: tuple(users) for label, users in reverse(edges).items()}
        named = workspace.expand(labels)
        found = sorted(closure(named, edges) - set(named))
    else:
        roots = workspace.expand(labels)
        found = [label for label in order(closure(roots, edges), edges) if label not in roots]
    for label in found:
        print(label)
    return 0


def _edges(workspace: Workspace) -> dict[Label, tuple[Label, ...]]:
    edges = dict(workspace.edges)
    for migration in workspace.of_kind("migration"):
        edges[migration.label] = (*workspace.expand(migration.roots), *migration.after)
    return edges
