"""Every index is named <table>_<columns>_idx.

What: CREATE INDEX without a name, or with another one. Between the table and the ending the name is
    free where the index has a WHERE, an expression, or a name that would exceed 63 bytes; a
    unique index may end in _key. An index of a table in pg_temp is free.
Why: The name says in a query plan what the index is for, and IF NOT EXISTS compares names alone.
Instead: CREATE INDEX IF NOT EXISTS tasks_app_code_status_idx ON public.tasks (app_code, status).
When to allow: The name is known to other systems already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import is_temporary
from schema_sql.declared import read_index
from schema_sql.names import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "index-name"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each index whose name does not say what it holds."""
    for statement in workspace.facts(file).statements("IndexStmt"):
        if is_temporary(statement.node["relation"]):
            continue  # It is gone when the session ends, and no later statement names it.
        index = read_index(statement)
        names = [column.name or "expr" for column in index.columns]
        expected = "_".join([index.table.name, *names, "idx"])
        accepted = {
            expected,
            "_".join([index.table.name, *names, *index.included, "idx"]),
            *(["_".join([index.table.name, *names, "key"])] if index.unique else []),
        }
        endings = ("_idx", "_key") if index.unique else ("_idx",)
        free = (
            index.predicate is not None
            or any(not column.name for column in index.columns)
            or len(expected.encode()) > 63
        )
        shortened = index.name.startswith(f"{index.table.name}_") and index.name.endswith(endings)
        if index.name in accepted or (free and shortened):
            continue
        message = f"the index is named {index.name}" if index.name else "the index has no name"
        yield statement.finding(ID, message, f"name it {quote(expected)}")
