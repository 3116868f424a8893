"""What the gate says about a file; knows neither sqlfluff nor the cache."""

import dataclasses

from schema_sql.display import printable


class StyleError(Exception):
    """The gate cannot run: a file or its configuration cannot be read. Says which, and why."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a file departs from the style.

    Attributes:
        path: The file, relative to the root and with forward slashes.
        line: Line of the finding, from 1.
        column: Column of the finding in characters, from 1.
        code: sqlfluff's code of the rule (`LT01`), or `PRS` for what cannot be parsed.
        rule: sqlfluff's name of the rule (`layout.spacing`).
        message: The fact.
        help: The remedy.
        fixable: Whether `check(..., fix=True)` mends it.
    """

    path: str
    line: int
    column: int
    code: str
    rule: str
    message: str
    help: str
    fixable: bool = False

    def __str__(self) -> str:
        """Return the two lines in which every tool of this repository prints a finding."""
        place = f"{printable(self.path)}:{self.line}:{self.column}"
        return f"{place}: {self.rule}: {printable(self.message)}\n  help: {printable(self.help)}"
