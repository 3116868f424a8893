"""What PostgreSQL's planner tells a tenant of others, and docs/decisions.md warns of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from database.callers import Caller
from database.tenants import A, B
from schema_database import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from schema_database import Database

# Estimates come from statistics, and not from who may do what.
pytestmark = pytest.mark.parametrize("regime", [PrivilegeRegime.EXPLICIT], indirect=True)

_ROWS = 500


@pytest.fixture
def estimate(
    populated: psycopg.Connection[Any],
    migrated_database: Database,
    connect: Callable[[str], psycopg.Connection[Any]],
) -> Callable[[str], int]:
    """Return what one tenant is told of a condition, where another has nearly all rows."""
    populated.execute(
        "INSERT INTO public.function_registry"
        " (app_code, function_code, implementation_type, description, input_schema)"
        f" SELECT '{B}', 'b.' || n, 'USER_TASK', 'secret', '{{\"secret\": 1}}'"
        f" FROM generate_series(1, {_ROWS}) AS n"
    )
    populated.execute("ANALYZE public.function_registry")
    tenant = Caller(connect(migrated_database.url), "authenticated", f'{{"app_code": "{A}"}}')

    def ask(condition: str) -> int:
        query = f"SELECT FROM public.function_registry WHERE {condition}"
        assert tenant.run(query).count == 0
        explained = tenant.run(f"EXPLAIN (FORMAT JSON) {query}").rows[0][0]
        return int(explained[0]["Plan"]["Plan Rows"])

    return ask


@pytest.mark.parametrize(
    ("true_of_others", "true_of_none"),
    [(f"app_code = '{B}'", "app_code = 'nobody'"), ("description < 't'", "description < 'a'")],
)
def test_estimates_tell_of_rows_that_are_not_shown(
    estimate: Callable[[str], int], true_of_others: str, true_of_none: str
) -> None:
    """As documented; once this fails, PostgreSQL has closed it and the documents may say so."""
    assert estimate(true_of_others) > _ROWS // 4
    assert estimate(true_of_none) < _ROWS // 10


def test_estimates_do_not_tell_what_is_in_jsonb(estimate: Callable[[str], int]) -> None:
    """Its operators are not leakproof, so that what is asked for does not count."""
    asked = [f"input_schema = '{value}'" for value in ('{"secret": 1}', '{"no": 1}')]
    assert estimate(asked[0]) == estimate(asked[1])
