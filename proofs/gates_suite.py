"""The parts of the test suite that judge a mutant: the very tests, called without pytest."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from proofs.report import ROOT

sys.path.insert(0, str(ROOT / "tests"))

# Behind the line that lets them be found.
from database.scenarios import SCENARIOS, Scenario, World
from database.tenants import TABLES as TENANT_TABLES
from database.tenants import seed
from spec import test_specification
from spec.observed import ObservedTable, from_catalog, from_sql
from spec.specification import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from psycopg import Connection

__all__ = [
    "SCENARIOS",
    "TABLES",
    "TENANT_TABLES",
    "ObservedTable",
    "Scenario",
    "World",
    "first_broken_promise",
    "from_catalog",
    "from_sql",
    "seed",
    "specification_failure",
]


def specification_failure(read: Callable[[], dict[str, ObservedTable]]) -> str:
    """Run the specification's tests.

    Args:
        read: gives the schema in the specification's words, or fails where a test would.

    Returns:
        The name of the first test that fails, with its table; empty where all pass.
    """
    try:
        observed = read()
    except Exception as error:  # noqa: BLE001 - whatever it is, the tests would be red
        return f"cannot be read: {type(error).__name__}"
    for name, test in _tests():
        for table in TABLES:
            values = {
                "observed": observed,
                "table": observed.get(table),
                "spec": TABLES[table],
                "name": table,
            }
            arguments = {word: values[word] for word in inspect.signature(test).parameters}
            if "table" in arguments and arguments["table"] is None:
                return f"no table {table}"
            try:
                test(**arguments)
            except Exception:  # noqa: BLE001
                return f"{name}[{table}]"
    return ""


def _tests() -> Iterator[tuple[str, Callable[..., None]]]:
    for name, value in vars(test_specification).items():
        if name.startswith("test_") and inspect.isfunction(value):
            yield name, value


def first_broken_promise(
    connection: Connection[Any],
    scenarios: Sequence[Scenario],
    world: Callable[[Connection[Any]], World] = World,
) -> str:
    """Play scenes on a database that has the tenants' rows, until one fails.

    Args:
        connection: the owner's, in autocommit mode.
        scenarios: what to play.
        world: makes the scene's world of a connection.

    Returns:
        The name of the first that fails; empty where every promise is kept.

    Raises:
        ValueError: there is nothing to play, which proves nothing.
    """
    if not scenarios:
        raise ValueError("no scenario was played")
    for scenario in scenarios:
        with connection.transaction(force_rollback=True):
            try:
                scenario.play(world(connection))
            except Exception:  # noqa: BLE001 - a test that ends in any error is red
                return scenario.name
    return ""
