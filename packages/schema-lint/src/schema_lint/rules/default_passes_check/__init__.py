"""A column's default passes the column's own list of values.

What: DEFAULT with a constant that a CHECK (column IN (…)) of the table does not list.
Why: PostgreSQL accepts it; then every INSERT that leaves the column to its default fails.
Instead: One of the listed values, spelled as there.
When to allow: Never.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from schema_lint.logic import constant_value, elements
from schema_sql.display import listed
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Table
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "default-passes-check"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each default that is refused."""
    lists: dict[Name, dict[str, list[set[str]]]] = {}
    for place in workspace.facts(file).columns:
        table = workspace.table(place.table)
        column = table.columns.get(place.name) if table else None
        value = constant_value(column.default) if column and column.default else None
        if table is None or value is None:
            continue
        if table.name not in lists:
            lists[table.name] = _lists(table)
        for allowed in lists[table.name].get(place.name, ()):
            if str(value[1]) not in allowed:
                yield place.statement.finding(
                    ID,
                    f"the default {value[1]!r} of {place.name} is not one of its values",
                    f"choose one of {listed(sorted(allowed))}",
                    place.node,
                )


def _lists(table: Table) -> dict[str, list[set[str]]]:
    """For each column, the values that each of the table's checks lists for it."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for constraint in table.checks:
        fields = constraint.expression.get("A_Expr", {})
        names = strings(fields.get("lexpr", {}).get("ColumnRef", {}).get("fields"))[-1:]
        allowed = _allowed(constraint.expression) if names else set()
        if allowed:
            found[names[0]].append(allowed)
    return found


def _allowed(expression: Node) -> set[str]:
    """The values that a check lists for a column; empty where it lists none for sure."""
    fields = expression.get("A_Expr", {})
    positive = strings(fields.get("name")) == ["="]
    if fields.get("kind") not in {"AEXPR_IN", "AEXPR_OP_ANY"} or not positive:
        return set()
    if any(kind == "BoolExpr" for kind, _ in walk(expression)):
        return set()
    values = [constant_value(item) for item in elements(fields.get("rexpr", {}))]
    return {str(value[1]) for value in values if value is not None} if all(values) else set()
