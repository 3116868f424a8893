"""A relationship between two tables is one foreign key.

What: Two foreign keys from one table to the same other table that share a column other than
    app_code: with and without the tenant, or the same columns twice.
Why: The Data API cannot choose between them: select=*,parent(*) fails with PGRST201. The wider of
    the two says all that the narrower says.
Instead: Keep the one that carries app_code.
When to allow: The two mean different rows, and callers name the foreign key in every select.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import TENANT_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import Table
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "one-fkey-per-relationship"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each foreign key that repeats an earlier one."""
    repeated: dict[Name, set[int]] = {}
    for place in workspace.facts(file).constraints:
        table = workspace.table(place.table)
        key = workspace.foreign_key(place)
        if table is None or key is None:
            continue
        if table.name not in repeated:
            repeated[table.name] = _repeated(table)
        if id(key) in repeated[table.name]:
            yield place.statement.finding(
                ID,
                f"two foreign keys on ({', '.join(sorted(_columns(key.columns)))}) "
                f"reference {key.target}",
                f"keep one, with {TENANT_COLUMN}",
                place.node,
            )


def _repeated(table: Table) -> set[int]:
    """The identities of the foreign keys that share a target and a column with an earlier one."""
    found: set[int] = set()
    seen: set[tuple[Name, str]] = set()
    for key in table.foreign_keys:
        references = {(key.target, column) for column in _columns(key.columns)}
        if not seen.isdisjoint(references):
            found.add(id(key))
        seen |= references
    return found


def _columns(columns: tuple[str, ...]) -> set[str]:
    """The columns that choose the row: all but the tenant, where there is another."""
    return set(columns) - {TENANT_COLUMN} or set(columns)
