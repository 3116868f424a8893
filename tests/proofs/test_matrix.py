"""What the matrix makes of what pytest said on each version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from proofs.matrix import Result, faults, main, missing_majors, page, read_junit

from schema_database import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

    from schema_database import Cluster

_BOTH = {"tests.test_a::test_grant[legacy]", "tests.test_a::test_grant[explicit]"}
_NEW = "tests.test_a::test_new"


def whole(major: int, **outcomes: object) -> Result:
    """Return a result in which tests under both regimes passed, on that version's server."""
    result = Result(major, passed=set(_BOTH), servers=dict.fromkeys(_BOTH, str(major)))
    for outcome, names in outcomes.items():
        getattr(result, outcome).update(names)
    return result


def test_what_pytest_wrote_is_read_by_outcome() -> None:
    """An expected failure is what the test demands."""
    xml = """<testsuites><testsuite>
    <testcase classname="tests.test_a" name="test_good">
        <properties><property name="postgresql" value="15"/></properties>
    </testcase>
    <testcase classname="tests.test_a" name="test_bad"><failure/></testcase>
    <testcase classname="tests.test_a" name="test_broken"><error/></testcase>
    <testcase classname="tests.test_a" name="test_new">
        <skipped type="pytest.skip" message="18 only"/>
    </testcase>
    <testcase classname="tests.test_a" name="test_known">
        <skipped type="pytest.xfail"/>
    </testcase>
    </testsuite></testsuites>"""
    assert read_junit(15, xml) == Result(
        15,
        passed={"tests.test_a::test_good", "tests.test_a::test_known"},
        failed={"tests.test_a::test_bad", "tests.test_a::test_broken"},
        skipped={"tests.test_a::test_new": "18 only"},
        servers={"tests.test_a::test_good": "15"},
    )


def test_versions_that_ran_the_same_tests_are_without_fault() -> None:
    """What was skipped on one was not forgotten."""
    results = [whole(15, skipped={_NEW: "18 only"}), whole(18, passed={_NEW})]
    assert faults(results, whole=True) == []


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (whole(15, failed={_NEW}), f"on PostgreSQL 15: {_NEW}"),
        (whole(15), f"on PostgreSQL 15: {_NEW} was neither run nor skipped"),
    ],
    ids=["failed", "missing"],
)
def test_a_version_that_did_not_pass_all_is_a_fault(other: Result, fault: str) -> None:
    """A suite that stopped early would otherwise pass for a whole one."""
    assert faults([other, whole(18, passed={_NEW})], whole=True) == [fault]


def test_a_regime_without_tests_is_a_fault_of_the_whole_suite_alone() -> None:
    """The page says that each version passed under both."""
    only = "tests.test_a::test_grant[legacy]"
    results = [Result(15, passed={only}, servers={only: "15"})]
    assert faults(results, whole=True) == [
        "on PostgreSQL 15: no test passed under explicit",
    ]
    assert faults(results, whole=False) == []


def test_a_test_on_another_version_is_a_fault_of_any_run() -> None:
    """The variable that asks for a version may go unheard, and all would pass on the usual one."""
    results = [whole(15, servers={_NEW: "18"}, passed={_NEW})]
    for everything in (True, False):
        assert faults(results, whole=everything) == [
            f"on PostgreSQL 15: {_NEW} ran on PostgreSQL 18"
        ]


def test_a_whole_suite_that_does_not_tell_its_version_is_a_fault() -> None:
    """Nothing would be known of the server; a part of the suite may well need none."""
    results = [Result(15, passed=set(_BOTH))]
    assert faults(results, whole=True) == [
        "on PostgreSQL 15: no test said which PostgreSQL it ran on"
    ]
    assert faults(results, whole=False) == []


def test_this_suite_tells_its_version(request: pytest.FixtureRequest, cluster: Cluster) -> None:
    """The property that the matrix reads is there, of every test with a database."""
    assert ("postgresql", cluster.major) in request.node.user_properties


def test_a_variable_that_names_a_wrong_folder_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was asked for is not there: no version is skipped for that."""
    monkeypatch.setenv("SCHEMA_PG_BIN_17", str(tmp_path))
    with pytest.raises(DatabaseError, match=r"^SCHEMA_PG_BIN_17 names .* holds no PostgreSQL"):
        missing_majors()


def test_pytest_is_asked_once_what_it_does_not_understand(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It says so itself, and nothing is said to have failed."""
    assert main(["--nonsense"]) == 2
    said = capfd.readouterr()
    assert said.err.count("unrecognized arguments: --nonsense") == 1
    assert "failed" not in said.out


def test_the_page_names_tests_that_run_under_one_regime_alone() -> None:
    """A test that has a twin under the other is not among them."""
    single = "tests.test_b::test_crash[a-legacy]"
    made = page([whole(18, passed={single, "tests.test_a::test_none"})])
    assert "under one alone:\n  `test_b` (*legacy*).\n" in made


def test_the_page_does_not_change_with_a_new_test() -> None:
    """Who adds a test has no page to make again."""
    before, after = (
        [whole(major, passed=names) for major in (15, 18)] for names in (set(), {_NEW})
    )
    assert page(before) == page(after)


def test_the_page_names_what_a_version_does_not_run() -> None:
    """What is skipped on all of them, for the machine's sake, is not the version's matter."""
    results = [
        whole(15, skipped={_NEW: "18 only", "tests.test_a::test_root": "root"}),
        whole(18, passed={_NEW}, skipped={"tests.test_a::test_root": "root"}),
    ]
    made = page(results)
    assert "| 15 | passed | passed | passed | 1 |" in made
    assert "| 18 | passed | passed | passed | 0 |" in made
    assert "- `test_a::test_new`, not on 15: 18 only." in made
    assert "test_root" not in made
