"""A column id is UUID NOT NULL DEFAULT gen_random_uuid().

What: A column named id of another type, or without that default.
Why: A number tells how many rows all tenants have, and invites guessing. gen_random_uuid() is
    built in; uuid_generate_v4() needs an extension that lies in another schema.
Instead: id UUID NOT NULL DEFAULT gen_random_uuid().
When to allow: The id is another system's, or another table's, such as auth.users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import type_text
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import ColumnPlace, Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "uuid-id"

_FUNCTIONS = ("gen_random_uuid", "uuidv7")


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each id of another kind."""
    for column in workspace.facts(file).columns:
        node = column.node
        if column.name != "id" or "typeName" not in node:
            continue
        kinds = {item["Constraint"]["contype"] for item in node.get("constraints", ())}
        written = type_text(node["typeName"])
        remedy = "write id UUID NOT NULL DEFAULT gen_random_uuid()"
        if written != "uuid":
            yield column.statement.finding(ID, f"id is {written}", remedy, node)
        # An id that references another table's takes its value from there.
        elif "CONSTR_FOREIGN" not in kinds and not _has_default(column, workspace):
            message = "id has no default that makes one"
            yield column.statement.finding(ID, message, remedy, node)


def _has_default(column: ColumnPlace, workspace: Workspace) -> bool:
    table = workspace.table(column.table)
    declared = table.columns.get(column.name) if table else None
    if table is not None and declared is not None and declared.node is column.node:
        if any(key.columns == (column.name,) for key in table.foreign_keys):
            return True
        return _makes_uuid(declared.default)
    return any(
        _makes_uuid(item["Constraint"].get("raw_expr"))
        for item in column.node.get("constraints", ())
    )


def _makes_uuid(default: Node | None) -> bool:
    call = (default or {}).get("FuncCall", {})
    return strings(call.get("funcname"))[-1:] in [[word] for word in _FUNCTIONS]
