"""What must have been drawn for the proof to say something; must know no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs.tenancy_trial import Tally

LEAST_TOUCHED = 10
LEAST_REFUSED = 2


@dataclass(frozen=True)
class Demand:
    """What must have come of an operation.

    Attributes:
        refused: the error codes.
        touched: whether it must have touched rows as well; otherwise it must never have.
    """

    refused: tuple[str, ...]
    touched: bool = True


DEMANDS = {
    "SELECT": Demand(("42501", "22P02")),
    "SELECT FOR UPDATE": Demand(("42501", "22P02")),
    "SELECT with a join": Demand(("42501",)),
    "SELECT with two joins": Demand(("42501",)),
    "INSERT": Demand(("42501", "23502", "23503", "23505", "23514")),
    "INSERT of several rows": Demand(("42501", "23502", "23503", "23505", "23514")),
    "INSERT … SELECT": Demand(("42501", "23503", "23505")),
    "upsert, DO NOTHING": Demand(("42501", "23503")),
    "upsert, DO UPDATE": Demand(("42501", "23503", "23505")),
    "upsert, DO UPDATE WHERE": Demand(("42501", "23505")),
    "upsert of several rows": Demand(("42501", "23503")),
    "MERGE, UPDATE": Demand(("42501", "22P02", "23503", "23505")),
    "MERGE, DELETE": Demand(("42501", "22P02", "23503", "23505")),
    "MERGE, DO NOTHING": Demand(("42501", "22P02", "23503", "23505")),
    "UPDATE": Demand(("42501", "22P02", "23502", "23514")),
    "UPDATE of app_code": Demand(("42501", "22P02", "23502", "23503")),
    "UPDATE of a reference": Demand(("42501", "23503")),
    "UPDATE of a key": Demand(("42501", "23503", "23505")),
    "UPDATE … FROM": Demand(("42501",)),
    "DELETE": Demand(("42501", "22P02", "23503")),
    "DELETE … USING": Demand(("42501", "23503")),
    "COPY TO": Demand(("42501",)),
    "COPY (query) TO": Demand(("42501", "22P02")),
    "COPY FROM": Demand(("42501", "0A000", "23502", "23503", "23505")),
    "TRUNCATE": Demand(("42501",), touched=False),
    "CTE: INSERT and INSERT": Demand(("42501", "23503")),
    "CTE: UPDATE, then INSERT": Demand(("42501",)),
    "CTE: four UPDATEs": Demand(("42501", "23503")),
}
"""Kind of operation to what must have come of it."""


def unmet(tally: Tally) -> list[str]:
    """Return which demands a tally does not meet, in words."""
    return [*_unmet(tally)]


def _unmet(tally: Tally) -> Iterator[str]:
    for kind in sorted({kind for kind, _ in tally.operations} - DEMANDS.keys()):
        yield f"nobody says what must have come of {kind}"
    for kind, demand in DEMANDS.items():
        if demand.touched and tally.operations[kind, "rows"] < LEAST_TOUCHED:
            yield f"drawn too rarely: {kind} that touches rows"
        if not demand.touched and tally.operations[kind, "rows"]:
            yield f"nobody may do it: {kind} that touches rows"
        for code in demand.refused:
            if tally.operations[kind, code] < LEAST_REFUSED:
                yield f"drawn too rarely: {kind} that is refused with {code}"
