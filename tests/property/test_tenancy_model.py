"""A few hundred random operations, each held against the model; `prove_tenancy` does thousands."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from proofs.tenancy_demands import DEMANDS, LEAST_REFUSED, LEAST_TOUCHED, unmet
from proofs.tenancy_disclosures import DISCLOSURES, Disclosure, observe
from proofs.tenancy_machine import explore
from proofs.tenancy_sabotage import Sabotage, sabotages
from proofs.tenancy_trial import CHECKS, CounterexampleError, Tally, opened, shortened

from schema_database import DatabaseError, PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from proofs.tenancy_trial import Session

    from schema_database import Cluster

    Visit = Callable[[Sabotage | None], AbstractContextManager[Session]]

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"

_DRAWS = """
import importlib.util
import sys

sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("mined", sys.argv[2])
sys.modules["mined"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["mined"])

from proofs.tenancy_machine import run
from proofs.tenancy_trial import Tally

class Agreeable:
    checks = frozenset()
    interrupted = lost = None

    def begin(self): ...
    def end(self): ...
    def furnish(self, sql): print(sql)
    def undo(self): ...
    def send(self, caller, operation):
        print(caller.label, operation.sql)
        return "42501", ""

run(Agreeable(), Tally(), examples=20, steps=20, start=1)
"""


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
            checks = frozenset({sabotage.check}) if sabotage else CHECKS
            with opened(database.url, checks) as session:
                yield session

    return _visit


def test_every_caller_sees_and_does_what_the_model_says(visit: Visit) -> None:
    """Whatever is sent by whomever, it does what the requirements say, and everybody sees that."""
    tally = Tally()
    with visit(None) as session:
        explore(session, tally, 300, steps=30)
    assert tally.total >= 300
    assert len({kind for kind, _ in tally.operations}) > 15
    assert tally.told > 50
    assert tally.alike > 10


@pytest.mark.parametrize(
    "name",
    [
        "a policy dropped: own_functions_on_update",
        "row-level security off: instance_context",
        "a privilege granted: authenticated may TRUNCATE workflow_history",
        "others' values told: in an error's detail, workflow_instances",
        "others' values told: a number, in a notice, instance_context",
        "others' values returned: by INSERT, instance_context",
        "a hidden row refused in other words: a parent, in the message, workflow_instances",
        "the claim read wrongly: blanks around it do not count",
    ],
)
def test_a_sabotaged_database_is_noticed(visit: Visit, name: str) -> None:
    """The check that is meant for it finds a sabotage alone; what remains still shows it."""
    (sabotage,) = [each for each in sabotages() if each.name == name]
    with visit(sabotage) as session:
        with pytest.raises(CounterexampleError) as caught:
            explore(session, Tally(), 2000, steps=30)
        short = shortened(session, caught.value)
    assert short.check == sabotage.check
    assert len(short.steps) <= 1


@pytest.mark.parametrize("disclosure", DISCLOSURES, ids=lambda disclosure: disclosure.learns)
def test_what_is_disclosed_is_what_is_documented(visit: Visit, disclosure: Disclosure) -> None:
    """Where PostgreSQL tells a tenant something of another's row, it is known and no more."""
    with visit(None) as session:
        assert observe(session, disclosure)


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        (15_00_19, "22P02"),
        (15_00_20, "42501"),
        (16_00_15, "22P02"),
        (17_00_12, "42501"),
        (18_00_06, "22P02"),
        (18_00_07, "42501"),
        (19_00_00, "42501"),
    ],
)
def test_a_mended_server_must_no_longer_tell(version: int, answer: str) -> None:
    """A disclosure is expected where PostgreSQL has it, and refused where PostgreSQL ended it."""
    (leak,) = [each for each in DISCLOSURES if each.reveals]
    (sql,) = leak.asked
    assert leak.expected(sql, version) == answer


def test_draws_do_not_depend_on_what_else_is_in_the_repository(tmp_path: Path) -> None:
    """A number in a module that has nothing to do with it changes no statement."""
    root = Path(__file__).resolve().parents[2]
    drawn = []
    for folder, text in (("empty", ""), ("full", "UNUSED = (101, 150, 199, 222)\n")):
        module = tmp_path / folder / "mined.py"
        module.parent.mkdir()
        module.write_text(text, encoding="utf-8")
        drawn.append(
            subprocess.run(
                [sys.executable, "-c", _DRAWS, str(root), str(module)],
                check=True,
                capture_output=True,
                cwd=tmp_path,
            ).stdout
        )
    assert drawn[0] == drawn[1]
    assert len(drawn[0].splitlines()) > 200


def test_what_was_drawn_too_rarely_is_a_failure() -> None:
    """An operation that never touched a row, or was never refused, proves nothing and is named."""
    tally = Tally()
    for kind, demand in DEMANDS.items():
        tally.operations[kind, "rows"] = LEAST_TOUCHED if demand.touched else 0
        for code in demand.refused:
            tally.operations[kind, code] = LEAST_REFUSED
    assert unmet(tally) == []
    tally.operations["DELETE", "rows"] -= 1
    tally.operations["INSERT", "23503"] -= 1
    tally.operations["VACUUM", "rows"] += 1
    tally.operations["TRUNCATE", "rows"] += 1
    assert unmet(tally) == [
        "nobody says what must have come of VACUUM",
        "drawn too rarely: INSERT that is refused with 23503",
        "drawn too rarely: DELETE that touches rows",
        "nobody may do it: TRUNCATE that touches rows",
    ]


def test_a_lost_connection_is_no_counterexample(visit: Visit) -> None:
    """A server that goes away is an error in one sentence, and says nothing about tenancy."""
    with visit(None) as session:
        session.furnish("SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(DatabaseError, match="PostgreSQL closed the connection"):
            explore(_dying(session), Tally(), 100, steps=10)


def _dying(session: Session) -> Session:
    begin = session.begin

    def _begin() -> None:
        begin()
        session.furnish("SELECT pg_terminate_backend(pg_backend_pid())")

    session.begin = _begin  # type: ignore[method-assign]  # as if PostgreSQL were shut down
    return session
