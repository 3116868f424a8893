"""A view is read with its reader's rights.

What: CREATE VIEW without WITH (security_invoker = true).
Why: A view is read as its owner otherwise, who passes row-level security: it shows every tenant's
    rows to all.
Instead: CREATE OR REPLACE VIEW … WITH (security_invoker = true) AS ….
When to allow: A view over what is public anyway, or in a schema that the Data API does not serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "view-security-invoker"

_TRUE = {"true", "on", "1", "yes"}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each view that passes row-level security."""
    facts = workspace.facts(file)
    made_safe = {
        command.table
        for command in facts.commands
        if command.kind == "SetRelOptions" and _is_invoker(command.node["def"]["List"]["items"])
    }
    for statement in facts.statements("ViewStmt"):
        view = statement.node["view"]
        if is_temporary(view) or _is_invoker(statement.node.get("options", [])):
            continue
        if any((n.schema, n.name) == _name(view) for n in made_safe):
            continue
        yield statement.finding(
            ID,
            f"{view['relname']} is read with its owner's rights, past row-level security",
            "write WITH (security_invoker = true) before AS",
            view,
        )


def _name(view: Node) -> tuple[str, str]:
    return view.get("schemaname", "public"), view["relname"]


def _is_invoker(options: list[Node]) -> bool:
    for item in options:
        option = item["DefElem"]
        if option["defname"] == "security_invoker":
            value = option.get("arg")
            if value is None:
                return True
            ((_, fields),) = value.items()
            text = fields.get("sval", fields.get("ival", fields.get("boolval", "")))
            return str(text).lower() in _TRUE
    return False
