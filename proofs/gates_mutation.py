"""One change of a statement, as an operator proposes it; knows nothing of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofs.gates_text import Edit


@dataclass(frozen=True)
class Mutation:
    """A change.

    Attributes:
        operator: what kind of change it is, such as `column: drop NOT NULL`.
        fact: what was changed, such as `status`.
        edits: how.
        server_wide: it changes roles of the whole server.
    """

    operator: str
    fact: str
    edits: tuple[Edit, ...]
    server_wide: bool = False


def change(operator: str, fact: str, *edits: Edit) -> Mutation:
    """Return a change of one or more places.

    Args:
        operator: what kind of change it is.
        fact: what is changed.
        edits: how.
    """
    return Mutation(operator, fact, edits)
