"""What a proof claims, and whether it held; knows nothing of what is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Claim:
    """One sentence that a proof tried.

    Attributes:
        name: the sentence; the same in every run, since reports show it.
        problem: why it does not hold, empty if it does; for the terminal only.
    """

    name: str
    problem: str = ""

    @property
    def held(self) -> bool:
        """Whether it holds."""
        return not self.problem


def claim(name: str, held: bool, problem: str) -> Claim:
    """Return the claim, with its problem only if it does not hold."""
    return Claim(name, "" if held else problem or "no reason given")


def failures(claims: Iterable[Claim]) -> list[str]:
    """Return the claims that do not hold, each with its problem."""
    return [f"{each.name}\n  {each.problem}" for each in claims if not each.held]


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
