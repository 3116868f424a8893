"""Every statement can run inside a transaction.

What: CONCURRENTLY in CREATE, DROP and REINDEX INDEX and in DETACH PARTITION; VACUUM; CREATE and
    DROP DATABASE, TABLESPACE and SUBSCRIPTION; ALTER SYSTEM; REINDEX of more than one table.
Why: A migration is one transaction, and PostgreSQL refuses these in one: the file fails.
Instead: CREATE INDEX without CONCURRENTLY, on a table that is new or small; for a large one, a
    script that is run by hand, outside the migrations.
When to allow: In such a script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile, Statement

ID = "runs-in-transaction"

_NEVER = {
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "DropTableSpaceStmt": "DROP TABLESPACE",
    "AlterSystemStmt": "ALTER SYSTEM",
    "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
    "DropSubscriptionStmt": "DROP SUBSCRIPTION",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each statement that PostgreSQL refuses in a transaction."""
    facts = workspace.facts(file)
    for statement in facts.statements(*_NEVER):
        yield _refused(statement, _NEVER[statement.kind])
    for statement in facts.statements("VacuumStmt"):
        if statement.node.get("is_vacuumcmd"):
            yield _refused(statement, "VACUUM")
    for statement in facts.statements("IndexStmt"):
        if statement.node.get("concurrent"):
            yield _refused(statement, "CREATE INDEX CONCURRENTLY")
    for statement in facts.statements("DropStmt"):
        if statement.node.get("concurrent"):
            yield _refused(statement, "DROP INDEX CONCURRENTLY")
    for statement in facts.statements("ReindexStmt"):
        if any(p["DefElem"]["defname"] == "concurrently" for p in statement.node.get("params", ())):
            yield _refused(statement, "REINDEX CONCURRENTLY")
        elif "relation" not in statement.node:
            yield _refused(statement, "REINDEX of a schema or database")
    for statement in facts.statements("ClusterStmt"):
        if "relation" not in statement.node:
            yield _refused(statement, "CLUSTER of all tables")
    for command in facts.commands:
        if command.kind == "DetachPartition" and command.definition.get("concurrent"):
            yield _refused(command.statement, "DETACH PARTITION CONCURRENTLY")


def _refused(statement: Statement, what: str) -> Finding:
    remedy = "leave CONCURRENTLY out" if "CONCURRENTLY" in what else "run it outside migrations"
    return statement.finding(ID, f"{what} cannot run in a transaction", remedy)
