"""Every CHECK can fail, and means each value once.

What: A CHECK that is true for every row, one that lists a value twice, and one that lists values
    for a column that may be NULL without saying so.
Why: A check that cannot fail checks nothing. A value listed twice is most often a slip for another.
    NULL passes every list: the check gives NULL, which PostgreSQL takes for yes.
Instead: Name each value once, and make the column NOT NULL, or write
    status IS NULL OR status IN (…).
When to allow: Never for the first two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from schema_lint.logic import constant_value, elements, truth
from schema_lint.workspace import place as place_of
from schema_sql.display import listed
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import ConstraintPlace, Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "check-decides"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each check that lets everything, or more than it says, pass."""
    for place in workspace.facts(file).constraints:
        if place.kind != "CHECK":
            continue
        expression = place.node.get("raw_expr", {})
        if truth(expression, workspace.not_null(place.table) or ()):
            message = "the check is true for every row"
            yield place.statement.finding(ID, message, "make it ask something", place.node)
            continue
        for kind, fields in walk(expression):
            values = listed_values(fields) if kind == "A_Expr" else []
            twice = sorted(value for value, count in Counter(values).items() if count > 1)
            if twice:
                message = f"{listed(twice)} is listed twice"
                yield place.statement.finding(ID, message, "name each value once", fields)
        yield from _check_null(place, expression, workspace)


def _check_null(
    place: ConstraintPlace, expression: Node, workspace: Workspace
) -> Iterator[Finding]:
    fields = expression.get("A_Expr", {})
    if len(listed_values(fields)) == 0:
        return
    name = strings(fields.get("lexpr", {}).get("ColumnRef", {}).get("fields"))[-1:]
    table = workspace.table(place.table)
    column = table.columns.get(name[0]) if table and name else None
    if column is not None and not column.not_null:
        yield place.statement.finding(
            ID,
            f"NULL passes the check: {column.name} may be NULL",
            f"make {column.name} NOT NULL, or write {column.name} IS NULL OR {column.name} IN (…)",
            place_of(expression),
        )


def listed_values(fields: Node) -> list[str]:
    """The constants of IN (…) or = ANY (ARRAY[…]), as text."""
    if fields.get("kind") not in {"AEXPR_IN", "AEXPR_OP_ANY"}:
        return []
    values = [constant_value(item) for item in elements(fields.get("rexpr", {}))]
    return [str(value[1]) for value in values if value is not None]
