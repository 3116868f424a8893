"""Show the documentation of a rule: what, why, what to write instead, with its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint import UnknownRuleError, explain, rules
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("rule", nargs="?", help="the rule's id; none: list the rules")


def run(args: argparse.Namespace) -> int:
    """Explain."""
    if args.rule is None:
        known = rules()
        width = max(len(rule.id) for rule in known)
        for rule in known:
            print(f"{rule.id:<{width}}  {rule.summary}")
        return 0
    try:
        print(explain(args.rule), end="")
    except UnknownRuleError as error:
        raise UsageError(f"{error}\n  help: `schema explain` lists the rules") from error
    return 0
