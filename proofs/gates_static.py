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

from proofs.gates_suite import from_sql, specification_failure
from proofs.report import ROOT
from schema_cli.project import built_migrations, parsed
from schema_database import DatabaseError
from schema_lint import lint
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse
from schema_targets.dependencies import read_dependencies
from schema_targets.graph import order
from schema_targets.workspace import Files, Workspace, find_files, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proofs.gates_mutants import Mutant
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

STATIC_GATES = ("syntax", "deps", "lint", "spec: fragments", "assemble", "spec: file", "squawk")
"""The gates, from the first to the last that is asked."""


@dataclass(frozen=True)
class Judged:
    """What gates say of a mutant.

    Attributes:
        kills: for each gate that refuses it, what it says: of lint the rules, comma-separated.
        asked: the gates that looked at it.
        built: the migration that it makes, or empty where none can be made.
    """

    kills: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    built: str = ""


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
    """
    try:
        mutated = _changed(workspace, mutant) if mutant else workspace
    except SourceError as error:
        return Judged({"syntax": error.finding.message}, ("syntax",))
    kills: dict[str, str] = {}
    dependencies = read_dependencies(mutated)
    kills["deps"] = _rules([*dependencies.findings(), *(e.finding for e in dependencies.errors)])
    kills["lint"] = _rules(lint(_in_order(mutated), parsed(mutated, mutated.externals())))
    shipped = [t for migration in mutated.of_kind("migration") for t in mutated.shipped(migration)]
    kills["spec: fragments"] = specification_failure(lambda: from_sql(parsed(mutated, shipped)))
    asked: tuple[str, ...] = STATIC_GATES[:5]
    built = ""
    try:
        ((out, built),) = built_migrations(mutated)
    except SourceError as error:
        kills["assemble"] = error.finding.rule
    else:
        text = built
        kills["spec: file"] = specification_failure(lambda: from_sql([parse(Source(out, text))]))
        kills["squawk"] = squawk.complaint(built)
        asked = STATIC_GATES
    return Judged({gate: why for gate, why in kills.items() if why}, asked, built)


def build(workspace: Workspace, mutant: Mutant | None) -> str:
    """Return the migration that a mutant makes.

    Args:
        workspace: the unchanged one.
        mutant: what is changed in it; None changes nothing.

    Raises:
        SourceError: none can be made.
    """
    ((_, built),) = built_migrations(_changed(workspace, mutant) if mutant else workspace)
    return built


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
    labels = [target.label for target in workspace.of_kind("fragment")]
    return parsed(workspace, [workspace.targets[label] for label in order(labels, workspace.edges)])


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
        """Return the rules that a migration breaks, comma-separated; empty where it breaks none."""
        ran = subprocess.run(
            self._command, input=sql, capture_output=True, check=False, encoding="utf-8"
        )
        if ran.returncode == 0:
            return ""
        # sql:LINE:COLUMN: warning: RULE Words of the message.
        rules = re.findall(r"^sql:\d+:\d+: \w+: (\S+)", ran.stdout, re.MULTILINE)
        return ",".join(sorted(set(rules))) or f"status {ran.returncode}"
