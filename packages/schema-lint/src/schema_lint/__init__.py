"""Rules over parsed SQL: knows what is wrong with a multi-tenant schema; reads and writes no files.

A rule is a folder in ``schema_lint.rules``: a module with its documentation and one pure
generator, and a good and a bad example. Dropping the folder in registers it.
"""

from schema_lint.engine import lint
from schema_lint.registry import Rule, UnknownRuleError, explain, rules
from schema_lint.reports import FORMATS, render
from schema_lint.workspace import Workspace

__all__ = [
    "FORMATS",
    "Rule",
    "UnknownRuleError",
    "Workspace",
    "explain",
    "lint",
    "render",
    "rules",
]
