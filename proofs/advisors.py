"""What Supabase's advisors find in a database, and what of it is accepted; knows no migration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_database import DatabaseError
from schema_database.address import connected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

    from proofs.node.supabase import SupabaseCli

ACCEPTED_KEY = "instance_tasks_app_code_workflow_instance_id_fkey"
"""The one foreign key without an index of its own; docs/decisions.md says why."""


@dataclass(frozen=True, order=True)
class Advice:
    """One finding of the advisors.

    Attributes:
        level: `INFO`, `WARN` or `ERROR`.
        lint: which of their lints speaks, such as `unused_index`.
        about: the key, the index or the table that it is about.
    """

    level: str
    lint: str
    about: str


def unaccepted(cli: SupabaseCli, url: str) -> list[Advice]:
    """Ask the advisors about a database on which no query has run.

    Args:
        cli: what asks them.
        url: the database.

    Returns:
        What they find and nobody accepted, and what is accepted and they do not find, in order.

    Raises:
        DatabaseError: they give no answer.
    """
    said = cli.run(url, "db", "advisors", "--level=info", "-o", "json")
    if said.status:
        raise DatabaseError(
            f"`supabase db advisors` failed: {said}", "run `nox -s test_supabase_cli`"
        )
    # It prints no list, rather than an empty one, where it finds nothing.
    found = json.loads(said.out) if said.out.strip() else []
    advice = {Advice(str(each["level"]), str(each["name"]), _about(each)) for each in found}
    with connected(url) as connection:
        accepted = {
            Advice("INFO", "unindexed_foreign_keys", ACCEPTED_KEY),
            *_unused_indexes(connection),
            *_caused_by_the_stub(connection),
        }
    return sorted(advice ^ accepted)


def _about(finding: Mapping[str, Any]) -> str:
    metadata = finding["metadata"]
    if finding["name"] == "unused_index":
        # Its metadata name the table alone: Index `NAME` on table …
        return str(finding["detail"]).split("`")[1]
    return str(metadata.get("fkey_name") or f"{metadata['schema']}.{metadata['name']}")


def _unused_indexes(connection: Connection[Any]) -> set[Advice]:
    """Return what they say of every index, because none has been used yet."""
    names = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index"
        " WHERE NOT indisunique AND indrelid IN"
        " (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    )
    return {Advice("INFO", "unused_index", str(name)) for (name,) in names}


def _caused_by_the_stub(connection: Connection[Any]) -> set[Advice]:
    """Return what they say of public.applications, which is the platform's, not ours.

    The stub has no row-level security. Advisors ask only about tables that API roles may read, and
    these may only where Supabase's old default privileges grant it.
    """
    readable = connection.execute(
        "SELECT has_table_privilege('anon', 'public.applications', 'SELECT')"
    ).fetchone()
    if readable != (True,):
        return set()
    return {Advice("ERROR", "rls_disabled_in_public", "public.applications")}
