"""Names that come near to one that is not there: knows how alike words are; knows no labels."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMPARISONS = 50_000


class Suggestions:
    """The names that there are, to suggest one of them in place of another.

    Comparing is slow, and a generated file may have thousands of wrong names: after so many
    comparisons it suggests nothing more, where the reader has seen what is wrong.

    Args:
        known: The names that there are.
        cutoff: How alike they must be, from 0 to 1, as ``difflib`` counts.
    """

    def __init__(self, known: Iterable[str], cutoff: float = 0.6) -> None:
        self._known = list(known)
        self._cutoff = cutoff
        self._left = _COMPARISONS

    def closest(self, name: str) -> str:
        """The known name that comes nearest, or "" where none is near."""
        if self._left <= 0:
            return ""
        self._left -= len(self._known)
        return next(iter(difflib.get_close_matches(name, self._known, 1, self._cutoff)), "")
