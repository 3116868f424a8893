"""A policy is dropped before it is created, so that a second run replaces it.

What: CREATE POLICY without DROP POLICY IF EXISTS of the same name on the same table above it in the
    file; inside a DO block's IF it is taken as guarded.
Why: CREATE POLICY has neither OR REPLACE nor IF NOT EXISTS: a second run fails. A guard would
    keep whatever policy of that name it finds, a weaker one too.
Instead: DROP POLICY IF EXISTS "name" ON table; directly above.
When to allow: In a file that a tool is known to run at most once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.declared import read_policy
from schema_sql.names import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "drop-policy-before-create"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each policy that fails to be created twice."""
    facts = workspace.facts(file)
    for statement in facts.statements("CreatePolicyStmt"):
        policy = read_policy(statement)
        table = policy.table
        if not statement.conditional and not facts.dropped_before(
            statement, "POLICY", table.schema, table.name, policy.name
        ):
            yield statement.finding(
                ID,
                f'policy "{policy.name}" is not dropped first',
                f"write DROP POLICY IF EXISTS {_quoted(policy.name)} ON {table}; above it",
            )


def _quoted(name: str) -> str:
    return quote(name) if quote(name) != name else f'"{name}"'
