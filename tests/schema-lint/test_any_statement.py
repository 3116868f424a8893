"""Rules meet every statement and expression that PostgreSQL's grammar knows, with parts left out.

The statements are those of tests/schema-sql/every_statement.sql and of the rules' own examples.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pglast import ast
from pglast.parser import ParseError, parse_sql_json

from schema_lint import lint, rules
from schema_sql.objects import provides, requires
from schema_sql.source import Source
from schema_sql.statements import parse
from schema_sql.tokens import COMMENTS, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EVERY_STATEMENT = Path(__file__).parents[1] / "schema-sql" / "every_statement.sql"

FRAMES = (
    "CREATE POLICY p ON public.t TO authenticated USING ({}) WITH CHECK ({})",
    "ALTER POLICY p ON public.t USING (app_code = ({}) OR NOT ({}))",
    "CREATE POLICY q ON public.t AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM public.u WHERE ({})))",
    "CREATE POLICY r ON public.t USING ((({}) ->> 'app_code') = app_code AND a IN (({}), NULL))",
    "CREATE POLICY s ON public.t USING (({})::text = (SELECT ({})) OR ({}) IS NOT NULL)",
    "CREATE TABLE public.t (app_code text DEFAULT ({}) CHECK ({}), CHECK (a = ANY (ARRAY[({})])))",
    "ALTER TABLE public.t ALTER a SET DEFAULT ({}), ADD CONSTRAINT c CHECK (({}) IS TRUE)",
    "CREATE INDEX i ON public.t ((({}))) WHERE ({})",
    "CREATE VIEW public.v AS SELECT nextval({}), current_setting({}), set_config({}, {}, {})",
    "UPDATE public.t SET a = ({}) WHERE CASE WHEN ({}) THEN ({}) ELSE COALESCE({}, {}) END",
    "DELETE FROM public.t WHERE ({}) = ({}) AND NULLIF({}, {}) LIKE '%'",
    "INSERT INTO public.t VALUES ({}, DEFAULT) ON CONFLICT DO NOTHING",
    "DO $body$ DECLARE a text := ({}); BEGIN IF ({}) THEN PERFORM ({}); END IF; END $body$",
)


def is_sql(text: str) -> bool:
    """Whether PostgreSQL's grammar accepts a text."""
    try:
        parse_sql_json(text)
    except ParseError:
        return False
    return True


def words(text: str) -> list[str]:
    """The tokens of a text, without comments."""
    data = text.encode()
    found = (token for token in tokens(text) if token.name not in COMMENTS)
    return [data[token.start : token.end].decode() for token in found]


@cache
def statements() -> tuple[tuple[str, ...], ...]:
    """The statements, each as its tokens."""
    texts = [
        EVERY_STATEMENT.read_text("utf-8"),
        *(text for r in rules() for text in (r.good, r.bad)),
    ]
    found = [s.text for text in texts for s in parse(Source("x.sql", text)).statements]
    return tuple(sorted({tuple(words(text)) for text in found}))


@cache
def expressions() -> tuple[str, ...]:
    """The expressions in the SELECT lists and calls of the statements, and parts of them."""
    found = set()
    for statement in statements():
        depths, depth = [], 0
        for word in statement:
            depth -= word in {")", "]"}
            depths.append(depth)
            depth += word in {"(", "["}
        for start, word in enumerate(statement):
            if word not in {"SELECT", ",", "(", "=", "VALUES", "RETURN", "DEFAULT"}:
                continue
            for end in range(start + 2, min(start + 30, len(statement)) + 1):
                if (
                    end == len(statement)
                    or depths[end] < depths[start + 1]
                    or (statement[end] == "," and depths[end] == depths[start + 1])
                ):
                    found.add(" ".join(statement[start + 1 : end]))
                    break
    return tuple(sorted(text for text in found if is_sql(f"SELECT ({text})")))


def assert_read(batch: Iterable[str]) -> None:
    """Every rule and the dependency check read a batch of statements."""
    file = parse(Source("a.sql", "".join(f"{text};\n" for text in batch)))
    for statement in file.every_statement:
        provides(statement)
        requires(statement)
    assert [str(f) for f in lint([file]) if f.rule == "internal-error"] == []


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """A text's statements, some at a time: a rule that fails says so once a file."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == 100:
            yield batch
            batch = []
    yield batch


def test_the_statements_are_of_every_kind() -> None:
    """A kind of statement that the grammar has, and that nobody wrote down, would not be tried."""
    known = {name for name in vars(ast) if name.endswith("Stmt")}
    text = "".join(f"{' '.join(statement)};\n" for statement in statements())
    tried = {statement.kind for statement in parse(Source("x.sql", text)).statements}
    # These stand in another statement, or are made of one later.
    inner = {"RawStmt", "ReturnStmt", "ReplicaIdentityStmt", "SetOperationStmt", "PLAssignStmt"}

    assert known - inner <= tried


@pytest.mark.parametrize("width", [1, 2, 3])
def test_every_rule_reads_every_statement_with_words_left_out(width: int) -> None:
    """Whatever is optional may be missing: a list, an alias, an argument, a side, a clause."""
    texts = {
        " ".join(statement[:start] + statement[start + width :])
        for statement in statements()
        for start in range(len(statement))
    }
    accepted = sorted(text for text in texts if text and is_sql(text))

    assert len(accepted) > 1_000
    for batch in batches(accepted):
        assert_read(batch)


def test_every_rule_reads_every_expression_where_one_may_stand() -> None:
    """Policies, checks, defaults, indexes and calls may hold any expression."""
    pool = expressions()
    draw = random.Random(0)  # noqa: S311 - which ones stand together
    texts = []
    for text in pool:
        for frame in draw.sample(FRAMES, 2):
            others = draw.choices(pool, k=frame.count("{}") - 1)
            texts += [frame.format(*([text] * frame.count("{}"))), frame.format(text, *others)]

    assert len(pool) > 300
    for batch in batches(text for text in texts if is_sql(text)):
        assert_read(batch)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_rule_reads_statements_with_words_exchanged(data: st.DataObject) -> None:
    """Parts of one statement in another, as far as PostgreSQL accepts them."""
    draw = random.Random(data.draw(st.integers(0, 2**32)))  # noqa: S311 - hypothesis chose the seed
    accepted = []
    for _ in range(150):
        statement, other = draw.choice(statements()), draw.choice(statements())
        at, start = draw.randrange(len(statement) + 1), draw.randrange(len(other))
        part = other[start : start + draw.randint(1, 8)]
        text = " ".join((*statement[:at], *part, *statement[at + draw.randint(0, 5) :]))
        if is_sql(text):
            accepted.append(text)
    assert_read(accepted)
