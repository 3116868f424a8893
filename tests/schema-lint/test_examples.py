"""Every rule's examples: knows their marker; knows no rule by name."""

from __future__ import annotations

import re

import pytest

from schema_lint import Rule, lint, rules
from schema_sql.source import Source
from schema_sql.statements import parse

SECTIONS = ("What:", "Why:", "Instead:", "When to allow:")


def lines_found(rule: Rule, text: str) -> list[int]:
    """The lines on which a rule finds something, each once."""
    findings = lint([parse(Source(f"{rule.id}.sql", text))])
    return sorted({finding.line for finding in findings if finding.rule == rule.id})


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_finds_exactly_what_its_bad_example_marks(rule: Rule) -> None:
    """The bad example shows every fault that the rule knows, at the line where it says so."""
    lines = rule.bad.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("-- found")]
    assert marked
    assert lines_found(rule, rule.bad) == marked


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_finds_nothing_in_its_good_example(rule: Rule) -> None:
    """The good example can be copied."""
    assert rule.good.strip()
    assert lines_found(rule, rule.good) == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_is_documented(rule: Rule) -> None:
    """One sentence, then What, Why, Instead and When to allow, in that order."""
    first, _, rest = rule.doc.partition("\n\n")
    assert re.fullmatch(r"[^\n]+\.", first)
    places = [rest.find(f"\n{section} ") for section in SECTIONS[1:]]
    assert rest.startswith(f"{SECTIONS[0]} ")
    assert places == sorted(places)
    assert places[0] > 0
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
