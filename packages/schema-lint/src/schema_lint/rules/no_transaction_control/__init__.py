"""The file leaves the transaction to whoever runs it.

What: BEGIN, START TRANSACTION, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, PREPARE TRANSACTION,
    SET TRANSACTION, and COMMIT or ROLLBACK inside a DO block.
Why: The Supabase CLI runs each file as one implicit transaction and records it in the same one; a
    COMMIT ends that, so a later failure leaves half of the file behind.
Instead: Nothing: one file is one transaction. Where a step must be on its own, give it a file.
When to allow: Never in a migration; in a script that is run by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-transaction-control"

_WORDS = {
    "TRANS_STMT_BEGIN": "BEGIN",
    "TRANS_STMT_START": "START TRANSACTION",
    "TRANS_STMT_COMMIT": "COMMIT",
    "TRANS_STMT_ROLLBACK": "ROLLBACK",
    "TRANS_STMT_SAVEPOINT": "SAVEPOINT",
    "TRANS_STMT_RELEASE": "RELEASE",
    "TRANS_STMT_ROLLBACK_TO": "ROLLBACK TO",
    "TRANS_STMT_PREPARE": "PREPARE TRANSACTION",
    "TRANS_STMT_COMMIT_PREPARED": "COMMIT PREPARED",
    "TRANS_STMT_ROLLBACK_PREPARED": "ROLLBACK PREPARED",
}
_SETTINGS = {"TRANSACTION", "SESSION CHARACTERISTICS", "TRANSACTION SNAPSHOT"}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each statement that opens, ends or shapes a transaction."""
    facts = workspace.facts(file)
    for statement in facts.statements("TransactionStmt"):
        word = _WORDS[statement.node.get("kind", "TRANS_STMT_BEGIN")]
        message = f"{word} breaks the one transaction in which the file runs"
        yield statement.finding(ID, message, "remove it")
    for statement in facts.statements("VariableSetStmt"):
        if statement.node.get("name") in _SETTINGS:
            message = f"SET {statement.node['name']} reaches beyond the file"
            yield statement.finding(ID, message, "remove it")
