"""The migration converges: cut off, raced, re-run or re-ordered, it ends in one catalog.

Run it with `nox -s prove_convergence`; its page is docs/proofs/convergence.md.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from proofs.convergence_crashes import prove_crashes
from proofs.convergence_crowds import prove_held_tables, prove_reruns, prove_runners
from proofs.convergence_orders import prove_orders
from proofs.convergence_sabotage import SABOTAGES, prove_able_to_fail
from proofs.convergence_subject import read_subject
from proofs.report import MIGRATION, ROOT, conclude, parser, run_proof
from schema_database import Cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofs.convergence_orders import Edge
    from proofs.convergence_subject import Claim
    from schema_targets.labels import Label


_PAGE = """\
# Convergence

Whatever happens to a run of `{migration}`, running the
file again ends in the catalog of one clean run: columns, defaults, constraints, indexes, policies,
row-level security, grants, owners and comments. All but the orders of all targets and the
dependencies is tried under both privilege regimes of Supabase, with the file as it is committed and
all of its {statements} statements.

| claim | cases | held |
|---|--:|--:|
{claims}

A statement that is DDL is killed from within, by an event trigger at the end of its work; a DO
block likewise at its first DDL; the few others right behind them; all before they are committed.

## Tables in use

PostgreSQL's own message for a lock timeout names neither the table nor who held it; the file says
both, whatever client runs it. This is what our runner shows when a writer holds `workflow_history`:

```
{seen}
```

## Dependencies

Without one dependency, and with everything else as declared, its two targets may change places. The
order in which they do fails, and PostgreSQL says why:

| dependency | declared by | without it |
|---|---|---|
{necessary}

Of these no order can tell, because other dependencies demand the same one. So what the target
depends on is dropped before it applies:

| dependency | declared by | the same order by way of | without it |
|---|---|---|---|
{implied}

## Able to fail

Each fault is put into the file, or into the dependencies, and must be noticed:

| fault | noticed by |
|---|---|
{sabotages}

## What it does not prove

That a run survives a crash of the whole server, which is PostgreSQL's own business; that runs
statement by statement (`psql` without `-1`) may be started at the same time: the advisory lock
needs one transaction; and of the orders, those that were not drawn.

Repeat it with `nox -s prove_convergence`.
"""


def main() -> int:
    """Prove it, write the page and return the exit status."""
    subject = read_subject(ROOT, MIGRATION)
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        held, seen = prove_held_tables(cluster, subject)
        crashes = prove_crashes(cluster, subject)
        runners = prove_runners(cluster, subject)
        reruns = prove_reruns(cluster, subject)
        orders, edges = prove_orders(cluster, subject)
        able_to_fail = prove_able_to_fail(cluster, subject)
    claims = [*crashes, *runners, *reruns, *held, *orders, able_to_fail]
    failures = [failure for claim in claims for failure in claim.failures]
    failures += [f"never tried: {claim.text}" for claim in claims if not claim.cases]
    return conclude(
        "convergence",
        sum(claim.cases for claim in claims),
        failures,
        lambda: _PAGE.format(
            migration=MIGRATION,
            statements=len(subject.statements),
            claims="\n".join(map(_row, claims)),
            seen=seen,
            necessary="\n".join(_necessary(edges)),
            implied="\n".join(_implied(edges)),
            sabotages="\n".join(f"| {each.fault} | {each.noticed_by} |" for each in SABOTAGES),
        ),
    )


def _row(claim: Claim) -> str:
    return f"| {claim.text} | {claim.cases} | {claim.cases - len(claim.failures)} |"


def _necessary(edges: Sequence[Edge]) -> list[str]:
    users: dict[tuple[Label, str], list[Label]] = {}
    for edge in edges:
        if not edge.implied_by:
            users.setdefault((edge.dependency, edge.failure), []).append(edge.user)
    return [
        f"| `{dependency}` | {_listed(users[dependency, failure])} | {failure} |"
        for dependency, failure in sorted(users)
    ]


def _implied(edges: Sequence[Edge]) -> list[str]:
    return [
        f"| `{edge.dependency}` | `{edge.user}` | {_listed(edge.implied_by[1:-1])} |"
        f" {edge.failure} |"
        for edge in sorted(edges, key=lambda edge: (edge.dependency, edge.user))
        if edge.implied_by
    ]


def _listed(labels: Sequence[Label]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


if __name__ == "__main__":
    parser("prove_convergence", __doc__).parse_args()
    sys.exit(run_proof(main))
