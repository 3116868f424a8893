"""A policy that is dropped is created again.

What: DROP POLICY without a CREATE POLICY of the same name on the same table below it in the file.
Why: Without a permissive policy nobody reaches the table; without a restrictive one more rows are
    reached than before. Either is easily done by deleting one statement of a pair.
Instead: Keep the pair together, or delete both.
When to allow: The policy is retired for good, and the reason names what stands in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import dropped_names
from schema_sql.declared import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "recreate-dropped-policy"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each policy that stays dropped."""
    facts = workspace.facts(file)
    last: dict[tuple[str, ...], int] = {}
    for statement in facts.statements("CreatePolicyStmt"):
        policy = read_policy(statement)
        last[("POLICY", policy.table.schema, policy.table.name, policy.name)] = statement.start
    for statement in facts.statements("DropStmt"):
        for names in dropped_names(statement):
            if names[0] == "POLICY" and last.get(names, -1) < statement.start:
                yield statement.finding(
                    ID,
                    f'policy "{names[-1]}" is dropped and not created again',
                    "create it below, or say why it goes",
                )
