"""Code that cannot be read before it runs is marked where it stands.

What: EXECUTE of text that is put together at run time, a DO block in another language than
    PL/pgSQL, and a statement that the grammar refuses there.
Why: No rule sees what it does. Silence would look like approval.
Instead: Write the statement itself, or EXECUTE one constant string, which is read.
When to allow: The text must be made at run time; the reason says what it can become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "unreadable-body"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:  # noqa: ARG001 - every rule's form
    """Yield each place in a DO block that hides what it runs."""
    for opaque in file.opaque:
        yield opaque.source.finding(
            opaque.offset,
            ID,
            f"no rule can read this: {opaque.reason}",
            "write the statement itself, or EXECUTE one constant string",
        )
