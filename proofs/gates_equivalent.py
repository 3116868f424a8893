"""Mutants that change nothing that anybody asked for, each with the reason; judges nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofs.gates_mutants import Mutant


@dataclass(frozen=True)
class Equivalence:
    """A reason for which mutants are left out of the score.

    Attributes:
        pattern: what their names match, from the first character to the last.
        reason: why PostgreSQL ends in the same place.
    """

    pattern: str
    reason: str


EQUIVALENT = (
    Equivalence(
        r"\w+: column: drop NOT NULL: id",
        "id is the primary key, and a primary key's columns are NOT NULL.",
    ),
    Equivalence(
        r"\w+: row security: IF EXISTS: \w+",
        "the table exists by then: deps puts its CREATE TABLE first.",
    ),
    Equivalence(
        r"\w+: index: ONLY: \w+",
        "ONLY leaves out partitions, and no table has any; the guard's twins are made without it.",
    ),
    Equivalence(
        r"\w+: statement: change places: ALTER TABLE public before REVOKE",
        "row-level security may be switched on before or after privileges are taken back: neither "
        "lets anybody in.",
    ),
    Equivalence(
        r"(instance_context|workflow_\w+): statement: change places: GRANT \w+, before CREATE",
        "until a permissive policy is there, row-level security admits nobody, granted or not.",
    ),
)
"""Every reason there is."""


def reason_to_exclude(mutant: Mutant) -> Equivalence | None:
    """Return why a mutant is none, or None."""
    found = [each for each in EQUIVALENT if re.fullmatch(each.pattern, mutant.name, re.DOTALL)]
    return found[0] if found else None
