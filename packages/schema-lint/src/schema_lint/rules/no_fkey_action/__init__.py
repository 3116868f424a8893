"""A foreign key changes no rows by itself.

What: ON DELETE or ON UPDATE with anything but NO ACTION.
Why: One DELETE then silently reaches other tables, past their policies, and takes the audit log
    with it. Rows retire through is_active instead.
Instead: Leave the clause out.
When to allow: The child means nothing without its parent, and nobody audits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-fkey-action"

_WORDS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each foreign key with an action."""
    for place in workspace.facts(file).constraints:
        if place.kind == "FOREIGN":
            for event, field in (("DELETE", "fk_del_action"), ("UPDATE", "fk_upd_action")):
                word = _WORDS.get(place.node.get(field, "a"))
                if word:
                    message = f"ON {event} {word} changes rows past their policies"
                    yield place.statement.finding(ID, message, "leave it out", place.node)
