"""What the verbs share: knows how to open the workspace and print what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from schema_assemble.assemble import Part
from schema_assemble.built import Built, build
from schema_assemble.guard import ASKED, History, Needed
from schema_sql.display import printable
from schema_sql.source import SourceError
from schema_targets.dependencies import read_dependencies
from schema_targets.labels import parse_label
from schema_targets.workspace import Files, UsageError, Workspace, find_files, find_root, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schema_sql.statements import SqlFile
    from schema_targets.build_file import Target
    from schema_targets.dependencies import Dependencies, Interface
    from schema_targets.labels import Label


def open_files(root: Path | None) -> Files:
    """The files of the workspace that the user is in, or has named.

    Raises:
        UsageError: There is no workspace.
    """
    if root is not None and not root.is_dir():
        raise UsageError(f"--root: {root} is not a folder")
    return find_files(root.resolve() if root else find_root(Path.cwd()))


def open_workspace(files: Files) -> Workspace | None:
    """The workspace, or None after printing what is wrong with it."""
    workspace = load(files)
    if print_errors(workspace.errors):
        return None
    return workspace


def print_errors(errors: Iterable[object]) -> bool:
    """Print errors, each on lines of its own; whether there were any."""
    found = False
    for error in errors:
        found = True
        print(printable(str(error), keep="\n\t"), file=sys.stderr)
    return found


def print_sql(text: str) -> None:
    """Write SQL, or a difference of it, to the standard output.

    A pipe or a file gets it as it is; a terminal would obey the control characters in it.
    """
    sys.stdout.write(printable(text, keep="\n\t") if sys.stdout.isatty() else text)


def read_label(workspace: Workspace, text: str) -> Label:
    """A label that the user wrote, of a target that is there.

    Raises:
        UsageError: It is no label, or there is no such target.
    """
    try:
        label = parse_label(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not workspace.expand([label]) or workspace.expand([label])[0] not in workspace.targets:
        raise UsageError(f"there is no target {label}\n  help: {workspace.suggest(label)}")
    return label


def parsed(workspace: Workspace, targets: Sequence[Target]) -> list[SqlFile]:
    """The SQL of targets.

    Raises:
        SourceError: One of them cannot be read.
    """
    result = []
    for target in targets:
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            raise sql
        result.append(sql)
    return result


def true_dependencies(workspace: Workspace) -> Dependencies:
    """The dependencies of a workspace, once they are what the SQL has.

    Raises:
        SourceError: A fragment cannot be read, or its dependencies are not declared as they are.
    """
    dependencies = read_dependencies(workspace)
    if dependencies.errors:
        raise dependencies.errors[0]
    # In an order that the SQL does not have, the file would fail where it runs.
    wrong = dependencies.findings()
    if wrong:
        raise SourceError(wrong[0])
    return dependencies


def build_migration(dependencies: Dependencies, migration: Target) -> Built:
    """A migration of the workspace as it would be written now; see `build_shipped`."""
    workspace = dependencies.workspace
    names = [PurePosixPath(each.out).stem for each in workspace.migrations()]
    name = PurePosixPath(migration.out).stem
    return build_shipped(
        dependencies,
        migration.out,
        migration.label,
        migration.title,
        workspace.shipped(migration),
        history=History(name, tuple(names[: names.index(name)])),
    )


def build_shipped(
    dependencies: Dependencies,
    path: str,
    label: Label,
    title: str,
    shipped: Sequence[Target],
    *,
    history: History | None = None,
) -> Built:
    """The migration that ships given fragments.

    Args:
        dependencies: The workspace's, true ones.
        path: What findings in it call it.
        label: What is built.
        title: What it is about.
        shipped: The fragments, in order.
        history: Where it stands among the migrations; None where it is none.

    Raises:
        SourceError: A fragment cannot be shipped, or what was assembled holds other statements.
    """
    workspace = dependencies.workspace
    own = {target.label for target in shipped}
    needed: dict[object, Needed] = {}
    providers: list[Target] = []
    for target in shipped:
        _refuse_unprintable(dependencies.interfaces[target.label])
        for thing in dependencies.interfaces[target.label].requires:
            provider = dependencies.provider(thing)
            if provider is None or provider in own:
                continue
            source = workspace.targets[provider]
            if source not in providers:
                providers.append(source)
            # A table that is there already answers for its columns by its keys.
            if thing.kind in ASKED:
                needed[thing] = Needed(
                    thing,
                    source.remedy or _apply_first(workspace, source),
                    dependencies.interfaces[provider].made_by(thing),
                )
    parts = [
        Part(str(target.label), target.label.package.rpartition("/")[2], sql)
        for target, sql in zip(shipped, parsed(workspace, shipped), strict=True)
    ]
    return build(
        path,
        str(label),
        title,
        parts,
        platform=parsed(workspace, [each for each in providers if each.kind == "external"]),
        earlier=parsed(workspace, [each for each in providers if each.kind != "external"]),
        needed=sorted(
            needed.values(), key=lambda item: (ASKED.index(item.object.kind), item.object)
        ),
        history=history,
    )


def _refuse_unprintable(interface: Interface) -> None:
    """Names reach comments and strings of the build, where a line end would end the comment."""
    for thing, mention in (*interface.provides.items(), *interface.requires.items()):
        if not thing.name.isprintable():
            message = f"{thing} has a character that does not print"
            remedy = "give it a name of characters that do"
            raise SourceError(
                interface.sql.source.finding(mention.offset, "unprintable-name", message, remedy)
            )


def _apply_first(workspace: Workspace, fragment: Target) -> str:
    for migration in workspace.migrations():
        if fragment in workspace.shipped(migration):
            return f"Apply {migration.out} first."
    return f"Apply {fragment.label} first."


def build_migrations(workspace: Workspace, migrations: Iterable[Target]) -> list[tuple[str, str]]:
    """Migrations as they would be written now, in the order given: (path, SQL).

    Raises:
        SourceError: A fragment cannot be read or shipped, or declares untrue dependencies.
    """
    dependencies = true_dependencies(workspace)
    return [(each.out, build_migration(dependencies, each).text) for each in migrations]


def built_migrations(workspace: Workspace) -> list[tuple[str, str]]:
    """Every migration of the workspace, in the order in which they are applied: (path, SQL)."""
    return build_migrations(workspace, workspace.migrations())


def platform_stubs(workspace: Workspace) -> list[tuple[str, str]]:
    """What the platform provides, in order: (path, SQL).

    Raises:
        SourceError: A stub cannot be read.
    """
    return [(sql.path, sql.source.text) for sql in parsed(workspace, workspace.externals())]
