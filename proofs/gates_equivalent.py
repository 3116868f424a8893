"""Mutants that change nothing that anybody asked for, and faults that leave no trace; reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proofs.gates_mutants import Mutant


@dataclass(frozen=True)
class Reason:
    """What is to be said of all mutants whose names match a pattern.

    Attributes:
        pattern: what their names match, from the first character to the last.
        what: which they are, in words.
        why: why they are what the list says they are.
    """

    pattern: str
    what: str
    why: str


EQUIVALENT = (
    Reason(
        r"\w+: column: drop NOT NULL: id",
        "`id` without NOT NULL",
        "it is the primary key, and a primary key's columns are NOT NULL.",
    ),
    Reason(
        r"\w+: row security: IF EXISTS: \w+",
        "`ALTER TABLE IF EXISTS` to switch row-level security on",
        "the table exists by then: deps puts its CREATE TABLE first.",
    ),
    Reason(
        r"\w+: index: ONLY: \w+",
        "an index `ON ONLY` its table",
        "ONLY leaves out partitions, and no table has any; reference tables are made without it.",
    ),
    Reason(
        r"\w+: (check|foreign key): NOT VALID: \w+",
        "a constraint `NOT VALID`",
        "CREATE TABLE makes a new table, whose no rows are valid, and PostgreSQL says so.",
    ),
    Reason(
        r"\w+: constraint: drop its name: \w+",
        "a constraint without its name",
        "our names follow PostgreSQL's own pattern, so it chooses the same.",
    ),
    Reason(
        r"\w+: drop policy: CASCADE: \w+",
        "`DROP POLICY` with CASCADE",
        "nothing depends on a policy.",
    ),
    Reason(
        r"\w+: privileges: add a role to GRANT: CURRENT_USER",
        "a grant to CURRENT_USER as well",
        "who runs the migration owns the tables and holds all of it already.",
    ),
    Reason(
        r"\w+: policy: drop a qualifier: \w+: WITH CHECK:"
        r" (function_registry\.(function_code|app_code)|workflow_instances\.(app_code|id))",
        "a column of a subquery's own table without the table's name",
        "there the name is that table's with or without it.",
    ),
    Reason(
        r"\w+: statement: change places: ALTER TABLE public before REVOKE",
        "row-level security switched on before privileges are taken back",
        "neither of the two lets anybody in.",
    ),
    Reason(
        r"(instance_context|workflow_\w+): statement: change places: GRANT \w+, before CREATE",
        "a grant before the only policy",
        "until a permissive policy is there, row-level security admits nobody, granted or not.",
    ),
    Reason(
        r"\w+: statement: add a grant: REVOKE SELECT ON TABLE public\.\w+ FROM authenticated",
        "a REVOKE before the GRANT of the same",
        "the table's GRANT follows and gives it again.",
    ),
)
"""Every reason to leave a mutant out of the score. The proof runs each such mutant and sees that it
ends in the original's catalog, and that running it again changes nothing."""

TRACELESS = (
    Reason(
        r"\w+: name: drop the schema: .+",
        "a name without its schema",
        "the tests' search path begins with public; under another it is nothing, or another table.",
    ),
    Reason(
        r"\w+: (privileges: (drop a role from )?REVOKE\b.*|statement: drop REVOKE): .+",
        "a REVOKE that takes less, or none",
        "the end of the file takes the rest, with a warning; until then the table is open.",
    ),
    Reason(
        r"\w+: (row security: ((other|a second) switch: \w+: (DISABLE|NO FORCE)|other table: .+)"
        r"|statement: drop ENABLE ROW LEVEL SECURITY: \w+)",
        "row-level security not switched on",
        "the end of the file switches it on, with a warning; until then the table is open.",
    ),
    Reason(
        r"(function_registry|instance_tasks): statement: change places: GRANT \w+, before CREATE",
        "a grant before a restrictive policy",
        "where the file does not run as one transaction, tenants are less restricted for a moment.",
    ),
    Reason(
        r"\w+: (privileges: WITH GRANT OPTION: GRANT"
        r"|statement: add a grant: GRANT SELECT ON ALL TABLES IN SCHEMA public TO anon)",
        "a GRANT of more than the table's privileges",
        "the end of the file takes it from our tables again, with a warning; others keep it.",
    ),
    Reason(
        r"instance_context: policy: drop a qualifier: \w+: WITH CHECK:"
        r" instance_context\.workflow_instance_id",
        "a column of the policy's table, in a subquery, without the table's name",
        "it means the same until the subquery's table has a column of that name.",
    ),
    Reason(
        r"\w+: statement: add (a grant: ALTER DEFAULT PRIVILEGES|an object: CREATE EXTENSION) .+",
        "default privileges for anon, and an extension",
        "they are the database's, and belong to no table; Supabase's old projects have the first.",
    ),
    Reason(
        r"\w+: statement: add a transaction or lock: .+",
        "COMMIT, LOCK and SET",
        "what it commits, locks or sets does not show in a catalog.",
    ),
    Reason(
        r"\w+: statement: add a write: (DELETE|UPDATE) .+",
        "DELETE and UPDATE",
        "the tests' tables are empty when the migration runs; others are not.",
    ),
)
"""Faults in the score that end in the original's catalog all the same. Where another mutant does,
the proof fails: it may be equivalent."""


def find_reason(reasons: Iterable[Reason], mutant: Mutant) -> Reason | None:
    """Look for what is to be said of a mutant.

    Args:
        reasons: where to look.
        mutant: the mutant.

    Returns:
        The first whose pattern its name matches, or None.
    """
    found = (each for each in reasons if re.fullmatch(each.pattern, mutant.name, re.DOTALL))
    return next(found, None)
