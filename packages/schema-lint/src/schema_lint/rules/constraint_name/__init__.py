"""Every constraint is named, as PostgreSQL would name it.

What: A primary key, unique, check, foreign key or exclusion constraint without a name, or named
    otherwise than <table>_pkey, <table>_<columns>_key, _fkey, _check or _excl. A name that would
    exceed 63 bytes may be shortened between the table and the ending; so may the name of a check
    of no or several columns.
Why: An error, a later ALTER TABLE and a comparison of two databases speak of constraints by name.
    A name that PostgreSQL chose depends on what else existed.
Instead: CONSTRAINT <table>_<columns>_<ending>.
When to allow: The name is known to other systems already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import quote
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import ConstraintPlace, Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "constraint-name"

_ENDINGS = {
    "PRIMARY": "pkey",
    "UNIQUE": "key",
    "CHECK": "check",
    "FOREIGN": "fkey",
    "EXCLUSION": "excl",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each constraint without its name."""
    for place in workspace.facts(file).constraints:
        ending = _ENDINGS.get(place.kind)
        if ending is None:
            continue
        expected = _expected(place, ending)
        if not place.name:
            message = f"the {_words(place)} has no name"
            yield place.statement.finding(
                ID, message, f"write CONSTRAINT {quote(expected)} before it", place.node
            )
        elif place.name != expected and not _is_free(place, ending, expected):
            message = f"the {_words(place)} is named {place.name}"
            yield place.statement.finding(ID, message, f"name it {quote(expected)}", place.node)


def _columns(place: ConstraintPlace) -> list[str]:
    node = place.node
    if place.kind == "CHECK":
        names = [
            strings(fields.get("fields"))[-1]
            for kind, fields in walk(node["raw_expr"])
            if kind == "ColumnRef" and strings(fields.get("fields"))
        ]
        return sorted(set(names)) or ([place.column] if place.column else [])
    if place.kind == "EXCLUSION":
        return []
    return strings(node.get("keys")) or strings(node.get("fk_attrs")) or [place.column]


def _expected(place: ConstraintPlace, ending: str) -> str:
    columns = _columns(place)
    if place.kind == "PRIMARY" or (place.kind == "CHECK" and len(columns) != 1):
        columns = []
    return "_".join([place.table.name, *columns, ending])


def _is_free(place: ConstraintPlace, ending: str, expected: str) -> bool:
    """Whether the middle of the name is free, and its beginning and end are right."""
    columns = _columns(place)
    free = (
        len(expected.encode()) > 63
        or place.kind == "EXCLUSION"
        # A second check of the same column needs a name of its own.
        or (place.kind == "CHECK" and len(columns) != 1)
    )
    beginning = f"{place.table.name}_"
    if place.kind == "CHECK" and len(columns) == 1:
        beginning, free = f"{beginning}{columns[0]}_", True
    return free and place.name.startswith(beginning) and place.name.endswith(f"_{ending}")


def _words(place: ConstraintPlace) -> str:
    word = {"PRIMARY": "primary key", "FOREIGN": "foreign key", "UNIQUE": "unique key"}.get(
        place.kind, place.kind.lower()
    )
    columns = ", ".join(_columns(place))
    return f"{word} ({columns})" if columns else word
