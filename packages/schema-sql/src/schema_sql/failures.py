"""Code that fails on SQL which it does not expect: knows how to say where; runs none of it."""

from __future__ import annotations

from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from schema_sql.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "internal-error"
"""The id of a finding that says so. Nothing suppresses it."""


def internal_error(reader: str, file: SqlFile, error: Exception) -> Finding:
    """A finding that says that a rule, or what else reads SQL, failed on a file.

    Args:
        reader: What failed, such as a rule's id.
        file: The file that it read.
        error: What it raised.

    Returns:
        A finding at the statement that was read, as far as the error's traceback tells.
    """
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    read = (
        statement
        for frame in reversed(frames)
        for statement in _statements(frame.f_locals.values())
        if statement.source is file.source
    )
    at = next(read, None)
    code = frames[-1].f_code if frames else None
    where = f" in {Path(code.co_filename).parent.name}, {code.co_name}" if code else ""
    return file.source.finding(
        at.start if at else 0,
        ID,
        f"{reader} could not read this statement: {type(error).__name__}{where}: {error}",
        "report it with the statement: the fault is not in the SQL. Everything else was checked",
    )


def _statements(values: Iterable[Any]) -> Iterator[Statement]:
    """The statements among the values of variables, then those that the others belong to."""
    belongings = []
    for value in values:
        if isinstance(value, Statement):
            yield value
        elif isinstance(inner := getattr(value, "statement", None), Statement):
            belongings.append(inner)
    yield from belongings
