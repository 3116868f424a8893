"""Proof that the gates see faults: every mutant of the fragments is refused by one that is named.

Run it from the root: `python -m proofs.gates`. To develop with, `--most N` judges so many mutants
of each operator, spread over the tables, and writes no report.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import psycopg

from proofs.gates_copies import noticed
from proofs.gates_database import Applied, Scenes, Stage, open_cluster
from proofs.gates_equivalent import EQUIVALENT, TRACELESS, find_reason
from proofs.gates_guards import WORLDS, emptied_suites, tenancy_guards
from proofs.gates_mutants import Mutant, all_mutants, sample
from proofs.gates_report import (
    GATES,
    Found,
    Result,
    counts,
    idle_gates,
    page,
    silent_rules,
    survivors,
    unused_reasons,
)
from proofs.gates_shipped import faults_in_what_is_shipped
from proofs.gates_static import Squawk, build, judge_statically, open_workspace
from proofs.node.npm import run_node_proof
from proofs.node.supabase import installed_cli
from proofs.report import conclude, parser, positive, progress
from schema_cli.project import platform_stubs
from schema_database import Cluster, DatabaseError
from schema_lint import rules
from schema_sql.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from proofs.gates_copies import Fault, Guarded
    from schema_targets.workspace import Workspace

    T = TypeVar("T")

WORKERS = 2
"""How many mutants are judged at once: a CI machine has two cores."""

SHARE = 8
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
    chosen = number % SHARE == 0
    with _named(mutant):
        result, built = _judged_statically(mutant)
        if not built or mutant.server_wide or (len(result.families) >= 2 and not chosen):
            return result
        # A full play takes longer than all the rest together.
        play = chosen or not result.kills or mutant.path.endswith("/access.sql")
        scenes = Scenes.IF_CHANGED if play else Scenes.NEVER
        return result.with_database(_worker[0].stage.judge(built, mutant.table, scenes=scenes))


def _judge_excluded(mutant: Mutant) -> Result:
    with _named(mutant):
        result, built = _judged_statically(mutant)
        if not built:
            return result
        stage = _worker[0].stage
        return result.with_database(stage.judge(built, mutant.table, scenes=Scenes.NEVER))


def _judged_statically(mutant: Mutant) -> tuple[Result, str]:
    worker = _worker[0]
    said = judge_statically(worker.workspace, mutant, worker.squawk)
    result = Result(mutant, said.kills, said.asked, bool(said.built), crashes=said.crashes)
    return result, said.built


def _advise(result: Result) -> Result:
    worker = _worker[0]
    with _named(result.mutant):
        return result.with_database(worker.stage.advise(build(worker.workspace, result.mutant)))


@contextlib.contextmanager
def _named(mutant: Mutant) -> Iterator[None]:
    """Say which mutant was judged when the judging itself failed."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseError(f"{mutant.name}: {error.fact}", error.remedy) from error
    except psycopg.OperationalError as error:
        raise DatabaseError(f"{mutant.name}: the server failed: {error}", "run it again") from error


@contextlib.contextmanager
def _workers(handle: str, cli: tuple[str, ...]) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        WORKERS, mp_context=get_context("spawn"), initializer=_start, initargs=(handle, cli)
    )
    try:
        _start_processes(pool)
        yield pool
    except BrokenProcessPool as error:
        raise DatabaseError(
            "a process that judged mutants died", "look whether memory ran out, and run it again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_processes(pool: ProcessPoolExecutor) -> None:
    # While they import, Ctrl-C would end each of them in a traceback of its own; they inherit this.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # Each task that finds nobody idle starts one.
        for _ in range(WORKERS):
            pool.submit(gc.disable)
    finally:
        signal.signal(signal.SIGINT, before)


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


def _counted(results: Iterable[T], total: int, what: str) -> Iterator[T]:
    for done, result in enumerate(results, 1):
        progress(done, total, what)
        yield result


def assert_sound(worker: _Worker) -> None:
    """Refuse to go on where a gate complains of the fragments as they are, or was not asked.

    Args:
        worker: what judges.

    Raises:
        DatabaseError: one does, or was not.
    """
    said = judge_statically(worker.workspace, None, worker.squawk)
    applied = advised = Applied({}, ())
    if said.built:
        applied = worker.stage.judge(said.built, "", scenes=Scenes.ALWAYS)
        advised = worker.stage.advise(said.built)
    complaints = [
        f"{gate}: {why}" for each in (said, applied, advised) for gate, why in each.kills.items()
    ]
    complaints += [*said.crashes, *applied.crashes]
    asked = {*said.asked, *applied.asked, *advised.asked}
    complaints += [f"{gate} was not asked" for gate in GATES if gate not in asked]
    if applied.after != "repaired" or not applied.unchanged:
        complaints.append("a second run changes it")
    if complaints:
        words = "; ".join(complaints)
        raise DatabaseError(f"the schema itself is refused: {words}", "run `nox` and mend that")


def _prove(most: int | None) -> int:
    gc.disable()
    cli = installed_cli()
    with open_cluster() as cluster:
        worker = _make_worker(cluster, cli)
        assert_sound(worker)
        everything = all_mutants(worker.workspace)
        same = [mutant for mutant in everything if mutant.same_tree]
        others = [mutant for mutant in everything if not mutant.same_tree]
        excluded = [mutant for mutant in others if find_reason(EQUIVALENT, mutant)]
        real = [mutant for mutant in others if not find_reason(EQUIVALENT, mutant)]
        with _workers(cluster.handle(), cli) as pool:
            results = _judge_all(pool, real if most is None else sample(real, most))
            left_out = pool.map(_judge_excluded, excluded)
            left_out_results = list(_counted(left_out, len(excluded), "equivalent"))
        in_scenes = tenancy_guards(cluster, worker.stage.template, build(worker.workspace, None))
        worlds = list(_counted(in_scenes, WORLDS, "faults in how the scenes are played"))
    found = Found(
        results,
        same,
        left_out_results,
        worlds,
        _noticed(emptied_suites(), "faults in the tests"),
        _noticed(faults_in_what_is_shipped(), "faults in what the build adds"),
        [rule.id for rule in rules()] if most is None else (),
    )
    failed = failures(found, whole=most is None)
    claims = len(found.results) + len(found.excluded) + len(found.guarded)
    originals = _texts(worker.workspace)
    write = (lambda: page(found, originals)) if most is None else None
    sys.stdout.write(f"{counts(found)}\n")
    return conclude("gates", claims, failed, write)


def _texts(workspace: Workspace) -> dict[str, str]:
    sources = workspace.files.sources.items()
    return {path: source.text for path, source in sources if isinstance(source, Source)}


def _noticed(faults: Sequence[Fault], what: str) -> list[Guarded]:
    return list(_counted(noticed(faults), len(faults), what))


def failures(found: Found, *, whole: bool) -> list[str]:
    """Say what did not hold.

    Args:
        found: what the proof found.
        whole: whether every mutant was judged, so that what never happened is a failure too.

    Returns:
        A line for each.
    """
    lines = [
        f"survived: {_place(result)}"
        + (" (only the guard refuses it, which compares with production)" if result.kills else "")
        for result in survivors(found.results)
    ]
    judged = [*found.results, *found.excluded]
    lines += [f"crashed: {why}: {_place(each)}" for each in judged for why in each.crashes]
    lines += [
        f"ends as the original does, and no reason says why it counts: {_place(result)}"
        for result in found.results
        if result.unchanged and not find_reason(TRACELESS, result.mutant)
    ]
    lines += [
        f"not equivalent: {_place(result)}: {dict(result.kills)}"
        for result in found.excluded
        if not result.unchanged
    ]
    lines += [f"not noticed: {each.fault}" for each in found.guarded if not each.noticed]
    return lines + (_never(found) if whole else [])


def _never(found: Found) -> list[str]:
    traceless = [result.mutant for result in found.results if result.unchanged]
    equivalent = [result.mutant for result in found.excluded]
    unused = [*unused_reasons(EQUIVALENT, equivalent), *unused_reasons(TRACELESS, traceless)]
    lines = [f"a reason for nothing: {each.pattern}" for each in unused]
    lines += [f"refuses no mutant: {gate}" for gate in idle_gates(found.results)]
    lines += [
        f"refuses no mutant: rule {rule}"
        for rule in silent_rules(found.rules, [*found.results, *found.excluded])
    ]
    if len(found.results) < LEAST:
        lines.append(f"only {len(found.results)} mutants, of at least {LEAST}")
    return lines


def _place(result: Result) -> str:
    return f"{result.mutant.path}:{result.mutant.line}: {result.mutant.name}"


def main() -> int:
    """Run the proof.

    Returns:
        Its exit status.
    """
    options = parser("prove_gates", __doc__)
    options.add_argument(
        "--most", type=positive, metavar="N", help="judge so many mutants of each operator: no page"
    )
    arguments = options.parse_args()
    return run_node_proof(lambda: _prove(arguments.most))


if __name__ == "__main__":
    sys.exit(main())
