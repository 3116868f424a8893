"""Settings end with the transaction.

What: SET without LOCAL, RESET, DISCARD, and set_config with a third argument that is not true.
Why: Connections are pooled: what one migration sets, the next session on that connection inherits,
    a search_path or row_security = off too.
Instead: SET LOCAL lock_timeout = '5s';
When to allow: A dump that a single psql session replays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import constant_value
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "set-local"

# Other rules speak of these.
_ELSEWHERE = {
    "role", "session_authorization",
    "TRANSACTION", "SESSION CHARACTERISTICS", "TRANSACTION SNAPSHOT",
}  # fmt: skip


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each setting that outlives the file."""
    facts = workspace.facts(file)
    message = "the setting outlives the file"
    for statement in facts.statements("VariableSetStmt"):
        node = statement.node
        if not node.get("is_local") and node.get("name") not in _ELSEWHERE:
            yield statement.finding(ID, message, f"write SET LOCAL {node.get('name', '…')}")
    for statement in facts.statements("DiscardStmt"):
        yield statement.finding(ID, "DISCARD reaches beyond the file", "leave it out")
    for statement, node in facts.nodes("FuncCall"):
        arguments = node.get("args", [])
        if (
            strings(node["funcname"])[-1] == "set_config"
            and len(arguments) == 3
            and constant_value(arguments[2]) != ("boolval", True)
        ):
            yield statement.finding(ID, message, "write set_config(…, …, true)", node)
