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
from proofs.tenancy_demands import DEMANDS, LEAST_REFUSED, LEAST_TOUCHED, unmet
from proofs.tenancy_disclosures import DISCLOSURES, observe
from proofs.tenancy_machine import SEED, explore
from proofs.tenancy_sabotage import sabotages
from proofs.tenancy_trial import CHECKS, CounterexampleError, Tally, lost, opened, shortened
from schema_cli.project import platform_stubs
from schema_database import Cluster, PrivilegeRegime
from schema_sql.source import read_source
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


def migrated(cluster: Cluster, regime: PrivilegeRegime) -> Template:
    """Return a template of the platform with the migration as it is committed."""
    stubs = platform_stubs(load(find_files(ROOT)))
    migration = read_source(ROOT / MIGRATION, MIGRATION).text
    return cluster.template(regime, stubs, [(MIGRATION, migration)])


@contextmanager
def session(
    cluster: Cluster, template: Template, sabotage: Sabotage | None = None
) -> Iterator[Session]:
    """Open a session on a clone of its own; a sabotaged one makes only the check that must see it.

    Raises:
        DatabaseError: the connection was lost.
    """
    try:
        with cluster.clone(template) as database:
            if sabotage:
                with psycopg.connect(database.url, autocommit=True) as connection:
                    connection.execute(sabotage.sql.encode())
            with opened(database.url, frozenset({sabotage.check}) if sabotage else CHECKS) as found:
                yield found
    except psycopg.OperationalError as error:
        raise lost(error) from error


def hunt(found: Session) -> CounterexampleError | None:
    """Look for a counterexample; None if there is none."""
    try:
        explore(found, Tally(), _HUNTED, steps=_HUNT_STEPS)
    except CounterexampleError as error:
        return error
    return None


def prove(wanted: int) -> int:
    """Do so many operations, then try every sabotage; write the page, return the exit status."""
    sys.stdout.write(f"seed {SEED}\n")
    tally = Tally(
        step=lambda done: progress(done, wanted, "operations") if done <= wanted else None
    )
    hunted = list(itertools.product(sabotages(), PrivilegeRegime))
    whole = wanted == OPERATIONS
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        templates = {regime: migrated(cluster, regime) for regime in PrivilegeRegime}
        failures = differences(cluster, list(templates.values()), tally, wanted)
        sys.stdout.write(counts(tally))
        if whole and not failures:
            failures += unmet(tally)
        claims = tally.total + len(DISCLOSURES) * len(templates)
        # What is wrong already is noticed in every sabotaged database, whatever was done to it.
        for number, (sabotage, regime) in enumerate([] if failures else hunted, 1):
            with session(cluster, templates[regime], sabotage) as found:
                if not (counterexample := hunt(found)):
                    failures.append(f"not noticed: {sabotage.name} ({regime}), {sabotage.check}")
                elif regime is hunted[0][1]:
                    story = "; ".join(shortened(found, counterexample).story())
                    sys.stdout.write(f"{sabotage.name}: {story}\n")
            claims += 1
            progress(number, len(hunted), "sabotages")
    return conclude("tenancy", claims, failures, page if whole else None)


def differences(
    cluster: Cluster, templates: list[Template], tally: Tally, wanted: int
) -> list[str]:
    """Return in what the database differs from the model and from what is documented.

    Args:
        cluster: where the databases are.
        templates: the migrated databases; each gets an equal part of the operations.
        tally: is added to.
        wanted: how many operations it shall have.

    Raises:
        DatabaseError: the connection was lost.
    """
    found = []
    start = SEED
    for number, template in enumerate(templates, 1):
        with session(cluster, template) as opened_session:
            try:
                goal = wanted * number // len(templates)
                start = explore(opened_session, tally, goal, start=start)
            except CounterexampleError as error:
                short = shortened(opened_session, error)
                found.append(f"the database differs from the model ({template.regime}):\n{short}")
            found += [
                f"not as documented ({template.regime}): {disclosure.words}"
                for disclosure in DISCLOSURES
                if not observe(opened_session, disclosure)
            ]
    return found


def counts(tally: Tally) -> str:
    """Return how often what was drawn; it depends on the draws, so it is no part of the page."""
    return (
        f"{tally.total:,} operations, {tally.either:,} of them with two right answers\n"
        f"{tally.views:,} views, {tally.told:,} errors and notices searched,"
        f" {tally.alike:,} refusals sent again with unknown keys\n"
        f"{_counted(tally.operations)}{_counted(tally.callers)}"
    )


def _counted(counter: Counter[tuple[str, str]]) -> str:
    lines = []
    for name, group in itertools.groupby(sorted(counter), key=lambda each: each[0]):
        results = ", ".join(f"{result} {counter[name, result]:,}" for _, result in group)
        lines.append(f"{name}: {results}\n")
    return "".join(lines)


def page() -> str:
    """Return the report of a whole run without failures; nothing in it depends on the draws."""
    tried = list(sabotages())
    text = f"""# Tenancy, by random operations

Tenants, the engine (`service_role`), anonymous callers and strangers sent {OPERATIONS:,} random
statements, half of them under each privilege regime of Supabase. Each did what a model in Python
says it must: it touched so many rows, returned these values, or failed with this error code. After
each, callers saw in all six tables what the model says. No error and no notice held a value that
the caller neither sees nor named.

Hypothesis draws the statements (`RuleBasedStateMachine`, seed {SEED} and its successors), up to 50
from one empty or furnished database to the next; one that repeats the one before is not counted.
Each runs in a savepoint under `SET LOCAL ROLE` and `request.jwt.claims`, as the Data API's do. The
model (`proofs/tenancy_model.py`) is written from the requirements, not from the policies.

Each example has three tenants of six whose codes are easily taken for one another: one is the
beginning of another, one is a pattern that fits another, one differs from another in its capitals,
one holds a quote, one a percent sign. Strangers have no token, or their `app_code` is missing,
null, empty, an array, an object, a number, a boolean, a pattern, in other capitals, behind a
blank, a letter longer or shorter, of no application, or in `app_metadata` alone; all but the first
claim a tenant in `user_metadata` and the role `service_role`. Those who look after each statement
are the three tenants, `service_role` and two strangers in turn, all of them at the beginning;
`anon` must be refused.

A statement that was refused, and names a key of a row that the caller does not see, is sent again
with a key that nobody has: message, detail, hint, context and the names of table and constraint
must be the same, but for the key. Unique keys are the exception, told below.

The session fails unless each operation touched rows at least {LEAST_TOUCHED} times, where somebody
may do it at all, and was refused with each of these codes at least {LEAST_REFUSED} times. It prints
how often that was.

| operation | touched rows | refused with |
|---|---|---|
{_lines(_demanded())}

22P02 is a condition that takes a note for a number, and says in its error what it read. 21000 is an
upsert that meets its own new row.

## What a tenant can learn of others

This is what we know of, and the proof holds each; it is no bound.

| with | by | learns |
|---|---|---|
{_lines(f"| {each.key} | {each.words} | {each.learns} |" for each in DISCLOSURES)}

The first three and the last are open to the Data API too. The others need SQL of one's own, as
`authenticated`; the Data API has no such statements. Before 18.7, 17.12, 16.16 and 15.20,
PostgreSQL evaluates the condition of `DO UPDATE … WHERE` on the row in the way, and only then do
the policies refuse that row (CVE-2026-120154): the proof wants the one answer before these versions
and 42501 from them on. A `MERGE` that reads no column passes over the policies for reading, unless
it does nothing but `DO NOTHING` with rows that match; what it meets so, it can neither read nor
change. No version that we know of mends that, nor `EXPLAIN ANALYZE`. Run a PostgreSQL that is
mended, and give tenants neither SQL nor a function that puts conditions of theirs into it.

## What it would notice

The same statements were sent, under each regime, to databases that were each sabotaged in one
place. All {len(tried)} were noticed under both, with every check but one switched off: `view` is
what callers see, `outcome` how many rows a statement touched or its error code, `rows` what it
returned, `told` the search in errors and notices, `alike` the comparison with an unknown key. The
session prints what is left of the statements that noticed each when all idle ones are left out.

| sabotage | databases | noticed by |
|---|---:|---|
{_lines(_sabotaged(tried))}

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


def _demanded() -> Iterator[str]:
    for kind, demand in DEMANDS.items():
        yield f"| {kind} | {'yes' if demand.touched else 'never'} | {', '.join(demand.refused)} |"


def _sabotaged(tried: list[Sabotage]) -> Iterator[str]:
    for (kind, check), group in itertools.groupby(tried, key=lambda each: (each.kind, each.check)):
        yield f"| {kind} | {len(list(group))} | `{check}` |"


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
