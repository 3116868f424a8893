"""Faults put into the migration or its dependencies, each of which a claim must notice.

Knows what each proof of convergence looks for; must not know how it looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from proofs.convergence_crashes import cut_off_steps, cut_off_whole_runs, trapped
from proofs.convergence_crowds import (
    RUNNERS,
    prove_held_tables,
    prove_reruns,
    prove_runners,
)
from proofs.convergence_orders import bare_server, prove_earliest, prove_necessary, whole_catalog
from proofs.convergence_subject import Claim
from proofs.report import progress
from schema_database import PrivilegeRegime
from schema_targets.labels import parse_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from proofs.convergence_subject import Subject
    from schema_database import Cluster

    Look = Callable[[Cluster, Subject], bool]

# Under one regime, because a fault need be noticed only once.
_REGIME = PrivilegeRegime.LEGACY

_TASKS = "public.instance_tasks"
_HISTORY = "//schema/workflow_history:table"


@dataclass(frozen=True)
class Sabotage:
    """A fault, and who must notice it.

    Attributes:
        fault: what is wrong, for the report.
        noticed_by: what must notice it, for the report.
        put_in: makes the faulty subject.
        noticed: tells whether the proof sees anything wrong.
    """

    fault: str
    noticed_by: str
    put_in: Callable[[Subject], Subject]
    noticed: Look


def prove_able_to_fail(cluster: Cluster, subject: Subject) -> Claim:
    """Put in each fault and demand that it is noticed.

    Args:
        cluster: where.
        subject: the true migration.
    """
    claim = Claim("Able to fail: a fault of each kind is noticed.")
    for number, sabotage in enumerate(SABOTAGES, 1):
        faulty = sabotage.put_in(subject)
        problems = [] if faulty != subject else ["the fault is not in the file any more"]
        if not problems and not sabotage.noticed(cluster, faulty):
            problems.append("not noticed")
        claim.judge(sabotage.fault, problems)
        progress(number, len(SABOTAGES), "faults put in")
    return claim


def _instead(old: str, new: str) -> Callable[[Subject], Subject]:
    return lambda subject: replace(subject, text=subject.text.replace(old, new, 1))


def _behind(sql: str) -> Callable[[Subject], Subject]:
    return lambda subject: replace(subject, text=f"{subject.text}\n{sql};\n")


def _depending(user: str, dependency: str, *, declared: bool) -> Callable[[Subject], Subject]:
    first, second = parse_label(user), parse_label(dependency)

    def change(subject: Subject) -> Subject:
        others = tuple(each for each in subject.edges[first] if each != second)
        edges = {**subject.edges, first: (*others, second) if declared else others}
        return replace(subject, edges=edges)

    return change


def _whole_runs(cluster: Cluster, subject: Subject) -> bool:
    with cluster.clone(trapped(cluster, subject, _REGIME)) as database:
        return any(cut_off_whole_runs(database, subject))


def _steps(cluster: Cluster, subject: Subject) -> bool:
    clean = subject.clean(cluster, _REGIME)
    with cluster.clone(trapped(cluster, subject, _REGIME)) as database:
        return any(inside or behind for inside, behind in cut_off_steps(database, subject, clean))


def _runners(cluster: Cluster, subject: Subject) -> bool:
    return _failed(prove_runners(cluster, subject, RUNNERS[:1], [_REGIME]))


def _reruns(cluster: Cluster, subject: Subject) -> bool:
    return _failed(prove_reruns(cluster, subject, [_REGIME]))


def _held_tables(cluster: Cluster, subject: Subject) -> bool:
    return _failed(prove_held_tables(cluster, subject, [_REGIME])[0][:1])


def _first_run(cluster: Cluster, subject: Subject) -> bool:
    return _failed(prove_held_tables(cluster, subject, [_REGIME])[0][1:])


def _sufficient(_: Cluster, subject: Subject) -> bool:
    with bare_server() as connection:
        # In our own order, which does not show what a target forgot to declare.
        expected = whole_catalog(connection, subject)
        return _failed([prove_earliest(connection, subject, expected)])


def _necessary(_: Cluster, subject: Subject) -> bool:
    with bare_server() as connection:
        return _failed(prove_necessary(connection, subject)[0])


def _failed(claims: list[Claim]) -> bool:
    return any(claim.failures for claim in claims)


SABOTAGES = (
    Sabotage(
        "a COMMIT in the file",
        "whole runs, killed inside a statement",
        _instead("\nCOMMENT ON TABLE", "\nCOMMIT;\nCOMMENT ON TABLE"),
        _whole_runs,
    ),
    Sabotage(
        "a table made without IF NOT EXISTS",
        "runs cut off behind a statement",
        _instead(f"CREATE TABLE IF NOT EXISTS {_TASKS}", f"CREATE TABLE {_TASKS}"),
        _steps,
    ),
    Sabotage(
        "a policy made without being dropped before",
        "runs cut off behind a statement",
        _instead(f'DROP POLICY IF EXISTS "app_isolation" ON {_TASKS};', ""),
        _steps,
    ),
    Sabotage(
        "no advisory lock",
        "25 runners at once",
        _instead("SELECT pg_catalog.pg_advisory_xact_lock", "SELECT pg_catalog.concat"),
        _runners,
    ),
    Sabotage(
        "an index made anew each time",
        "the re-run",
        _behind("REINDEX INDEX public.instance_tasks_function_code_idx"),
        _reruns,
    ),
    Sabotage(
        "rows written",
        "the re-run",
        _behind("UPDATE public.instance_tasks SET updated_at = updated_at"),
        _reruns,
    ),
    Sabotage(
        "one object more each time",
        "the re-run",
        _behind(f"CREATE STATISTICS ON app_code, status FROM {_TASKS}"),
        _reruns,
    ),
    Sabotage(
        "a warning",
        "the re-run",
        _behind("DO $$ BEGIN RAISE WARNING 'SET LOCAL nonsense'; END $$"),
        _reruns,
    ),
    Sabotage(
        "tables taken one by one",
        "the re-run while a table is held",
        _instead("    EXIT WHEN look > 2 OR existing = '{}';", "    EXIT;"),
        _held_tables,
    ),
    Sabotage(
        "tables kept while waiting for the next",
        "the re-run while a table is held, and its bystander",
        _instead("1.2 * deadlock_timeout", "9 * deadlock_timeout"),
        _held_tables,
    ),
    Sabotage(
        "twice the patience that lock_timeout allows",
        "the re-run while a table is held, and its clock",
        _instead("+ timeout::INTERVAL", "+ 2 * timeout::INTERVAL"),
        _held_tables,
    ),
    Sabotage(
        "a lock_timeout that is reset",
        "the first run while applications is written",
        _instead("\nCREATE TABLE", "\nSET LOCAL lock_timeout = '9000ms';\nCREATE TABLE"),
        _first_run,
    ),
    Sabotage(
        "a dependency that is not declared",
        "each target as early as possible",
        _depending(_HISTORY, "//schema/instance_tasks:table", declared=False),
        _sufficient,
    ),
    Sabotage(
        "a dependency that is none",
        "dependencies left out",
        _depending(_HISTORY, "//schema/instance_context:table", declared=True),
        _necessary,
    ),
)
