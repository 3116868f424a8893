"""No policy for reading reads its own table.

What: A USING for SELECT or ALL whose subquery reads the policy's table, directly or through the
    tables whose policies it meets on the way.
Why: PostgreSQL refuses every query of the table: infinite recursion detected in policy (42P17).
Instead: Compare with a claim of the token; or ask in a SECURITY DEFINER function that sets its
    search_path.
When to allow: Never: it cannot work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import policy_reads
from schema_targets.graph import find_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "policy-recursion"

_STEPS = 8
"""How many tables of a way are named at most."""


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each subquery that leads back to the policy's table."""
    for policy in workspace.policies(file):
        for name, node in policy_reads(policy):
            if not workspace.may_lead_back(policy.table, name):
                continue
            path = [str(step) for step in find_path(name, policy.table, workspace.policy_edges)]
            if not path:
                continue
            if len(path) > _STEPS:
                path[_STEPS - 2 : -1] = ["…"]
            through = " → ".join((str(policy.table), *path))
            message = f'"{policy.name}" reads its own table: {through}'
            remedy = "compare with a claim, or ask in a SECURITY DEFINER function"
            yield policy.statement.finding(ID, message, remedy, node)
