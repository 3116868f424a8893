"""Every foreign key is served by an index of the referencing table.

What: A foreign key without a btree index, unique key or primary key that begins with its columns,
    in any order. app_code, which many rows share, may be missing: an index that begins with the
    other columns serves as well. An index with a WHERE serves only if the WHERE asks that
    columns of the key are NOT NULL, which every lookup implies.
Why: To delete or re-key one parent PostgreSQL looks for its children: without an index it reads the
    whole table, for each parent.
Instead: CREATE INDEX IF NOT EXISTS <table>_<columns>_idx ON … (the key's columns).
When to allow: The parent's rows are never deleted or re-keyed, or the child table stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import branches
from schema_lint.tenancy import TENANT_COLUMN
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import ForeignKey, Table
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "fk-needs-index"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each foreign key whose parents are expensive to delete."""
    for place in workspace.facts(file).constraints:
        table = workspace.table(place.table)
        if place.kind != "FOREIGN" or table is None:
            continue
        key = workspace.foreign_key(place)
        if key is not None and not _is_served(table, key):
            columns = ", ".join(key.columns)
            name = f"{table.name.name}_{'_'.join(key.columns)}_idx"
            yield place.statement.finding(
                ID,
                f"no index of {table.name} begins with ({columns})",
                f"CREATE INDEX IF NOT EXISTS {name}\nON {table.name} ({columns});",
                place.node,
            )


def _is_served(table: Table, key: ForeignKey) -> bool:
    own = set(key.columns)
    selective = own - {TENANT_COLUMN} or own
    candidates = [k.columns for k in table.keys]
    for index in table.indexes:
        single = index.method == "hash" and len(index.columns) == 1
        if (index.method == "btree" or single) and _is_implied(index.predicate, own):
            candidates.append(tuple(column.name for column in index.columns))
    return any(
        selective <= set(columns[:length]) <= own
        for columns in candidates
        for length in range(len(selective), len(own) + 1)
    )


def _is_implied(predicate: Node | None, columns: set[str]) -> bool:
    """Whether every row that the key can match satisfies an index's WHERE."""
    if predicate is None:
        return True
    for part in branches(predicate, "AND_EXPR"):
        test = part.get("NullTest", {})
        name = strings(test.get("arg", {}).get("ColumnRef", {}).get("fields"))[-1:]
        if test.get("nulltesttype") != "IS_NOT_NULL" or not name or name[0] not in columns:
            return False
    return True
