"""Files to findings: runs every rule and applies suppressions; knows no rule by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.registry import rules, unknown_rule
from schema_lint.suppressions import Suppressions
from schema_lint.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile


def lint(files: Iterable[SqlFile], externals: Iterable[SqlFile] = ()) -> list[Finding]:
    """Run every rule over files that belong together.

    Args:
        files: The files, in the order in which they would run. One file from anywhere will do:
            where a rule needs to know a table that no file declares, it says nothing.
        externals: Files that declare what exists already, such as ``public.applications``. They
            are known and not judged.

    Returns:
        The findings that no suppression covers, and those about suppressions, sorted.
    """
    workspace = Workspace(files, externals)
    known = {rule.id for rule in rules()}
    found: set[Finding] = set()
    for file in workspace.files:
        suppressions = Suppressions(file)
        raised = {finding for rule in rules() for finding in rule.check(file, workspace)}
        found.update(finding for finding in raised if not suppressions.cover(finding))
        found.update(suppressions.findings(known, unknown_rule))
    return sorted(found)
