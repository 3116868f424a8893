"""Every promise of isolation holds, and is seen to fail where it is sabotaged."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from database.sabotage import Sabotage
from database.scenarios import SCENARIOS, World
from database.tenants import seed
from schema_database import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from database.scenarios import Scenario
    from schema_database import Cluster

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"


@pytest.fixture(scope="module")
def visit(
    cluster: Cluster, stubs: list[tuple[str, str]], migration: str
) -> Iterator[Callable[[PrivilegeRegime, Sabotage | None], psycopg.Connection[Any]]]:
    """Return a function that opens a database with two tenants; each is made once and kept."""
    opened: dict[tuple[PrivilegeRegime, str], psycopg.Connection[Any]] = {}
    with ExitStack() as stack:

        def _visit(regime: PrivilegeRegime, sabotage: Sabotage | None) -> psycopg.Connection[Any]:
            broken = sabotage.sql() if sabotage else ""
            if (regime, broken) not in opened:
                steps = [(MIGRATION, migration), ("seed", seed()), ("sabotage", broken)]
                database = stack.enter_context(
                    cluster.clone(cluster.template(regime, stubs, steps))
                )
                opened[regime, broken] = stack.enter_context(
                    psycopg.connect(database.url, autocommit=True)
                )
            return opened[regime, broken]

        yield _visit


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_promise(
    visit: Callable[[PrivilegeRegime, Sabotage | None], psycopg.Connection[Any]],
    regime: PrivilegeRegime,
    scenario: Scenario,
) -> None:
    """The promise holds; the scenario's own docstring says which."""
    connection = visit(regime, None)
    with connection.transaction(force_rollback=True):
        scenario.play(World(connection))


@pytest.mark.parametrize(
    ("scenario", "sabotage"),
    [
        pytest.param(scenario, sabotage, id=f"{scenario.name}-{sabotage}")
        for scenario in SCENARIOS
        for sabotage in scenario.fails_under
    ],
)
def test_broken_promise_is_noticed(
    visit: Callable[[PrivilegeRegime, Sabotage | None], psycopg.Connection[Any]],
    scenario: Scenario,
    sabotage: Sabotage,
) -> None:
    """The same scene fails where the schema is sabotaged, so passing it means something."""
    connection = visit(PrivilegeRegime.EXPLICIT, sabotage)
    with (
        connection.transaction(force_rollback=True),
        pytest.raises(AssertionError),
    ):
        scenario.play(World(connection, acting=sabotage is not Sabotage.NO_SET_ROLE))


def test_every_scenario_has_a_name_of_its_own() -> None:
    """A test id names one promise."""
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names))
