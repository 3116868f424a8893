"""Findings to text: knows the formats; prints nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from schema_sql.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schema_sql.source import Finding

FORMATS = ("text", "json", "github")
"""The formats that ``render`` knows."""

JSON_VERSION = 1
"""Raised when a field of the JSON report changes its meaning or goes; a new field leaves it."""


def render(findings: Iterable[Finding], form: str = "text") -> str:
    """Findings as a report.

    Args:
        findings: What to report, in the order to report it in.
        form: ``text`` is for people and terminals. ``json`` is one object: ``version`` (1) and
            ``findings``, a list of objects with ``path``, ``line``, ``column`` (both from 1),
            ``rule``, ``message`` and ``help`` ("" where there is none). ``github`` is one workflow
            command for each finding, which GitHub Actions shows at the line.

    Returns:
        The report, with a line feed at its end; empty text for nothing, but in JSON. What does not
        print is escaped in each format, because a terminal may show it.

    Raises:
        ValueError: There is no such format.
    """
    match form:
        case "text":
            return "".join(f"{finding}\n" for finding in findings)
        case "json":
            report = {"version": JSON_VERSION, "findings": [asdict(f) for f in findings]}
            return _escape_json(json.dumps(report, indent=2, ensure_ascii=False)) + "\n"
        case "github":
            return "".join(f"{_workflow_command(finding)}\n" for finding in findings)
    raise ValueError(f"no format is called {form!r}: choose one of {', '.join(FORMATS)}")


def _escape_json(text: str) -> str:
    """Escape what does not print, as JSON does it: the report's value stays the same.

    Only strings hold such characters: what stands between them is ASCII and line feeds.
    """
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def _workflow_command(finding: Finding) -> str:
    """A GitHub workflow command; its escapes are those of actions/toolkit's command.ts."""
    text = finding.message + (f"\n{finding.help}" if finding.help else "")
    properties = {
        "file": finding.path,
        "line": finding.line,
        "col": finding.column,
        "title": finding.rule,
    }
    written = ",".join(
        f"{name}={_escape(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
    )
    return f"::error {written}::{_escape(text)}"


def _escape(text: str) -> str:
    return (
        printable(text, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    )
