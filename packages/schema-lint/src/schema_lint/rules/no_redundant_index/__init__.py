"""No index repeats what another one does.

What: An index whose columns are the same as another's or a key's, or the first of them, in the same
    or exactly the reverse order, with the same WHERE; and two unique keys on the same columns.
    A unique index counts as repeated only by a unique one on the same columns.
Why: Every write maintains each index; a repeated one costs space and time and answers nothing new.
Instead: Drop the shorter one; let the constraint's own index serve, and say so in a comment.
When to allow: The longer index is much wider, and a query was measured to need the narrow one.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_sql.names import range_name
from schema_sql.trees import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Part, Table
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-redundant-index"


@dataclass(frozen=True)
class _Index:
    """An index, whoever made it.

    Attributes:
        columns: For each key what it holds and its order: descending, NULLS FIRST.
        included: The further columns that it carries.
        predicate: The number of its WHERE clause's shape.
    """

    part: Part
    name: str
    columns: tuple[tuple[Any, bool, bool], ...]
    included: frozenset[str]
    unique: bool
    predicate: int
    method: str

    def like(self, columns: tuple[tuple[Any, bool, bool], ...]) -> tuple[Any, ...]:
        """What indexes of the same method and rows have in common that begin with columns."""
        return (self.method, self.predicate, columns)


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each index or key that another one makes useless."""
    facts = workspace.facts(file)
    names = {place.table for place in facts.constraints if place.kind in {"PRIMARY", "UNIQUE"}}
    for statement in facts.statements("IndexStmt"):
        names.add(range_name(statement.node["relation"]).qualified())
    for name in sorted(names):
        table = workspace.table(name)
        if table is not None:
            yield from _check_table(table, file)


def _check_table(table: Table, file: SqlFile) -> Iterator[Finding]:
    indexes = list(_indexes(table))
    # Two can only be alike where one begins as the other does, so only those are compared.
    beginnings: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, index in enumerate(indexes):
        for width in range(1, len(index.columns) + 1):
            beginnings[index.like(index.columns[:width])].append(number)
    for number, index in enumerate(indexes):
        reverse = tuple((what, not down, not first) for what, down, first in index.columns)
        others = heapq.merge(
            *(beginnings.get(index.like(columns), ()) for columns in (index.columns, reverse))
        )
        for other_number in others:
            other = indexes[other_number]
            # Of two that are the same, the later one goes.
            if number == other_number or not _repeats(index, other, later=number > other_number):
                continue
            part = index.part
            if part.statement.source.path == file.path:
                what = "repeats" if len(index.columns) == len(other.columns) else "begins"
                yield part.statement.finding(
                    ID,
                    f"{index.name} {what} {other.name}",
                    f"drop it: {other.name} serves the same queries",
                    part.node,
                )
            break


def _indexes(table: Table) -> Iterator[_Index]:
    shapes = Shapes()
    for key in table.keys:
        yield _Index(
            part=key,
            name=key.name or f"the key ({', '.join(key.columns)})",
            columns=tuple((name, False, False) for name in key.columns),
            included=frozenset(),
            unique=True,
            predicate=shapes.number(None),
            method="btree",
        )
    for index in table.indexes:
        yield _Index(
            part=index,
            name=index.name or "this index",
            columns=tuple(
                (
                    (column.name, shapes.number(column.expression), column.operator_class),
                    column.descending,
                    column.nulls_first,
                )
                if column.expression or column.operator_class
                else (column.name, column.descending, column.nulls_first)
                for column in index.columns
            ),
            included=frozenset(index.included),
            unique=index.unique,
            predicate=shapes.number(index.predicate),
            method=index.method,
        )


def _repeats(index: _Index, other: _Index, *, later: bool) -> bool:
    """Whether another index, which begins as this one, does all that this one does."""
    if index.method == "btree":
        same = len(other.columns) == len(index.columns)
    else:
        # A gin, gist or brin index has no order; a hash index has one column.
        same = index.columns == other.columns
        if not same:
            return False
    if index.unique and not (other.unique and same):
        return False
    if not index.included <= other.included | {str(what) for what, _, _ in other.columns}:
        return False
    # What is wider stays; of two alike a unique one stays, then the earlier.
    mutual = same and index.unique == other.unique and index.included == other.included
    return later if mutual else True
