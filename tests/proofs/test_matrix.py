"""What the matrix makes of what pytest said on each version."""

from __future__ import annotations

import pytest
from proofs.matrix import Result, faults, page, read_junit

_BOTH = {"tests.test_a::test_grant[legacy]", "tests.test_a::test_grant[explicit]"}
_NEW = "tests.test_a::test_new"


def whole(major: int, **outcomes: object) -> Result:
    """Return a result in which tests under both regimes passed."""
    result = Result(major, passed=set(_BOTH))
    for outcome, names in outcomes.items():
        getattr(result, outcome).update(names)
    return result


def test_what_pytest_wrote_is_read_by_outcome() -> None:
    """An expected failure is what the test demands."""
    xml = """<testsuites><testsuite>
    <testcase classname="tests.test_a" name="test_good"/>
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
    results = [Result(15, passed={"tests.test_a::test_grant[legacy]"})]
    assert faults(results, whole=True) == [
        "on PostgreSQL 15: no test passed under explicit",
    ]
    assert faults(results, whole=False) == []


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
