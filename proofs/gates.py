"""Proof that no fault passes: every mutant of the fragments is refused by a gate that is named.

Run it from the root: `python -m proofs.gates`. To develop with, `--most N` judges so many mutants
of each operator, spread over the tables, and writes no report.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from typing import TYPE_CHECKING

from proofs.gates_database import Applied, Stage, open_cluster
from proofs.gates_equivalent import EQUIVALENT, reason_to_exclude
from proofs.gates_guards import FAULTS, Guarded, emptied_suites, tenancy_guards
from proofs.gates_mutants import Mutant, all_mutants, sample
from proofs.gates_report import Found, Result, page, survivors, unused_exclusions
from proofs.gates_static import Squawk, build, judge_statically, open_workspace
from proofs.node.npm import run_node_proof
from proofs.node.supabase import installed_cli
from proofs.report import conclude, parser, positive, progress
from schema_cli.project import platform_stubs
from schema_database import Cluster, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schema_targets.workspace import Workspace

WORKERS = 2
"""How many mutants are judged at once: a CI machine has two cores."""

SHARE = 4
"""Of the mutants that two kinds of gates refuse before there is a database, each of so many is
tried on one all the same."""

LEAST = 400
"""So many mutants the score must be of."""


@dataclass
class _Worker:
    """What a process keeps from one mutant to the next."""

    workspace: Workspace
    squawk: Squawk
    stage: Stage


_worker: list[_Worker] = []
_open = ExitStack()
"""What a process keeps open until it ends."""


def _start(handle: str, cli: tuple[str, ...]) -> None:
    # Ctrl-C is for the process that started this one, which then ends it in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Parse trees are many and have no cycles.
    gc.disable()
    cluster = _open.enter_context(Cluster.attach(handle))
    _worker.append(_make_worker(cluster, cli))


def _make_worker(cluster: Cluster, cli: tuple[str, ...]) -> _Worker:
    workspace = open_workspace()
    stage = Stage(cluster, platform_stubs(workspace), build(workspace, None), cli)
    return _Worker(workspace, Squawk(), stage)


def _judge(task: tuple[int, Mutant]) -> Result:
    number, mutant = task
    worker = _worker[0]
    said = judge_statically(worker.workspace, mutant, worker.squawk)
    result = Result(mutant, said.kills, said.asked)
    if not said.built or mutant.server_wide:
        return result
    chosen = number % SHARE == 0
    if len(result.families) >= 2 and not chosen:
        return result
    # A full play takes longer than all the rest together.
    tenancy = chosen or not said.kills or mutant.path.endswith("/access.sql")
    return result.with_database(worker.stage.judge(said.built, mutant.table, tenancy=tenancy))


def _advise(result: Result) -> Result:
    worker = _worker[0]
    return result.with_database(worker.stage.advise(build(worker.workspace, result.mutant)))


@contextlib.contextmanager
def _workers(handle: str, cli: tuple[str, ...]) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        WORKERS, mp_context=get_context("spawn"), initializer=_start, initargs=(handle, cli)
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _judge_all(pool: ProcessPoolExecutor, mutants: Sequence[Mutant]) -> list[Result]:
    judged = pool.map(_judge, enumerate(mutants), chunksize=4)
    results = list(_counted(judged, len(mutants), "mutants"))
    # The advisors take a second, more than all other gates: one of each operator is shown to them.
    # Which ones is known only now, and so does not depend on which process was faster.
    firsts = _firsts_to_apply(results)
    advised = pool.map(_advise, [results[index] for index in firsts])
    for index, result in zip(firsts, _counted(advised, len(firsts), "advised"), strict=True):
        results[index] = result
    return results


def _firsts_to_apply(results: Sequence[Result]) -> list[int]:
    """Return where the first mutant of each operator is that ran on a database."""
    firsts: dict[str, int] = {}
    for index, result in enumerate(results):
        if result.applied:
            firsts.setdefault(result.mutant.operator, index)
    return list(firsts.values())


def _counted(results: Iterable[Result], total: int, what: str) -> Iterator[Result]:
    for done, result in enumerate(results, 1):
        progress(done, total, what)
        yield result


def _assert_sound(worker: _Worker) -> None:
    """Refuse to go on where the gates complain of the fragments as they are.

    Raises:
        DatabaseError: they do.
    """
    said = judge_statically(worker.workspace, None, worker.squawk)
    applied = advised = Applied({}, ())
    if said.built:
        applied = worker.stage.judge(said.built, "", tenancy=True)
        advised = worker.stage.advise(said.built)
    complaints = {**said.kills, **applied.kills, **advised.kills}
    if complaints or applied.after != "repaired":
        words = "; ".join(f"{gate}: {why}" for gate, why in complaints.items())
        raise DatabaseError(f"the schema itself is refused: {words}", "run `nox` and mend that")


def _prove(most: int | None) -> int:
    gc.disable()
    cli = installed_cli()
    with open_cluster() as cluster:
        worker = _make_worker(cluster, cli)
        _assert_sound(worker)
        everything = all_mutants(worker.workspace)
        same = [mutant for mutant in everything if mutant.same_tree]
        excluded = [m for m in everything if not m.same_tree and reason_to_exclude(m)]
        left_out = {mutant.name for mutant in (*same, *excluded)}
        real = [mutant for mutant in everything if mutant.name not in left_out]
        with _workers(cluster.handle(), cli) as pool:
            results = _judge_all(pool, real if most is None else sample(real, most))
        guards = _guards(cluster, worker)
    return _tell(Found(results, same, excluded, guards), whole=most is None)


def _guards(cluster: Cluster, worker: _Worker) -> list[Guarded]:
    found: list[Guarded] = []
    migration = build(worker.workspace, None)
    in_scenes = tenancy_guards(cluster, worker.stage.template, migration)
    for guarded in chain(in_scenes, emptied_suites()):
        found.append(guarded)
        progress(len(found), FAULTS, "faults in the tests themselves")
    return found


def _tell(found: Found, *, whole: bool) -> int:
    failures = [
        f"survived: {result.mutant.path}:{result.mutant.line}: {result.mutant.name}"
        for result in survivors(found.results)
    ]
    failures += [f"not noticed: {each.fault}" for each in found.guards if not each.noticed]
    failures += [
        f"excludes nothing: {each.pattern}"
        for each in unused_exclusions(EQUIVALENT, found.excluded)
    ]
    if whole and len(found.results) < LEAST:
        failures.append(f"only {len(found.results)} mutants, of at least {LEAST}")
    claims = len(found.results) + len(found.guards)
    return conclude("gates", claims, failures, (lambda: page(found)) if whole else None)


def main() -> int:
    """Run the proof and return its exit status."""
    options = parser("prove_gates", __doc__)
    options.add_argument(
        "--most", type=positive, metavar="N", help="judge so many mutants of each operator: no page"
    )
    arguments = options.parse_args()
    return run_node_proof(lambda: _prove(arguments.most))


if __name__ == "__main__":
    sys.exit(main())
