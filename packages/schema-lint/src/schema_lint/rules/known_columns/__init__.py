"""Keys, indexes and comments name columns that the table has.

What: A column in a key, a foreign key, an index, a column grant or COMMENT ON COLUMN that the
    table, where it is known, does not have.
Why: PostgreSQL refuses the file; where the table exists from before, with the column, it does not,
    and the fault shows on the next new database.
Instead: The column's right name.
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.declared import read_index
from schema_sql.display import listed
from schema_sql.names import list_name, range_name
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import FileFacts, Workspace
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile, Statement

ID = "known-columns"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each column that does not exist."""
    for statement, name, column, node in _named(workspace.facts(file)):
        table = workspace.table(name)
        if table is not None and table.complete and column not in table.columns:
            # A column that was there and was dropped later is no slip.
            if column in workspace.dropped_columns(name):
                continue
            yield statement.finding(
                ID,
                f"{table.name} has no column {column}",
                f"its columns are {listed(list(table.columns))}",
                node,
            )


def _named(facts: FileFacts) -> Iterator[tuple[Statement, Name, str, Node | None]]:
    """Each column that a statement names: the statement, the table, the column and the place."""
    for place in facts.constraints:
        node = place.node
        for column in (*strings(node.get("keys")), *strings(node.get("fk_attrs"))):
            yield place.statement, place.table, column, node
        if "pktable" in node:
            for column in strings(node.get("pk_attrs")):
                yield place.statement, range_name(node["pktable"]), column, node["pktable"]
    for statement in facts.statements("IndexStmt"):
        index = read_index(statement)
        names = [*(column.name for column in index.columns), *index.included]
        for column in filter(None, names):
            yield statement, index.table, column, None
    for statement in facts.statements("CommentStmt"):
        if statement.node["objtype"] == "OBJECT_COLUMN":
            words = strings(statement.node["object"]["List"]["items"])
            if len(words) > 1:
                yield statement, list_name(words[:-1]), words[-1], None
    for statement in facts.statements("GrantStmt"):
        for privilege in statement.node.get("privileges", ()):
            for column in strings(privilege.get("AccessPriv", {}).get("cols")):
                for item in statement.node.get("objects", ()):
                    if "RangeVar" in item:
                        yield statement, range_name(item["RangeVar"]), column, item["RangeVar"]
