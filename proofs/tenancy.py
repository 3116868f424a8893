"""Proves tenancy by random operations, and that the proof would notice; run as a module."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from proofs.report import ROOT, closing_line, progress, run_proof, write_report
from proofs.tenancy_disclosures import DISCLOSURES, observe
from proofs.tenancy_machine import SEED, explore
from proofs.tenancy_sabotage import sabotages
from proofs.tenancy_trial import CounterexampleError, Tally, opened, shortened
from schema_database import Cluster, PrivilegeRegime
from schema_sql.source import SourceError, read_source
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from proofs.tenancy_sabotage import Sabotage
    from proofs.tenancy_trial import Session
    from schema_database import Template

MIGRATION = "supabase/migrations/20251120_phase1d_workflow_tables.sql"
OPERATIONS = 10_000

_HUNTED = 20_000
_HUNT_STEPS = 30

_RESULTS = ("allowed", "42501", "23502", "23503", "23505", "23514", "0A000")


def migrated(cluster: Cluster) -> Template:
    """Return a template of the platform with the migration as it is committed."""
    workspace = load(find_files(ROOT))
    stubs = []
    for target in workspace.externals():
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            raise sql
        stubs.append((sql.path, sql.source.text))
    migration = read_source(ROOT / MIGRATION, MIGRATION).text
    return cluster.template(PrivilegeRegime.EXPLICIT, stubs, [(MIGRATION, migration)])


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof and write its page; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m proofs.tenancy", description=__doc__)
    parser.add_argument(
        "--operations", type=int, default=OPERATIONS, help="how many (default: %(default)s)"
    )
    wanted = parser.parse_args(arguments).operations
    sys.stdout.write(f"seed {SEED}\n")
    tally = Tally(
        step=lambda done: progress(done, wanted, "operations") if done <= wanted else None
    )
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        template = migrated(cluster)
        differences = []
        with session(cluster, template) as found:
            try:
                explore(found, tally, wanted)
            except CounterexampleError as error:
                sys.stdout.write(f"the database differs from the model:\n{error}\n")
                differences.append(error)
            seen = [observe(found, disclosure) for disclosure in DISCLOSURES]
        wrong = [each for each, right in zip(DISCLOSURES, seen, strict=True) if not right]
        for disclosure in wrong:
            sys.stdout.write(f"not as documented: {disclosure.words}\n")
        hunted = list(sabotages())
        caught = []
        for number, sabotage in enumerate(hunted, 1):
            with session(cluster, template, sabotage) as found:
                caught.append((sabotage, hunt(found)))
            progress(number, len(hunted), "sabotages")
    missed = [sabotage for sabotage, error in caught if error is None]
    for sabotage in missed:
        sys.stdout.write(f"not noticed: {sabotage.name}\n")
    failed = len(differences) + len(wrong) + len(missed)
    if not failed and wanted == OPERATIONS:
        write_report("tenancy", page(tally, [(each, error) for each, error in caught if error]))
    claims = tally.total + len(differences) + len(DISCLOSURES) + len(hunted)
    return closing_line(claims - failed, failed)


def page(tally: Tally, caught: list[tuple[Sabotage, CounterexampleError]]) -> str:
    """Return the report."""
    return f"""# Tenancy, by random operations

**Proved:** three tenants, the engine (`service_role`), anonymous callers and nine kinds of
strangers (no token; `app_code` missing, null, empty, an array, an object, a pattern, in capitals,
of no application) sent {tally.total:,} random statements, not counting any that repeats the one
before. Each did what a model in Python says it must: so many rows, these values returned, or this
error code. After each, all six tables were read as each of the three tenants, as `authenticated`
without a token and with an array for a claim, and as `service_role`: all modelled columns were the
model's. `anon` was refused all six. That makes {tally.views:,} views. {tally.errors:,} error
messages, with details and hints, were searched for values of rows that the caller neither sees nor
named himself: there was none.

**How:** Hypothesis draws the statements (`RuleBasedStateMachine`, seed {SEED} and its successors),
up to 50 from one empty or furnished database to the next. Each runs in a savepoint under
`SET LOCAL ROLE` and `request.jwt.claims`, as the Data API's do. The model
(`proofs/tenancy_model.py`) is written from the requirements, not from the policies. {tally.either}
statements had two right answers: rows that fail for different reasons, or the last two lines below.

{_table("operation", tally.operations)}

{_table("caller", tally.callers)}

## What a tenant can learn of others

Unique keys let a tenant who has a key ask whether it is taken. The proof holds that this is so:

| with | by | learns |
|---|---|---|
{_lines([f"| {each.key} | {each.words} | {each.learns} |" for each in DISCLOSURES])}

The last two need SQL of one's own, as `authenticated`: PostgreSQL 18.6 evaluates the condition of
`DO UPDATE … WHERE` on the row in the way before the policies refuse that row. 15.20, of November
2026, refuses it first (42501, whatever the condition), and the proof takes either. The Data API has
no such condition. Run a PostgreSQL that refuses first, or give tenants neither SQL nor a function
that upserts on conditions of theirs.

## What it would notice

The same statements were sent to {len(caught)} databases that were each sabotaged in one place. Each
was noticed; what is left of the statements that noticed it when all idle ones are left out:

| sabotage | counterexample |
|---|---|
{_lines([f"| {each.name} | {_story(error)} |" for each, error in caught])}

**Not proved:** concurrency (one connection; see convergence), timing, planner estimates and
statistics, `MERGE`, and columns that no rule of tenancy is about.

Again: `nox -s prove_tenancy`."""


def _lines(lines: list[str]) -> str:
    return "\n".join(lines)


def _story(error: CounterexampleError) -> str:
    return "; ".join(error.story()).replace("|", "\\|").replace("; =>", " =>")


def _table(what: str, counts: Counter[tuple[str, str]]) -> str:
    others = sorted({result for _, result in counts} - set(_RESULTS))
    results = (*_RESULTS, *others)
    lines = [
        f"| {what} | {' | '.join(results)} |",
        "|---" + "|---:" * len(results) + "|",
    ]
    for name in sorted({name for name, _ in counts}):
        cells = [f"{counts[name, result]:,}" if counts[name, result] else "" for result in results]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return _lines(lines)


if __name__ == "__main__":
    sys.exit(run_proof(main))
