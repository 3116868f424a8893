"""The gates that need no database: parser, dependencies, rules, specification, squawk."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from proofs.gates_suite import CrashedTestError, from_sql, specification_failure
from proofs.report import ROOT
from schema_cli.project import build_migration, parsed
from schema_database import DatabaseError
from schema_lint import lint
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse
from schema_targets.dependencies import read_dependencies
from schema_targets.graph import find_cycles
from schema_targets.workspace import Files, Workspace, find_files, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proofs.gates_mutants import Mutant
    from proofs.gates_suite import ObservedSchema
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile
    from schema_targets.build_file import Target
    from schema_targets.dependencies import Dependencies
    from schema_targets.labels import Label

STATIC_GATES = ("syntax", "deps", "lint", "spec: fragments", "assemble", "spec: file", "squawk")
"""The gates, from the first to the last that is asked."""


@dataclass(frozen=True)
class Judged:
    """What gates say of a mutant.

    Attributes:
        kills: for each gate that refuses it, what it says: of lint the rules, comma-separated.
        asked: the gates that looked at it.
        built: the migration that it makes, or empty where none can be made.
        crashes: tests that judged nothing, because they ended in an error of their own.
    """

    kills: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    built: str = ""
    crashes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Mutated(Files):
    """The files of a workspace, one of them with another text."""

    others: Mapping[str, Source | SourceError] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, Source | SourceError]:
        return dict(self.others)


def open_workspace() -> Workspace:
    """Return the repository's workspace, with every fragment parsed.

    Raises:
        SourceError: something in it cannot be read.
    """
    workspace = load(find_files(ROOT))
    for error in workspace.errors:
        raise error
    parsed(workspace, workspace.externals())
    parsed(workspace, workspace.of_kind("fragment"))
    return workspace


def judge_statically(workspace: Workspace, mutant: Mutant | None, squawk: Squawk) -> Judged:
    """Ask every gate that needs no database.

    Args:
        workspace: the unchanged one.
        mutant: what is changed in it; None changes nothing.
        squawk: the linter of the built file.

    Returns:
        What they say. The gates behind `deps` see the dependencies that `schema deps --fix` would
        write: an author who is told of them writes them, and the fault is still there.

    Raises:
        DatabaseError: squawk fails.
    """
    try:
        mutated = _changed(workspace, mutant) if mutant else workspace
    except SourceError as error:
        return Judged({"syntax": error.finding.message}, ("syntax",))
    kills: dict[str, str] = {}
    crashes: list[str] = []
    dependencies = read_dependencies(mutated)
    kills["deps"] = _told_by_deps(dependencies)
    if kills["deps"]:
        dependencies = _with_true_deps(dependencies)
        mutated = dependencies.workspace
    kills["lint"] = _rules(lint(_in_order(mutated), parsed(mutated, mutated.externals())))
    shipped = [t for migration in mutated.migrations() for t in mutated.shipped(migration)]
    kills["spec: fragments"] = _noting(crashes, lambda: from_sql(parsed(mutated, shipped)))
    asked: tuple[str, ...] = STATIC_GATES[:5]
    built = ""
    try:
        files = _built(dependencies)
    except SourceError as error:
        # It repeats what deps has said; only what is its own counts.
        if error.finding.rule not in kills["deps"].split(","):
            kills["assemble"] = error.finding.rule
    else:
        built = _joined(files)
        kills["spec: file"] = _noting(
            crashes, lambda: from_sql([parse(Source(*file)) for file in files.items()])
        )
        kills["squawk"] = squawk.complaint(built)
        asked = STATIC_GATES
    found = {gate: why for gate, why in kills.items() if why}
    return Judged(found, asked, built, tuple(crashes))


def _noting(crashes: list[str], read: Callable[[], ObservedSchema]) -> str:
    try:
        return specification_failure(read)
    except CrashedTestError as error:
        crashes.append(str(error))
        return ""


def _built(dependencies: Dependencies) -> dict[str, str]:
    """Return the path and the text of each migration, as `schema build` makes it, in their order.

    Raises:
        SourceError: one cannot be made.
    """
    for error in dependencies.errors:
        raise error
    for finding in dependencies.findings():
        raise SourceError(finding)
    workspace = dependencies.workspace
    return {each.out: build_migration(dependencies, each).text for each in workspace.migrations()}


def _joined(files: dict[str, str]) -> str:
    return "\n".join(files.values())


def _told_by_deps(dependencies: Dependencies) -> str:
    return _rules([*dependencies.findings(), *(e.finding for e in dependencies.errors)])


def _with_true_deps(dependencies: Dependencies) -> Dependencies:
    """Return it as `schema deps --fix` would leave it, or as it is where that makes a cycle."""
    workspace = dependencies.workspace
    targets = {
        label: replace(target, deps=_needed(dependencies, target))
        if label in dependencies.interfaces
        else target
        for label, target in workspace.targets.items()
    }
    mended = Workspace(workspace.files, targets, workspace.errors, workspace._parsed)  # noqa: SLF001
    return dependencies if find_cycles(mended.edges) else read_dependencies(mended)


def _needed(dependencies: Dependencies, target: Target) -> tuple[Label, ...]:
    needed = dependencies.needed(dependencies.interfaces[target.label])
    return tuple(sorted(set(needed) - set(target.unverified_deps)))


def build(workspace: Workspace, mutant: Mutant | None) -> str:
    """Return the migration that a mutant makes, its dependencies as `schema deps --fix` has them.

    Args:
        workspace: the unchanged one.
        mutant: what is changed in it; None changes nothing.

    Raises:
        SourceError: none can be made.
    """
    changed = _changed(workspace, mutant) if mutant else workspace
    dependencies = read_dependencies(changed)
    if _told_by_deps(dependencies):
        dependencies = _with_true_deps(dependencies)
    return _joined(_built(dependencies))


def _changed(workspace: Workspace, mutant: Mutant) -> Workspace:
    source = Source(mutant.path, mutant.text)
    sql = parse(source)
    files = workspace.files
    return replace(
        workspace,
        files=_Mutated(
            files.root, files.packages, files.paths, {**files.sources, mutant.path: source}
        ),
        _parsed={**workspace._parsed, mutant.path: sql},  # noqa: SLF001 - read once, not each time
    )


def _rules(findings: list[Finding]) -> str:
    return ",".join(sorted({finding.rule for finding in findings}))


def _in_order(workspace: Workspace) -> list[SqlFile]:
    return parsed(workspace, workspace.run_order())


class Squawk:
    """squawk, asked about texts.

    Raises:
        DatabaseError: it is not installed.
    """

    def __init__(self) -> None:
        beside = str(Path(sys.executable).parent)
        found = shutil.which("squawk", path=beside) or shutil.which("squawk")
        if found is None:
            raise DatabaseError("squawk is not installed", "pip install squawk-cli")
        config = str(ROOT / ".squawk.toml")
        self._command = [found, "--config", config, "--reporter", "gcc", "--stdin-filepath", "sql"]

    def complaint(self, sql: str) -> str:
        """Ask squawk.

        Args:
            sql: a migration.

        Returns:
            The rules that it breaks, comma-separated; empty where it breaks none.

        Raises:
            DatabaseError: squawk failed and named no rule, which says nothing of the migration.
        """
        ran = subprocess.run(
            self._command, input=sql, capture_output=True, check=False, encoding="utf-8"
        )
        if ran.returncode == 0:
            return ""
        # sql:LINE:COLUMN: warning: RULE Words of the message.
        rules = re.findall(r"^sql:\d+:\d+: \w+: (\S+)", ran.stdout, re.MULTILINE)
        if not rules:
            said = (ran.stderr or ran.stdout).strip().splitlines() or ["nothing"]
            raise DatabaseError(
                f"squawk ended with status {ran.returncode} and said {said[-1]}",
                "run `nox -s lint -- squawk`",
            )
        return ",".join(sorted(set(rules)))
