"""The style gate: white space, case and terminators of SQL files, and nothing else about them."""

from schema_style.check import Result, check
from schema_style.findings import Finding, StyleError

__all__ = ["Finding", "Result", "StyleError", "check"]
