"""The rules and their documentation: knows where they are found; runs none of them."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from schema_lint import suppressions
from schema_sql import failures
from schema_sql.docstrings import documentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile


# Imported by name: the package schema_lint calls its function rules as well.
_FOLDERS = import_module("schema_lint.rules")


EXPLAINED = {
    **suppressions.EXPLAINED,
    failures.ID: "A rule met SQL that it does not expect. The fault is the rule's, not the SQL's.\n"
    "The other rules went on, and so did this one with the other files; what it would have said\n"
    "of this file is unknown, so the run does not pass. Report the finding with the statement.",
}
"""The findings that are no rule's, and what they mean."""


class Check(Protocol):
    """What a rule's module defines as ``check``."""

    def __call__(self, file: SqlFile, workspace: Workspace, /) -> Iterator[Finding]:
        """Yield what is wrong in one file, at places in that file."""
        ...


class UnknownRuleError(Exception):
    """No rule has this id; the message says which ids come near."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: Its name in findings and suppressions, such as ``fk-needs-index``.
        check: Its generator.
        doc: Its documentation: a sentence, then What, Why, Instead, When to allow.
        good: SQL in which it finds nothing.
        bad: SQL in which it finds something on each line that ends in ``-- found``.
    """

    id: str
    check: Check = field(repr=False)
    doc: str = field(repr=False)
    good: str = field(repr=False)
    bad: str = field(repr=False)

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return self.doc.partition("\n")[0]


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, sorted by id."""
    found = []
    for module_info in pkgutil.iter_modules(_FOLDERS.__path__):
        name = f"{_FOLDERS.__name__}.{module_info.name}"
        module = import_module(name)
        folder = files(name)
        found.append(
            Rule(
                id=module_info.name.replace("_", "-"),
                check=module.check,
                doc=documentation(module),
                good=folder.joinpath("good.sql").read_text(encoding="utf-8"),
                bad=folder.joinpath("bad.sql").read_text(encoding="utf-8"),
            )
        )
    return tuple(sorted(found, key=lambda rule: rule.id))


def explain(rule_id: str) -> str:
    """The documentation of a rule with both its examples, or of a finding that is no rule's.

    Raises:
        UnknownRuleError: No rule has this id.
    """
    if rule_id in EXPLAINED:
        return f"{rule_id}\n\n{EXPLAINED[rule_id]}\n"
    known = {rule.id: rule for rule in rules()}
    if rule_id not in known:
        raise UnknownRuleError(unknown_rule(rule_id))
    rule = known[rule_id]
    return (
        f"{rule.id}\n\n{rule.doc}\n\n"
        f"Bad, on each line that ends in -- found:\n\n{_indented(rule.bad)}\n"
        f"Good:\n\n{_indented(rule.good)}"
    )


@cache
def unknown_rule(rule_id: str) -> str:
    """What to say of an id that is no rule's."""
    near = get_close_matches(rule_id, [*(rule.id for rule in rules()), *EXPLAINED])
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no rule is called {rule_id!r}{hint}"


def _indented(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.strip().splitlines())
