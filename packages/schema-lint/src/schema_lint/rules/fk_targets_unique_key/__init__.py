"""A foreign key references a unique key that can be referenced.

What: A foreign key whose target columns are no primary key, unique constraint or full unique index
    of the target, or are only a deferrable one.
Why: PostgreSQL refuses the file: there is no unique constraint matching given keys (42830).
Instead: A unique constraint on exactly these columns, in any order.
When to allow: Never: it cannot run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "fk-targets-unique-key"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each foreign key that hits no key."""
    unique: dict[Name, set[frozenset[str]]] = {}
    for place in workspace.facts(file).constraints:
        table = workspace.table(place.table)
        if place.kind != "FOREIGN" or table is None:
            continue
        key = workspace.foreign_key(place)
        target = workspace.table(key.target) if key else None
        if key is None or target is None or not target.complete:
            continue
        if not key.target_columns:
            if target.primary_key is None:
                message = f"{target.name} has no primary key"
                remedy = f"name the columns: REFERENCES {target.name} (…)"
                yield place.statement.finding(ID, message, remedy, place.node)
            continue
        wanted = ", ".join(key.target_columns)
        if target.name not in unique:
            unique[target.name] = {frozenset(k.columns) for k in target.unique_keys()}
        if frozenset(key.target_columns) in unique[target.name]:
            continue
        if any(set(k.columns) == set(key.target_columns) for k in target.keys):
            message = f"the unique key {target.name} ({wanted}) is DEFERRABLE"
            remedy = f"leave DEFERRABLE out in {target.path}"
        else:
            message = f"{target.name} ({wanted}) has no unique key"
            remedy = f"add UNIQUE ({wanted}) to {target.path}"
        yield place.statement.finding(ID, message, remedy, place.node)
