"""What a worker is asked and what it answers; knows neither files nor sqlfluff."""

import dataclasses
from pathlib import Path

from schema_style.findings import Finding


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One text to look at.

    Attributes:
        path: Its name in findings.
        text: The SQL.
        root: The directory of the pyproject.toml that sets the style.
        fix: Whether to mend it.
    """

    path: str
    text: str
    root: Path
    fix: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it.

    Attributes:
        text: The SQL, mended if that was asked for.
        findings: What is wrong with that text.
    """

    text: str
    findings: list[Finding]
