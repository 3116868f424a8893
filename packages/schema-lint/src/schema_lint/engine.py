"""Files to findings: runs every rule and applies suppressions; knows no rule by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.registry import rules, unknown_rule
from schema_lint.suppressions import Suppressions
from schema_lint.workspace import Workspace
from schema_sql.failures import internal_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schema_lint.registry import Rule
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile


def lint(files: Iterable[SqlFile], externals: Iterable[SqlFile] = ()) -> list[Finding]:
    """Run every rule over files that belong together.

    A rule that fails on a file does not end the run: that it failed is a finding, and the other
    rules and files go on.

    Args:
        files: The files, in the order in which they would run. One file from anywhere will do:
            where a rule needs to know a table that no file declares, it says nothing.
        externals: Files that declare what exists already, such as ``public.applications``. They
            are known and not judged.

    Returns:
        The findings that no suppression covers, and those about suppressions and failed rules,
        sorted.
    """
    workspace = Workspace(files, externals)
    known = {rule.id for rule in rules()}
    found: set[Finding] = set()
    for file in workspace.files:
        suppressions = Suppressions(file)
        for rule in rules():
            for finding in _check(rule, file, workspace, found, suppressions):
                if not suppressions.cover(finding):
                    found.add(finding)
        found.update(suppressions.findings(known, unknown_rule))
    return sorted(found.union(workspace.failures))


def _check(
    rule: Rule,
    file: SqlFile,
    workspace: Workspace,
    failures: set[Finding],
    suppressions: Suppressions,
) -> Iterator[Finding]:
    """Yield what a rule finds in a file; where it fails, what it found before that."""
    try:
        yield from rule.check(file, workspace)
    except Exception as error:  # noqa: BLE001 - whatever a rule does not expect
        failures.add(internal_error(rule.id, file, error))
        # Nobody knows what it would have found.
        suppressions.excuse(rule.id)
