"""Extensions live in the schema extensions.

What: CREATE EXTENSION without a schema, or with SCHEMA public.
Why: In public its functions are served by the Data API, and its names stand in the way of ours.
Instead: CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA extensions.
When to allow: An extension that brings its own schema, such as pg_cron or pgmq.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "extension-schema"

_OWN_SCHEMA = {"pg_cron", "pg_net", "pgmq", "pgsodium", "supabase_vault", "pg_graphql", "plpgsql"}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each extension that lands in public."""
    for statement in workspace.facts(file).statements("CreateExtensionStmt"):
        options = {
            item["DefElem"]["defname"]: item["DefElem"]
            for item in statement.node.get("options", ())
        }
        schema = options.get("schema", {}).get("arg", {}).get("String", {}).get("sval", "public")
        name = statement.node["extname"]
        if schema == "public" and name not in _OWN_SCHEMA:
            yield statement.finding(
                ID,
                f"{name} lands in public",
                f"CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA extensions;",
            )
