"""No rows are copied to where row-level security does not reach.

What: CREATE MATERIALIZED VIEW, CREATE TABLE … AS, SELECT INTO; COPY.
Why: A materialized view can have no policy, and a table made from a query has no row-level
    security, key or NOT NULL: both hold the rows of every tenant. COPY reads or writes the server's
    files, which a migration has none of, and COPY FROM STDIN ends a migration with a syntax error.
Instead: A view with security_invoker; a table that is declared, and INSERT … SELECT.
When to allow: A materialized view in a schema that the Data API does not serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "no-unprotected-copy"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each statement that takes rows out of their table."""
    facts = workspace.facts(file)
    for statement in facts.statements("CreateTableAsStmt"):
        relation = statement.node["into"]["rel"]
        if is_temporary(relation):
            continue
        if statement.node["objtype"] == "OBJECT_MATVIEW":
            message = f"{relation['relname']} holds every tenant's rows and can have no policy"
            remedy = "make it a view WITH (security_invoker = true)"
        else:
            message = f"{relation['relname']} holds every tenant's rows without a policy or key"
            remedy = "declare the table, and INSERT … SELECT"
        yield statement.finding(ID, message, remedy, relation)
    for statement in facts.statements("SelectStmt"):
        into = statement.node.get("intoClause", {}).get("rel", {})
        if into and not is_temporary(into):
            message = f"{into['relname']} holds every tenant's rows without a policy or key"
            remedy = "declare the table, and INSERT … SELECT"
            yield statement.finding(ID, message, remedy, into)
    for statement in facts.statements("CopyStmt"):
        message = "COPY reads or writes files that a migration does not have"
        yield statement.finding(ID, message, "write INSERT")
