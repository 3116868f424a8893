"""Proves tenancy by random operations, and that the proof would notice; run as a module."""

from __future__ import annotations

import itertools
import os
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from proofs.report import ROOT, conclude, parser, positive, progress, run_proof
from proofs.tenancy_disclosures import DISCLOSURES, observe
from proofs.tenancy_machine import SEED, explore
from proofs.tenancy_sabotage import sabotages
from proofs.tenancy_trial import CounterexampleError, Tally, opened, shortened
from schema_database import Cluster, PrivilegeRegime
from schema_sql.source import SourceError, read_source
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from proofs.tenancy_sabotage import Sabotage
    from proofs.tenancy_trial import Session
    from schema_database import Template

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"
OPERATIONS = 10_000

_HUNTED = 20_000
_HUNT_STEPS = 30

_RESULTS = ("allowed", "42501", "23502", "23503", "23505", "23514", "22P02", "0A000")

_CALLERS = {
    "tenant": "three tenants",
    "stranger": "nine strangers",
    "anon": "`anon`",
    "service_role": "`service_role`",
}


def migrated(cluster: Cluster, regime: PrivilegeRegime) -> Template:
    """Return a template of the platform with the migration as it is committed."""
    workspace = load(find_files(ROOT))
    stubs = []
    for target in workspace.externals():
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            raise sql
        stubs.append((sql.path, sql.source.text))
    migration = read_source(ROOT / MIGRATION, MIGRATION).text
    return cluster.template(regime, stubs, [(MIGRATION, migration)])


@contextmanager
def session(
    cluster: Cluster, template: Template, sabotage: Sabotage | None = None
) -> Iterator[Session]:
    """Open a session on a clone of its own, sabotaged or not."""
    with cluster.clone(template) as database:
        if sabotage:
            with psycopg.connect(database.url, autocommit=True) as connection:
                connection.execute(sabotage.sql.encode())
        with opened(database.url) as found:
            yield found


def hunt(found: Session) -> CounterexampleError | None:
    """Look for a counterexample and make it short; None if there is none."""
    try:
        explore(found, Tally(), _HUNTED, steps=_HUNT_STEPS)
    except CounterexampleError as error:
        return shortened(found, error)
    return None


def prove(wanted: int) -> int:
    """Do so many operations, then try every sabotage; write the page, return the exit status."""
    sys.stdout.write(f"seed {SEED}\n")
    tally = Tally(
        step=lambda done: progress(done, wanted, "operations") if done <= wanted else None
    )
    failures = []
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        templates = [migrated(cluster, regime) for regime in PrivilegeRegime]
        start = SEED
        for number, template in enumerate(templates, 1):
            with session(cluster, template) as found:
                try:
                    goal = wanted * number // len(templates)
                    start = explore(found, tally, goal, start=start)
                except CounterexampleError as error:
                    failures.append(f"the database differs from the model:\n{error}")
                failures += [
                    f"not as documented: {disclosure.words}"
                    for disclosure in DISCLOSURES
                    if not observe(found, disclosure)
                ]
        hunted = list(itertools.product(sabotages(), templates))
        noticed: dict[Sabotage, CounterexampleError] = {}
        for number, (sabotage, template) in enumerate(hunted, 1):
            with session(cluster, template, sabotage) as found:
                counterexample = hunt(found)
            if counterexample:
                noticed.setdefault(sabotage, counterexample)
            else:
                failures.append(f"not noticed: {sabotage.name} ({template.regime})")
            progress(number, len(hunted), "sabotages")
    claims = tally.total + len(DISCLOSURES) * len(templates) + len(hunted)
    whole = wanted == OPERATIONS
    return conclude("tenancy", claims, failures, (lambda: page(tally, noticed)) if whole else None)


def page(tally: Tally, noticed: dict[Sabotage, CounterexampleError]) -> str:
    """Return the report."""
    text = f"""# Tenancy, by random operations

Three tenants, the engine (`service_role`), anonymous callers and nine kinds of strangers sent
{tally.total:,} random statements, half of them under each privilege regime of Supabase. Each did
what a model in Python says it must: so many rows, these values returned, or this error code. After
each, everybody saw in all six tables what the model says: {tally.views:,} views. {tally.errors:,}
error messages, with details and hints, held no value that the caller neither sees nor named.

Hypothesis draws the statements (`RuleBasedStateMachine`, seed {SEED} and its successors), up to 50
from one empty or furnished database to the next; one that repeats the one before is not counted.
Each runs in a savepoint under `SET LOCAL ROLE` and `request.jwt.claims`, as the Data API's do. The
model (`proofs/tenancy_model.py`) is written from the requirements, not from the policies. The views
are those of each tenant, of `service_role`, and of `authenticated` without a token and with an
array for a claim; `anon` must be refused. Strangers have no token, or an `app_code` that is
missing, null, empty, an array, an object, a pattern, in capitals or of no application.
{tally.either} statements had two right answers: rows that fail for different reasons, or an upsert
whose condition meets another tenant's row, told below.

{_table("operation", tally.operations, {name: name for name, _ in sorted(tally.operations)})}

{_table("caller", tally.callers, _CALLERS)}

22P02 is a condition that takes a note for a number, and says in its error what it read.

## What a tenant can learn of others

Unique keys let a tenant who has a key ask whether it is taken. The proof holds that this is so:

| with | by | learns |
|---|---|---|
{_lines(f"| {each.key} | {each.words} | {each.learns} |" for each in DISCLOSURES)}

The last three need SQL of one's own, as `authenticated`; the Data API has no such statements.
Before 18.7, 17.12, 16.16 and 15.20, PostgreSQL evaluates the condition of `DO UPDATE … WHERE` on
the row in the way, and only then do the policies refuse that row (CVE-2026-120154). `MERGE`, in
18.6, 17.10, 16.14 and 15.18, passes over the policies for reading where it reads no column, though
PostgreSQL's manual says that they always filter its rows; what it meets so, it can neither read nor
change. The proof takes these three as they are and as they should be. Run a PostgreSQL that is
mended, or give tenants neither SQL nor a function that puts conditions of theirs into either.

## What it would notice

The same statements were sent, under each regime, to databases that were each sabotaged in one
place. All {len(noticed)} were noticed under both. Of each kind, one, and what is left of the
statements that noticed it when all idle ones are left out:

| sabotage | databases | one of them |
|---|---:|---|
{_lines(_sabotaged(noticed))}

**Not proved:** concurrency (one connection; see convergence), timing, and columns that no rule of
tenancy is about. **Known not to hold:** the planner's estimates tell about other tenants' rows
(docs/decisions.md).

Again: `nox -s prove_tenancy`."""
    return "\n\n".join(map(_wrapped, text.split("\n\n")))


def _wrapped(block: str) -> str:
    # Again, because numbers and names are of any length.
    if block.startswith(("#", "|")):
        return block
    return textwrap.fill(" ".join(block.split()), 100, break_on_hyphens=False)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _sabotaged(noticed: dict[Sabotage, CounterexampleError]) -> Iterator[str]:
    for kind, group in itertools.groupby(noticed, key=lambda each: each.kind):
        first, *others = group
        story = "; ".join(noticed[first].story()).replace("|", "\\|").replace("; =>", " =>")
        yield f"| {kind} | {1 + len(others)} | {first.place}: {story} |"


def _table(what: str, counts: Counter[tuple[str, str]], rows: dict[str, str]) -> str:
    others = sorted({result for _, result in counts} - set(_RESULTS))
    results = (*_RESULTS, *others)
    lines = [f"| {what} | {' | '.join(results)} |", "|---" + "|---:" * len(results) + "|"]
    for name, words in rows.items():
        cells = [f"{counts[name, result]:,}" if counts[name, result] else "" for result in results]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return _lines(lines)


if __name__ == "__main__":
    options = parser("prove_tenancy", __doc__)
    options.add_argument(
        "--operations",
        type=positive,
        metavar="N",
        default=OPERATIONS,
        help="do so many; no page but for %(default)s",
    )
    arguments = options.parse_args()
    sys.exit(run_proof(lambda: prove(arguments.operations)))
