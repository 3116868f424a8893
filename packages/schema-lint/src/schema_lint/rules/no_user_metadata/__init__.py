"""No policy trusts what users write about themselves.

What: A policy, view or function expression that reads user_metadata or raw_user_meta_data.
Why: Every user can write their own user_metadata, with supabase.auth.updateUser: they choose
    their tenant or their role.
Instead: A claim that a hook puts at the token's top, or app_metadata, which only the service
    writes.
When to allow: Never in a policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import constant_value
from schema_lint.tenancy import USER_METADATA
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-user-metadata"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each place that reads the users' own metadata."""
    kinds = ("CreatePolicyStmt", "AlterPolicyStmt", "ViewStmt")
    for statement in workspace.facts(file).statements(*kinds):
        for kind, fields in walk(statement.node):
            word = ""
            if kind == "ColumnRef":
                word = (strings(fields.get("fields")) or [""])[-1]
            elif kind == "A_Const":
                value = constant_value({"A_Const": fields})
                word = str(value[1]).strip("{}").partition(",")[0] if value else ""
            if word in USER_METADATA:
                yield statement.finding(
                    ID,
                    f"{word} is what users write about themselves",
                    "read a claim that only the service sets",
                    fields,
                )
