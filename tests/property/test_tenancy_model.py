"""A few hundred random operations, each held against the model; `prove_tenancy` does thousands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from proofs.tenancy_disclosures import DISCLOSURES, Disclosure, observe
from proofs.tenancy_machine import explore
from proofs.tenancy_sabotage import Sabotage, sabotages
from proofs.tenancy_trial import CounterexampleError, Tally, opened, shortened

from schema_database import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from proofs.tenancy_trial import Session

    from schema_database import Cluster

    Visit = Callable[[Sabotage | None], AbstractContextManager[Session]]

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"


@pytest.fixture
def visit(cluster: Cluster, stubs: list[tuple[str, str]], migration: str) -> Visit:
    """Return a function that opens a migrated database of its own, sabotaged or not."""
    template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, [(MIGRATION, migration)])

    @contextmanager
    def _visit(sabotage: Sabotage | None) -> Iterator[Session]:
        with cluster.clone(template) as database:
            if sabotage:
                with psycopg.connect(database.url, autocommit=True) as connection:
                    connection.execute(sabotage.sql.encode())
            with opened(database.url) as session:
                yield session

    return _visit


def test_every_caller_sees_and_does_what_the_model_says(visit: Visit) -> None:
    """Whatever is sent by whomever, it does what the requirements say, and everybody sees that."""
    tally = Tally()
    with visit(None) as session:
        explore(session, tally, 300, steps=30)
    assert tally.total >= 300
    assert len({kind for kind, _ in tally.operations}) > 15
    assert tally.errors > 50


@pytest.mark.parametrize(
    "name",
    [
        "a policy dropped: own_functions_on_update",
        "row-level security off: instance_context",
        "a privilege granted: authenticated may TRUNCATE workflow_history",
    ],
)
def test_a_sabotaged_database_is_noticed(visit: Visit, name: str) -> None:
    """The same operations find out that one policy is gone; what remains of them still shows it."""
    (sabotage,) = [each for each in sabotages() if each.name == name]
    with visit(sabotage) as session:
        with pytest.raises(CounterexampleError) as caught:
            explore(session, Tally(), 2000, steps=30)
        short = shortened(session, caught.value)
    assert len(short.steps) <= 1


@pytest.mark.parametrize("disclosure", DISCLOSURES, ids=lambda disclosure: disclosure.learns)
def test_what_is_disclosed_is_what_is_documented(visit: Visit, disclosure: Disclosure) -> None:
    """Where PostgreSQL tells a tenant something of another's row, it is known and no more."""
    with visit(None) as session:
        assert observe(session, disclosure)
