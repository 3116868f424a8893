"""A boolean is true or false.

What: A boolean column without NOT NULL.
Why: NULL is a third value: WHERE is_active and WHERE NOT is_active both leave such rows out.
Instead: is_active BOOLEAN NOT NULL DEFAULT TRUE.
When to allow: "Not known yet" is meant; a nullable time or a status says it better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import type_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "boolean-not-null"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each boolean of three values."""
    for place in workspace.facts(file).columns:
        node = place.node
        if "typeName" not in node or type_text(node["typeName"]) != "bool":
            continue
        table = workspace.table(place.table)
        declared = table.columns.get(place.name) if table else None
        kinds = {item["Constraint"]["contype"] for item in node.get("constraints", ())}
        if not (declared and declared.not_null) and "CONSTR_NOTNULL" not in kinds:
            message = f"{place.name} has a third value, NULL"
            remedy = f"write {place.name} BOOLEAN NOT NULL DEFAULT …"
            yield place.statement.finding(ID, message, remedy, node)
