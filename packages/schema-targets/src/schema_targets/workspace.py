"""The workspace: knows which files are there and which targets they make; judges no SQL."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeGuard

from schema_sql.files import is_foreign
from schema_sql.source import Finding, Source, SourceError, read_source
from schema_sql.statements import SqlFile, parse
from schema_targets.build_file import BUILD_FILE, Target, is_file_name, read_build_file
from schema_targets.graph import closure, find_cycles, order
from schema_targets.labels import EVERY_FRAGMENT, Label, is_package
from schema_targets.suggestions import Suggestions
from schema_targets.versions import ambiguity, apply_order, misread, version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class UsageError(Exception):
    """The user asked for something that is not there; the message says what, and the remedy."""


def find_root(start: Path) -> Path:
    """The nearest folder, from ``start`` upwards, whose pyproject.toml has ``[tool.schema]``.

    Raises:
        UsageError: There is none, or its pyproject.toml cannot be read.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() and _settings(folder):
            return folder
    raise UsageError(
        f"{start} is in no workspace: no folder above it has a pyproject.toml with [tool.schema]\n"
        "  help: change into the repository, or name it with --root"
    )


def _settings(root: Path) -> dict[str, str]:
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(read_source(path, str(path)).text)
    except SourceError as error:
        raise UsageError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from error
    tool = document.get("tool")
    found = tool.get("schema") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Files:
    """The files of a workspace, by their path from the root; nothing of them is parsed.

    Attributes:
        root: The workspace's folder.
        packages: The folder below it at which labels begin.
        paths: Every BUILD.toml, and every .sql file that has one beside or above it, sorted.
    """

    root: Path
    packages: str
    paths: tuple[str, ...]

    @cached_property
    def sources(self) -> dict[str, Source | SourceError]:
        """The text of each file, or why it cannot be read."""
        result: dict[str, Source | SourceError] = {}
        for path in self.paths:
            try:
                result[path] = read_source(self.root / path, path)
            except SourceError as error:
                result[path] = error
        return result

    def fingerprint(self, *extra: str) -> str:
        """A digest of the paths and texts of all files, and of ``extra``."""
        digest = hashlib.sha256("\0".join((*extra, "")).encode())
        for path, source in self.sources.items():
            text = source.text if isinstance(source, Source) else str(source)
            digest.update(os.fsencode(path) + b"\0")  # A name need not be UTF-8.
            digest.update(hashlib.sha256(text.encode(errors="surrogateescape")).digest())
        return digest.hexdigest()


def find_files(root: Path) -> Files:
    """Look for the files of the workspace in a folder.

    Raises:
        UsageError: The folder is no workspace.
    """
    settings = _settings(root) if (root / "pyproject.toml").is_file() else {}
    packages = settings.get("packages")
    if not _is_folder_below(packages, root):
        raise UsageError(
            f"{root} is no workspace\n"
            "  help: [tool.schema] in its pyproject.toml must say where the packages are, "
            'as in packages = "packages"'
        )
    paths: list[str] = []
    owned: set[str] = set()
    packages = PurePosixPath(packages).as_posix()
    for folder, folders, names in os.walk(root / packages):
        folders[:] = sorted(each for each in folders if not is_foreign(each))
        here = Path(folder).relative_to(root).as_posix()
        # A folder of that name is told as a file that cannot be read.
        if BUILD_FILE in (*names, *folders):
            paths.append(f"{here}/{BUILD_FILE}")
            owned.add(here)
        elif here.rpartition("/")[0] in owned:
            owned.add(here)
        if here in owned:
            paths.extend(f"{here}/{name}" for name in names if name.endswith(".sql"))
    return Files(root, packages, tuple(sorted(paths)))


def _is_folder_below(packages: object, root: Path) -> TypeGuard[str]:
    # Its name stands in comments of the SQL that is built.
    if not isinstance(packages, str) or not packages.isprintable() or "\\" in packages:
        return False
    if not (root / packages).is_dir():
        return False
    path = PurePosixPath(packages)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


@dataclass(frozen=True)
class Workspace:
    """The targets of a workspace.

    Attributes:
        files: The files it was read from.
        targets: By label, sorted.
        errors: What is wrong with BUILD files, labels and the ownership of files, sorted.
    """

    files: Files
    targets: Mapping[Label, Target]
    errors: Sequence[SourceError]
    _parsed: dict[str, SqlFile | SourceError] = field(default_factory=dict, repr=False)
    _needed: dict[Label, set[Label]] = field(default_factory=dict, repr=False)

    @cached_property
    def edges(self) -> dict[Label, tuple[Label, ...]]:
        """For each fragment and external, the known targets that come before it."""
        return {
            label: tuple(d for d in (*t.deps, *t.unverified_deps) if d in self.targets)
            for label, t in self.targets.items()
            if t.kind != "migration"
        }

    def of_kind(self, kind: str) -> list[Target]:
        """The targets of a kind, by label."""
        return [target for target in self.targets.values() if target.kind == kind]

    def migrations(self) -> list[Target]:
        """The migrations, in the order in which they are applied."""
        return sorted(self.of_kind("migration"), key=lambda target: apply_order(target.out))

    def sql_path(self, target: Target) -> str:
        """The path of a target's SQL file from the root."""
        return f"{target.path.rpartition('/')[0]}/{target.src}"

    def sql(self, target: Target) -> SqlFile | SourceError:
        """The parsed SQL of a fragment or external, or why it cannot be parsed; read once."""
        path = self.sql_path(target)
        if path not in self._parsed:
            source = self.files.sources[path]
            try:
                self._parsed[path] = source if isinstance(source, SourceError) else parse(source)
            except SourceError as error:
                self._parsed[path] = error
        return self._parsed[path]

    def expand(self, roots: Iterable[Label]) -> list[Label]:
        """The targets that labels name, ``:all`` being every fragment of a package."""
        result: dict[Label, None] = {}
        for label in roots:
            if label.name == EVERY_FRAGMENT:
                result.update(dict.fromkeys(self._fragments_of.get(label.package, ())))
            else:
                result[label] = None
        return list(result)

    @cached_property
    def _fragments_of(self) -> dict[str, list[Label]]:
        """The fragments of each package, by label."""
        result: dict[str, list[Label]] = {}
        for target in self.of_kind("fragment"):
            result.setdefault(target.label.package, []).append(target.label)
        return result

    def externals(self) -> list[Target]:
        """The externals, each behind those it depends on."""
        labels = [target.label for target in self.of_kind("external")]
        return [self.targets[label] for label in order(labels, self.edges)]

    def fragments(self, roots: Iterable[Label]) -> list[Target]:
        """The fragments that roots need, themselves included, in the order they are written."""
        wanted = closure(self.expand(roots), self.edges)
        found = (self.targets[label] for label in order(wanted, self.edges))
        return [target for target in found if target.kind == "fragment"]

    def run_order(self) -> list[Target]:
        """Every fragment, in the order in which they run; behind them, those that nothing ships."""
        shipped = {f.label: f for m in self.migrations() for f in self.shipped(m)}
        every = order((f.label for f in self.of_kind("fragment")), self.edges)
        return [self.targets[label] for label in dict.fromkeys([*shipped, *every])]

    def shipped(self, migration: Target) -> list[Target]:
        """The fragments that a migration ships: what it needs and no earlier one has shipped."""
        earlier = self._reached(self.before(migration))
        return [t for t in self.fragments(self._roots(migration)) if t.label not in earlier]

    def _reached(self, migrations: Iterable[Target]) -> set[Label]:
        """What migrations need, whoever ships it."""
        result: set[Label] = set()
        for migration in migrations:
            if migration.label not in self._needed:
                self._needed[migration.label] = closure(self._roots(migration), self.edges)
            result |= self._needed[migration.label]
        return result

    def _roots(self, migration: Target) -> list[Label]:
        """The fragments that the roots of a migration name.

        What another migration names itself is not among ``:all`` here, so that a fragment added to
        a package for the next migration leaves the one that has shipped as it is.
        """
        elsewhere = self._named_by_migrations.difference(migration.roots)
        return [label for label in self.expand(migration.roots) if label not in elsewhere]

    @cached_property
    def _named_by_migrations(self) -> set[Label]:
        return {label for migration in self.of_kind("migration") for label in migration.roots}

    @cached_property
    def _after(self) -> dict[Label, tuple[Label, ...]]:
        """For each migration, those that ship directly before it."""
        return {target.label: target.after for target in self.of_kind("migration")}

    def before(self, migration: Target) -> list[Target]:
        """The migrations that ship before one, directly or not, in the order they are applied."""
        labels = closure(migration.after, self._after) - {migration.label}
        found = (self.targets[label] for label in labels if label in self.targets)
        return sorted(found, key=lambda target: apply_order(target.out))

    def suggest(self, label: Label) -> str:
        """What to say to somebody who named a target that is not there."""
        close = self._suggestions.closest(str(label))
        return f"did you mean {close}?" if close else "`schema query` lists the targets"

    @cached_property
    def _suggestions(self) -> Suggestions:
        return Suggestions(map(str, self.targets))


def load(files: Files) -> Workspace:
    """Read the BUILD files and resolve their labels.

    What is wrong does not raise: it stands in the workspace's ``errors``, all of it.
    """
    targets: dict[Label, Target] = {}
    errors: list[SourceError] = []
    for path in files.paths:
        if not path.endswith(f"/{BUILD_FILE}"):
            continue
        source = files.sources[path]
        if isinstance(source, SourceError):
            errors.append(source)
            continue
        package = path.removesuffix(f"/{BUILD_FILE}").removeprefix(f"{files.packages}/")
        if not is_package(package) or path == f"{files.packages}/{BUILD_FILE}":
            errors.append(_no_package(path))
            continue
        found, wrong = read_build_file(source, package)
        targets.update((target.label, target) for target in found)
        errors.extend(wrong)
    workspace = Workspace(files, dict(sorted(targets.items())), [])
    broken = {error.finding.path for error in errors}
    findings = [
        *_unknown_labels(workspace, broken),
        *_unowned_files(workspace, broken),
        *_cycles(workspace),
        *_wrong_versions(workspace),
        *_misplaced_outputs(workspace),
    ]
    errors.extend(SourceError(finding) for finding in findings)
    errors.sort(key=lambda error: error.finding)
    return Workspace(files, workspace.targets, errors)


def _no_package(path: str) -> SourceError:
    message = "no label can name the folder of this file"
    remedy = "use a folder below the packages' root, in lower-case letters, digits and underscores"
    return SourceError(Finding(path, 1, 1, "build-file", message, remedy))


def _unknown_labels(workspace: Workspace, broken: set[str]) -> Iterable[Finding]:
    expected = {
        "deps": ("fragment", "external"),
        "unverified_deps": ("fragment", "external"),
        "roots": ("fragment",),
        "after": ("migration",),
    }
    packages = {t.label.package for t in workspace.of_kind("fragment")}
    for target in workspace.targets.values():
        for key, kinds in expected.items():
            for label in getattr(target, key):
                if label.name == EVERY_FRAGMENT:
                    known, kind = label.package in packages, "fragment"
                else:
                    known = label in workspace.targets
                    kind = workspace.targets[label].kind if known else ""
                line = target.label_line(key, label)
                build = f"{workspace.files.packages}/{label.package}/{BUILD_FILE}"
                if not known and build not in broken:
                    message, remedy = f"there is no target {label}", workspace.suggest(label)
                elif known and (kind not in kinds or label == target.label):
                    message = (
                        f"{label} is {_a(kind)}, and {key} of {_a(target.kind)} cannot name it"
                    )
                    if label == target.label:
                        message = f"{label} names itself in {key}"
                    remedy = "remove it"
                else:
                    continue
                yield Finding(target.path, line, 1, "unknown-label", message, remedy)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _unowned_files(workspace: Workspace, broken: set[str]) -> Iterable[Finding]:
    owners: dict[str, Target] = {}
    known = set(workspace.files.paths)
    for target in workspace.targets.values():
        if target.kind == "migration":
            continue
        key = "stub" if target.kind == "external" else "src"
        path = workspace.sql_path(target)
        if path in owners:
            message = f"{path} belongs to {owners[path].label} already"
            yield target.finding(key, "file-owned-twice", message, "a file has one target")
        elif path not in known:
            message = f"{path} does not exist"
            yield target.finding(key, "missing-file", message, "write it, or remove the target")
        owners[path] = target
    folders = {path.rpartition("/")[0] for path in broken}
    for path in workspace.files.paths:
        if path.endswith(".sql") and path not in owners:
            folder, _, name = path.rpartition("/")
            if folder in folders:
                continue  # Its target may be the one that cannot be read.
            word = re.sub(r"[^a-z0-9_]+", "_", name.removesuffix(".sql").lower())
            remedy = f'add to {folder}/{BUILD_FILE}:\n[fragment.{word}]\nsrc = "{name}"'
            if not is_file_name(name):
                remedy = "call it by ASCII letters, digits, '_', '-' and '.', or remove it"
            yield Finding(path, 1, 1, "unowned-file", "no target owns this file", remedy)


def _cycles(workspace: Workspace) -> Iterable[Finding]:
    migrations = {target.label: target.after for target in workspace.of_kind("migration")}
    for key, edges in (("deps", workspace.edges), ("after", migrations)):
        for cycle in find_cycles(edges):
            if len(cycle) == 2:
                continue  # It names itself, which is told as such.
            target = workspace.targets[cycle[0]]
            unverified = key == "deps" and cycle[1] not in target.deps
            line = target.label_line("unverified_deps" if unverified else key, cycle[1])
            message = "cycle: " + " -> ".join(map(str, cycle))
            remedy = "break it: move what the first needs of the others to a target of its own"
            yield Finding(target.path, line, 1, "dependency-cycle", message, remedy)


def _misplaced_outputs(workspace: Workspace) -> Iterable[Finding]:
    """Migrations that would be written over the fragments that they are made of, or beside them."""
    # Some file systems do not tell the case of letters apart.
    packages = f"{workspace.files.packages}/".casefold()
    for target in workspace.of_kind("migration"):
        if target.out.casefold().startswith(packages):
            message = f"{target.out} is among the packages, whose files are written by people"
            remedy = 'write it to another folder, such as "supabase/migrations"'
            yield target.finding("out", "misplaced-output", message, remedy)


def _wrong_versions(workspace: Workspace) -> Iterable[Finding]:
    """Migrations that the Supabase CLI would refuse, or apply in another order than is declared."""
    migrations = workspace.migrations()
    by_folder: dict[str, dict[str, Target]] = {}
    for target in migrations:
        folder, _, name = target.out.rpartition("/")
        # It knows a migration by its version: a second one of that version is refused (23505).
        versions = by_folder.setdefault(folder, {})
        first = versions.setdefault(version(target.out), target)
        if first is not target:
            message = f"{first.label} has the same version, {version(target.out)}"
            yield target.finding("out", "same-version", message, f"give {name} one of its own")
    for versions in by_folder.values():
        targets = {target.out: target for target in versions.values()}
        for later, sooner in misread(targets):
            fact, remedy = ambiguity(later, sooner)
            yield targets[later].finding("out", "ambiguous-version", fact, remedy)
    place = {target.label: number for number, target in enumerate(migrations)}
    for target in migrations:
        for label in target.after:
            if place.get(label, -1) <= place[target.label]:
                continue  # In order, or told as an unknown label.
            before = workspace.targets[label]
            if version(before.out) == version(target.out) or target in workspace.before(before):
                continue  # Told as the same version, or as a cycle.
            message = (
                f"it ships after {label}, and its version {version(target.out)} is applied "
                f"before {version(before.out)}"
            )
            remedy = "give it a later version, or remove this label"
            line = target.label_line("after", label)
            yield Finding(target.path, line, 1, "version-order", message, remedy)
