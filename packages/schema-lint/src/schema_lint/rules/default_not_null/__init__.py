"""A column with a default is NOT NULL.

What: A column with a DEFAULT that may be NULL; booleans are another rule's.
Why: A default fills what is left out. A caller who sends null gets NULL, and created_at is empty
    in just the row that somebody asks about.
Instead: created_at TIMESTAMPTZ NOT NULL DEFAULT now().
When to allow: NULL has a meaning of its own there, and the column's comment says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import type_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "default-not-null"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each default that a NULL slips past."""
    for place in workspace.facts(file).columns:
        node = place.node
        constraints = {
            item["Constraint"]["contype"]: item["Constraint"]
            for item in node.get("constraints", ())
        }
        default = constraints.get("CONSTR_DEFAULT", {}).get("raw_expr", {})
        if not default or default.get("A_Const", {}).get("isnull") or "typeName" not in node:
            continue
        table = workspace.table(place.table)
        declared = table.columns.get(place.name) if table else None
        not_null = (declared is not None and declared.not_null) or constraints.keys() & {
            "CONSTR_NOTNULL",
            "CONSTR_PRIMARY",
        }
        if not not_null and type_text(node["typeName"]) != "bool":
            yield place.statement.finding(
                ID,
                f"{place.name} has a default, and may be NULL all the same",
                f"write {place.name} … NOT NULL DEFAULT …",
                node,
            )
