"""The whole test suite on every PostgreSQL that we support; knows no test by name.

Run it with `nox -s test_matrix`; what stands behind `--` goes to pytest. Its page is
docs/proofs/matrix.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from proofs.report import ROOT, conclude, run_proof
from schema_database import DatabaseError, PrivilegeRegime, find_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

MAJORS = (15, 16, 17, 18)
"""Supabase runs 15 and 17; 16 lies between them, and 18 is what we develop on."""

_PATIENCE = 5.0
_WRONG_USAGE = int(pytest.ExitCode.USAGE_ERROR)

_PAGE = """\
# Every supported PostgreSQL

The whole test suite passes on PostgreSQL {majors}. Tests that take their database from the server
that all of them share report its version: another one than was asked for is a failure, and so is a
suite in which none reports it. Tenancy, access and the specification of every table are held
against both privilege regimes of Supabase.

| PostgreSQL | all tests | {regimes} | not run here |
|--:|---|{ruler}--:|
{rows}

The session prints how many tests that was. A version on which none ran under one of the regimes is
a failure, and so is a test that is missing on one version without having been skipped there.

A version that is not installed is skipped by name, with the command that installs it; in CI it is a
failure. Tests that run on some versions alone:

{skipped}

## What it does not prove

- That Supabase's own builds of these versions behave alike: these are plain PostgreSQL, with
  Supabase's roles, default privileges and `auth.jwt()`.
- Tests of the local servers themselves, of lending one and of finding one, start servers of their
  own: of the version that is installed with us, or of one that they name.
- That all tests hold under both regimes. These have some that run under one alone:
  {single}.
  So do tests whose names tell no regime, such as those of plans, of locks and of the catalog's
  reader. The random statements of `tests/property` meet *explicit* here, and both in
  [tenancy.md](tenancy.md).

Repeat it with `nox -s test_matrix`.
"""


@dataclass
class Result:
    """What pytest said on one major version.

    Attributes:
        major: the version.
        passed: names of the tests that passed, expected failures among them.
        failed: names of the tests that failed.
        skipped: name to reason.
        servers: name to the major version of the server on which the test had its database.
    """

    major: int
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)

    def passed_under(self, regime: PrivilegeRegime) -> set[str]:
        """Return the names of the passed tests whose parameters name a regime."""
        return {name for name in self.passed if regime.value in _parameters(name)}


class WrongUsageError(Exception):
    """Pytest does not understand what stands behind `--`; it has said so itself."""


def main(arguments: Sequence[str]) -> int:
    """Run the suite on each version, write the page and return the exit status.

    Raises:
        DatabaseError: a variable SCHEMA_PG_BIN_<major> names a folder without that version.
    """
    missing = missing_majors()
    results = []
    for major in MAJORS:
        if major in missing:
            sys.stdout.write(f"PostgreSQL {major}: skipped. {missing[major]}\n")
            continue
        sys.stdout.write(f"PostgreSQL {major}\n")
        sys.stdout.flush()
        try:
            results.append(run_suite(major, arguments))
        except WrongUsageError:
            return 2
    for result in results:
        sys.stdout.write(f"PostgreSQL {result.major}: {len(result.passed):,} passed")
        for regime in PrivilegeRegime:
            sys.stdout.write(f", {len(result.passed_under(regime)):,} under {regime.value}")
        sys.stdout.write("\n")
    failures = faults(results, whole=not arguments)
    if os.environ.get("CI"):
        # Nobody would see there that a version was left out.
        failures += [f"PostgreSQL {major} is missing" for major in missing]
    whole = not missing and not arguments
    return conclude(
        "matrix",
        sum(len(result.passed) for result in results) + len(failures),
        failures,
        (lambda: page(results)) if whole else None,
    )


def missing_majors() -> dict[int, str]:
    """Return the versions that are not installed, each with the command that installs it.

    Raises:
        DatabaseError: a variable SCHEMA_PG_BIN_<major> names a folder without that version.
    """
    missing = {}
    for major in MAJORS:
        try:
            find_engine(major)
        except DatabaseError as error:
            if os.environ.get(f"SCHEMA_PG_BIN_{major}"):
                raise
            missing[major] = str(error)
    return missing


def run_suite(major: int, arguments: Sequence[str]) -> Result:
    """Run the suite on one version; pytest shows its own progress.

    Raises:
        WrongUsageError: pytest does not understand the arguments.
    """
    environment = os.environ | {"SCHEMA_PG_MAJOR": str(major)}
    # The servers are ours, whatever the other sessions use.
    environment.pop("DATABASE_URL", None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "junit.xml")
        command = [sys.executable, "-m", "pytest", "-n", "2", "-q", f"--junitxml={report}"]
        process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment)
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # A terminal has interrupted it as well; whoever signalled us alone has not.
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
            raise
        result = read_junit(major, report.read_text("utf-8")) if report.exists() else Result(major)
    if status == _WRONG_USAGE:
        raise WrongUsageError
    if status != 0 and not result.failed:
        result.failed.add(f"pytest itself, with status {status}")
    return result


def read_junit(major: int, xml: str) -> Result:
    """Read what pytest writes with `--junitxml`."""
    result = Result(major)
    for case in ET.fromstring(xml).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.add(name)
        elif skip is not None and skip.get("type") == "pytest.skip":
            result.skipped[name] = str(skip.get("message"))
        else:
            result.passed.add(name)
        for said in case.iterfind("properties/property[@name='postgresql']"):
            result.servers[name] = str(said.get("value"))
    return result


def faults(results: Sequence[Result], *, whole: bool) -> list[str]:
    """Return what the results must not show, a sentence each.

    Args:
        results: of each version.
        whole: that nobody asked for a part of the suite only.
    """
    found = [
        f"on PostgreSQL {result.major}: {name}"
        for result in results
        for name in sorted(result.failed)
    ]
    everything = set().union(*(_seen(result) for result in results))
    found += [
        f"on PostgreSQL {result.major}: {name} was neither run nor skipped"
        for result in results
        if not result.failed
        for name in sorted(everything - _seen(result))
    ]
    found += [
        f"on PostgreSQL {result.major}: {name} ran on PostgreSQL {server}"
        for result in results
        for name, server in sorted(result.servers.items())
        if server != str(result.major)
    ]
    if whole:
        found += [
            f"on PostgreSQL {result.major}: no test said which PostgreSQL it ran on"
            for result in results
            if not result.servers
        ]
        found += [
            f"on PostgreSQL {result.major}: no test passed under {regime.value}"
            for result in results
            for regime in PrivilegeRegime
            if not result.passed_under(regime)
        ]
    return found


def page(results: Sequence[Result]) -> str:
    """Return the page about results without faults.

    It counts no tests: it must not change with each new one.
    """
    regimes = [regime.value for regime in PrivilegeRegime]
    somewhere = _passed_somewhere(results)
    rows = [
        f"| {result.major} | passed | "
        + "passed | " * len(regimes)
        + f"{len(somewhere & result.skipped.keys())} |"
        for result in results
    ]
    return _PAGE.format(
        majors=", ".join(str(result.major) for result in results),
        regimes=" | ".join(f"under *{regime}*" for regime in regimes),
        ruler="---|" * len(regimes),
        rows="\n".join(rows),
        skipped="\n".join(_skipped(results)) or "- none",
        single=",\n  ".join(_modules_with_one_regime(results)) or "none",
    )


def _modules_with_one_regime(results: Sequence[Result]) -> list[str]:
    """Return the modules of tests that passed under one regime and exist under no other."""
    regimes: dict[str, set[str]] = {}
    for name in _passed_somewhere(results):
        test = name.partition("[")[0]
        for regime in PrivilegeRegime:
            if regime.value in _parameters(name):
                regimes.setdefault(test, set()).add(regime.value)
    modules: dict[str, set[str]] = {}
    for test, found in regimes.items():
        if len(found) == 1:
            modules.setdefault(test.partition("::")[0].rpartition(".")[2], set()).update(found)
    return [
        f"`{module}` ({', '.join(f'*{regime}*' for regime in sorted(modules[module]))})"
        for module in sorted(modules)
    ]


def _parameters(name: str) -> list[str]:
    return name.partition("[")[2].removesuffix("]").split("-")


def _seen(result: Result) -> set[str]:
    return result.passed | result.failed | result.skipped.keys()


def _passed_somewhere(results: Sequence[Result]) -> set[str]:
    # What no version runs is skipped for the machine's sake.
    return set().union(*(result.passed for result in results))


def _skipped(results: Sequence[Result]) -> list[str]:
    somewhere = _passed_somewhere(results)
    majors: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, reason in result.skipped.items():
            if name in somewhere:
                majors.setdefault((name, reason), []).append(str(result.major))
    return sorted(
        f"- `{name.rpartition('.')[2]}`, not on {', '.join(found)}: {reason}."
        for (name, reason), found in majors.items()
    )


if __name__ == "__main__":
    sys.exit(run_proof(lambda: main(sys.argv[1:])))
