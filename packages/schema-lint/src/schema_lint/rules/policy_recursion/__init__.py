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

from schema_lint.tenancy import tables_read
from schema_sql.names import range_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Policy
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "policy-recursion"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each subquery that leads back to the policy's table."""
    for policy in workspace.policies(file):
        for name, node in _read_by(policy):
            path = _path(name, policy.table, workspace)
            if path:
                through = " → ".join(str(step) for step in (policy.table, *path))
                message = f'"{policy.name}" reads its own table: {through}'
                remedy = "compare with a claim, or ask in a SECURITY DEFINER function"
                yield policy.statement.finding(ID, message, remedy, node)


def _read_by(policy: Policy) -> Iterator[tuple[Name, Node]]:
    """The tables that a policy reads whenever its own table is read."""
    if policy.command in {"ALL", "SELECT"} and policy.using is not None:
        for fields in tables_read(policy.using):
            yield range_name(fields).qualified(), fields


def _path(start: Name, goal: Name, workspace: Workspace) -> tuple[Name, ...]:
    """The tables from one to another, by what their policies read; empty where there is no way."""
    paths: dict[Name, tuple[Name, ...]] = {start: (start,)}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return paths[name]
        table = workspace.table(name)
        for policy in table.policies.values() if table else ():
            for following, _ in _read_by(policy):
                if following not in paths:
                    paths[following] = (*paths[name], following)
                    waiting.append(following)
    return ()
