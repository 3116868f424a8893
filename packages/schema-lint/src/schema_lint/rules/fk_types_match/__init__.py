"""A foreign key's columns have their targets' types, each in its place.

What: A referencing column of another type than the referenced one at the same place, and a foreign
    key of another number of columns.
Why: PostgreSQL refuses types that it cannot compare (42804); others it compares by a cast, so
    that a lookup cannot use the index. Swapped columns are found this way as well.
Instead: The same types, in the same order.
When to allow: INTEGER against BIGINT while a column is being widened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import SERIAL_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "fk-types-match"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each pair of columns that do not fit."""
    for place in workspace.facts(file).constraints:
        table = workspace.table(place.table)
        if place.kind != "FOREIGN" or table is None:
            continue
        key = workspace.foreign_key(place)
        target = workspace.table(key.target) if key else None
        if key is None or target is None:
            continue
        primary = target.primary_key.columns if target.primary_key else ()
        others = key.target_columns or primary
        if others and len(others) != len(key.columns):
            message = f"{len(key.columns)} columns reference {len(others)}"
            yield place.statement.finding(ID, message, "name as many of each", place.node)
            continue
        for name, other in zip(key.columns, others, strict=False):
            mine, theirs = table.columns.get(name), target.columns.get(other)
            if mine is None or theirs is None:
                continue
            if _plain(mine.type) != _plain(theirs.type):
                yield place.statement.finding(
                    ID,
                    f"{name} is {mine.type}, and {target.name}.{other} is {theirs.type}",
                    f"make {name} {_plain(theirs.type)}, or put the columns in order",
                    place.node,
                )


def _plain(kind: str) -> str:
    return SERIAL_TYPES.get(kind, kind)
