"""Statements as deep as PostgreSQL runs them."""

from __future__ import annotations

import pytest

from schema_lint import lint
from schema_sql.objects import provides, requires
from schema_sql.source import Source
from schema_sql.statements import parse

# The depths are those that PostgreSQL 15.20 runs with its default max_stack_depth of 2 MB; 18.6
# runs more of most. Where its grammar gives up before that, they are its limit.
EXPRESSIONS = {
    "unions": f"EXISTS ({' UNION ALL '.join(['SELECT 1'] * 7_200)})",
    "operators": " || ".join(["a"] * 4_000),
    "conjunctions": " AND ".join(["a"] * 10_000),
    "alternating": f"{'a AND (b OR ' * 1_900}c{')' * 1_900}",
    "brackets": f"{'(' * 9_900}a{')' * 9_900}",
    "negations": f"{'NOT ' * 7_600}a",
    "casts": f"a{'::text' * 13_000}",
    "cases": f"{'CASE WHEN a THEN 1 ELSE ' * 2_400}1{' END' * 2_400}",
    "calls": f"{'public.f(' * 4_000}1{')' * 4_000}",
    "subqueries": f"{'(SELECT ' * 2_100}1{')' * 2_100}",
    "derived tables": f"EXISTS (SELECT 1 FROM {'(SELECT 1 FROM ' * 1_600}t{') a' * 1_600})",
    "joins": f"EXISTS (SELECT 1 FROM t {' '.join(['JOIN public.u ON true'] * 3_000)})",
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=list(EXPRESSIONS))
def test_every_rule_reads_what_postgresql_runs(expression: str) -> None:
    """A deep statement is neither an error nor a failure of a rule."""
    file = parse(
        Source(
            "a.sql",
            f"CREATE POLICY p ON public.t USING ({expression});\n"
            f"CREATE TABLE public.t (a text, app_code text, CHECK ({expression}));\n"
            f"CREATE INDEX i ON public.t (({expression}));\n",
        )
    )
    for statement in file.every_statement:
        provides(statement)
        requires(statement)

    assert [str(f) for f in lint([file]) if f.rule in {"internal-error", "syntax"}] == []
    assert len(file.statements) == 3
