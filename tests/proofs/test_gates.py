"""The proof of the gates can fail, and counts no accident as a gate that saw a fault."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from proofs.gates import assert_sound, failures
from proofs.gates_copies import Guarded, red, replaced
from proofs.gates_database import Applied, Scenes, Stage, refusal
from proofs.gates_equivalent import Reason
from proofs.gates_guards import emptied_suites
from proofs.gates_mutants import Mutant, all_mutants
from proofs.gates_report import GATES, Found, Result, survivors
from proofs.gates_shipped import faults_in_what_is_shipped
from proofs.gates_static import Squawk, judge_statically, open_workspace
from proofs.gates_suite import CrashedTestError, Scenario, first_failure
from proofs.report import ROOT

from database.scenarios import scenario_of
from proofs import gates, gates_database, gates_static
from schema_database import ApplyError, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from schema_database import Cluster

_SILENT = SimpleNamespace(complaint=lambda _sql: "")
"""A squawk that has nothing to say."""


def made(**changes: Any) -> Result:
    """Return what became of a mutant that lint refused, or something else."""
    mutant = Mutant("packages/schema/tasks/table.sql", 7, "column: drop", "id", "")
    return replace(Result(mutant, {"lint": "uuid-id"}, ("lint",)), **changes)


def raising(error: Exception) -> Callable[[], None]:
    """Return a test that ends in an error."""

    def test() -> None:
        raise error

    return test


def test_mutant_that_lint_alone_refuses_survives_without_lint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one gate switched off the proof fails, and names who got through."""
    workspace = open_workspace()
    name = "instance_tasks: name: drop the schema: instance_tasks_function_code_idx"
    (mutant,) = [each for each in all_mutants(workspace) if each.name == name]

    def judged() -> Found:
        said = judge_statically(workspace, mutant, _SILENT)  # type: ignore[arg-type]
        assert not said.crashes
        return Found([Result(mutant, said.kills, said.asked)])

    assert failures(judged(), whole=False) == []
    assert survivors(judged().results, "lint") == judged().results
    monkeypatch.setattr(gates_static, "lint", lambda *_: [])
    (line,) = failures(judged(), whole=False)
    assert line.startswith("survived: packages/schema/instance_tasks/indexes.sql:")
    assert line.endswith(name)


def test_guard_is_no_killer() -> None:
    """Who compares with the migration in production kills nothing in a pull request."""
    (line,) = failures(Found([made(kills={"guard": "names it"})]), whole=False)
    assert "survived: " in line
    assert "only the guard" in line


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Found([made(crashes=("test_keys: KeyError()",))]), "crashed: test_keys: KeyError()"),
        (Found([made(unchanged=True)]), "ends as the original does"),
        (Found([], excluded=[made()]), "not equivalent: packages/schema/tasks/table.sql:7"),
        (Found([], worlds=[Guarded("no token", "")]), "not noticed: no token"),
        (Found([], emptied=[Guarded("no case", "")]), "not noticed: no case"),
        (Found([], shipped=[Guarded("no lock", "")]), "not noticed: no lock"),
    ],
    ids=["crash", "no trace", "not equivalent", "world", "emptied", "shipped"],
)
def test_what_does_not_hold_is_a_failure(found: Found, line: str) -> None:
    """Neither an accident nor an unproved exclusion nor an unnoticed fault passes for a success."""
    (said,) = failures(found, whole=False)
    assert said.startswith(line)


def test_what_never_happened_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate, a rule or a reason that applied to nothing was not seen to be able to."""
    monkeypatch.setattr(gates, "EQUIVALENT", (Reason("never", "what", "why"),))
    monkeypatch.setattr(gates, "TRACELESS", ())
    found = Found([made()] * gates.LEAST, rules=["uuid-id", "name-length"])

    lines = failures(found, whole=True)

    idle = [f"refuses no mutant: {gate}" for gate in GATES if gate != "lint"]
    expected = ["a reason for nothing: never", *idle, "refuses no mutant: rule name-length"]
    assert lines == expected
    assert failures(replace(found, results=[made()]), whole=True)[-1].startswith("only 1 mutants")


@pytest.mark.parametrize(
    ("judged", "says"),
    [
        (Applied({"tenancy": "reads"}, GATES, "repaired", unchanged=True), "tenancy: reads"),
        (Applied({}, GATES[:-3], "repaired", unchanged=True), "tenancy was not asked"),
        (Applied({}, GATES, "repaired"), "a second run changes it"),
        (Applied({}, GATES, "repaired", unchanged=True, crashes=("oops",)), "oops"),
    ],
    ids=["refused", "not asked", "changed", "crashed"],
)
def test_gates_that_complain_of_the_true_schema_stop_the_proof(judged: Applied, says: str) -> None:
    """A gate that is red anyway kills every mutant, and one that is not asked kills none."""
    stage = SimpleNamespace(judge=lambda *_, **__: judged, advise=lambda _: Applied({}, ()))
    worker: Any = SimpleNamespace(workspace=open_workspace(), squawk=_SILENT, stage=stage)
    with pytest.raises(DatabaseError) as refused:
        assert_sound(worker)
    assert says in refused.value.fact


def test_scenes_are_played_on_the_true_schema(
    cluster: Cluster,
    stubs: list[tuple[str, str]],
    migrations: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scenes that always fail are found out before they are counted as killers."""
    migration = "\n".join(text for _, text in migrations)
    play: Any = lambda _world: raising(AssertionError())()  # noqa: E731
    monkeypatch.setattr(gates_database, "SCENARIOS", [Scenario("always-fails", "", play, ())])
    stage = Stage(cluster, stubs, migration, ())

    always = stage.judge(migration, "", scenes=Scenes.ALWAYS)
    skipped = stage.judge(migration, "", scenes=Scenes.IF_CHANGED)

    assert always.kills == {"tenancy": "always-fails"}
    assert always.unchanged
    assert (skipped.kills, "tenancy" in skipped.asked) == ({}, False)


@pytest.mark.parametrize("sqlstate", ["", "08006", "40P01", "53300", "55P03", "57P01", "XX000"])
def test_server_in_trouble_refuses_no_mutant(sqlstate: str) -> None:
    """A lost connection, a deadlock or a full disk ends the proof and is no kill."""
    with pytest.raises(DatabaseError, match="the server failed"):
        refusal(refused_with(sqlstate))


def test_postgresql_refuses_by_its_code() -> None:
    """What PostgreSQL says of the SQL is a kill."""
    assert refusal(refused_with("42P07")) == "42P07"


def refused_with(sqlstate: str) -> ApplyError:
    """Return an error of PostgreSQL's."""
    return ApplyError(
        "<sql>",
        sqlstate=sqlstate,
        message="no",
        detail=None,
        hint=None,
        context=None,
        statement=1,
        line=1,
        column=1,
    )


def test_only_a_failed_assertion_is_red() -> None:
    """A test that ends in another error judges nothing, but another test still may."""
    crash, fail = ("crashes", raising(KeyError("x"))), ("fails", raising(AssertionError()))
    assert first_failure([crash, fail]) == "fails"
    with pytest.raises(CrashedTestError, match=r"crashes: KeyError\('x'\)"):
        first_failure([crash])


def test_squawk_that_fails_is_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """A squawk that cannot run names no rule, and ends the proof."""
    # Python does not know squawk's options.
    monkeypatch.setattr(shutil, "which", lambda *_, **__: sys.executable)
    with pytest.raises(DatabaseError, match="squawk ended with status 2"):
        Squawk().complaint("SELECT 1;")


_COLLECTING = "___ ERROR collecting tests/test_a.py ___\n"


@pytest.mark.parametrize(
    ("status", "said", "what"),
    [
        (0, "3 passed", ""),
        (1, "FAILED tests/test_a.py::test_one[a b] - assert 1\n", "test_one"),
        (2, f"{_COLLECTING}E   AssertionError: reads has no case\nE   assert ()\n", "reads has no"),
        (2, f"{_COLLECTING}Empty parameter set in 'test_a' at line 3\n", "Empty parameter set in"),
    ],
)
def test_red_says_what_turned_red(status: int, said: str, what: str) -> None:
    """The page names the test or the tests' own words, without anything that may vary."""
    found = red(status, said)
    assert found.startswith(what)
    assert bool(found) == bool(status)
    assert "line" not in found


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, "nothing that failed"),
        (2, "Exit: no PostgreSQL"),
        (2, f"{_COLLECTING}E   KeyError: 'array'\n"),
        (3, "INTERNALERROR"),
        (4, "no such option"),
        (5, "no tests ran"),
    ],
)
def test_pytest_that_fails_is_not_red(status: int, said: str) -> None:
    """Tests that were not run, or fell over by accident, noticed nothing."""
    with pytest.raises(DatabaseError, match=f"pytest ended with status {status}"):
        red(status, said)


def test_scene_without_cases_is_refused_by_name() -> None:
    """A scene that is played with nothing would prove nothing, without a word."""

    def reads(world: object, case: object) -> None:
        """Nobody plays this."""

    with pytest.raises(AssertionError, match="reads has no case"):
        scenario_of([])(reads)


def test_every_list_of_cases_is_emptied_once() -> None:
    """No scene is forgotten by the proof that empties each list, and what it writes is Python."""
    faults = emptied_suites()
    scenes = (ROOT / "tests/database/scenarios.py").read_text("utf-8")
    emptied = {fault.text for fault in faults if fault.what.startswith("the cases of")}
    assert len(emptied) == scenes.count("@scenario_of(") == scenes.count("\n@scenario_of(")
    for fault in faults:
        compile(fault.text, fault.path, "exec")


def test_every_statement_of_the_builds_own_is_dropped_once() -> None:
    """Each fault in the built file changes it, and names tests."""
    faults = faults_in_what_is_shipped()
    assert sum(fault.what.startswith("no `") for fault in faults) == 11
    assert len({fault.text for fault in faults}) == len(faults)
    assert all(fault.tests for fault in faults)


def test_faults_name_tests_that_there_are() -> None:
    """A test that was renamed is found here, and not after an hour of the proof."""
    named = sorted({test for fault in faults_in_what_is_shipped() for test in fault.tests})

    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:xdist", *named],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert collected.returncode == 0, collected.stderr


def test_fault_that_no_longer_fits_is_told() -> None:
    """A piece that is not there, or twice, would be another fault than the page says."""
    assert replaced("a.sql", "x = 1", "1", "2") == "x = 2"
    for text in ("", "11"):
        with pytest.raises(DatabaseError, match=r"a\.sql has"):
            replaced("a.sql", text, "1", "2")
