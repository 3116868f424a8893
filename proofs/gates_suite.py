"""The parts of the test suite that judge a mutant: the very tests, called without pytest."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from proofs.report import ROOT
from schema_database import DatabaseError

sys.path.insert(0, str(ROOT / "tests"))

# Behind the line that lets them be found.
from database.scenarios import SCENARIOS, Scenario, World
from database.tenants import TABLES as TENANT_TABLES
from database.tenants import seed
from spec import test_specification
from spec.observed import ObservedSchema, from_catalog, from_sql
from spec.specification import PLATFORM, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from psycopg import Connection

__all__ = [
    "PLATFORM",
    "SCENARIOS",
    "TABLES",
    "TENANT_TABLES",
    "CrashedTestError",
    "ObservedSchema",
    "Scenario",
    "World",
    "first_broken_promise",
    "first_failure",
    "from_catalog",
    "from_sql",
    "seed",
    "specification_failure",
]


class CrashedTestError(Exception):
    """A test ended in another error than a failed assertion, so it judged nothing."""


def specification_failure(read: Callable[[], ObservedSchema]) -> str:
    """Run the specification's tests.

    Args:
        read: gives the schema in the specification's words, or fails where a test would.

    Returns:
        The name of the first test that fails, with its table; empty where all pass.

    Raises:
        CrashedTestError: no assertion failed, and something else did.
    """
    try:
        observed = read()
    except AssertionError as error:
        return f"cannot be read: {error}"
    except Exception as error:
        raise CrashedTestError(f"reading the schema: {error!r}") from error
    return first_failure(_calls(observed))


def _calls(observed: ObservedSchema) -> Iterator[tuple[str, Callable[[], None]]]:
    for name, test in _tests():
        for table in TABLES:
            values = {
                "observed": observed,
                "table": observed.get(table),
                "spec": TABLES[table],
                "name": table,
            }
            arguments = {word: values[word] for word in inspect.signature(test).parameters}
            yield f"{name}[{table}]", partial(_call, test, arguments)


def _call(test: Callable[..., None], arguments: dict[str, Any]) -> None:
    if arguments.get("table", test) is None:
        raise AssertionError("there is no such table")
    test(**arguments)


def first_failure(plays: Iterable[tuple[str, Callable[[], None]]]) -> str:
    """Run tests until an assertion fails.

    Args:
        plays: each test's name and what runs it.

    Returns:
        The name of the first whose assertion fails; empty where all pass.

    Raises:
        CrashedTestError: no assertion failed, and something else did: that is an accident, and
            might be one of the machine's.
    """
    crashed: Exception | None = None
    where = ""
    for name, play in plays:
        try:
            play()
        except AssertionError:
            return name
        except psycopg.OperationalError as error:
            raise DatabaseError(f"{name}: {error}", "run it again") from error
        except Exception as error:  # noqa: BLE001 - another may fail as it should
            crashed = crashed or error
            where = where or name
    if crashed is not None:
        raise CrashedTestError(f"{where}: {crashed!r}") from crashed
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
        CrashedTestError: no promise was seen to break, and a scene failed otherwise.
    """
    if not scenarios:
        raise ValueError("no scenario was played")

    def play(scenario: Scenario) -> None:
        with connection.transaction(force_rollback=True):
            scenario.play(world(connection))

    return first_failure((each.name, partial(play, each)) for each in scenarios)
