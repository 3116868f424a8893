"""Runs that are not alone: knows other runners, readers and writers, and what none may change."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Identifier

from proofs.convergence_subject import Claim, open_session, session
from proofs.report import progress
from schema_database import (
    ApplyError,
    DatabaseError,
    PrivilegeRegime,
    apply_as_one_transaction,
    apply_statement_by_statement,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from proofs.convergence_subject import Subject
    from schema_database import Catalog, Cluster, Database, Template

RUNNERS = (25, 100)
"""How many deployments start at once."""

LOCK_TIMEOUT = "55P03"
"""PostgreSQL's code for having given up waiting: lock_not_available."""

_BYSTANDER_WAITS = "3s"
"""A second more than a run makes others wait, because the machine is busy with this proof."""

ROWS = 1000
"""How many rows each table holds when the file is run again."""

_LOAD = f"""
INSERT INTO public.applications (app_code, app_name)
SELECT 'app_' || n, 'Application ' || n FROM generate_series(0, 9) AS n;
INSERT INTO public.function_registry (app_code, function_code, implementation_type)
SELECT 'app_' || n % 10, 'function_' || n, 'SERVICE_TASK' FROM generate_series(1, {ROWS}) AS n;
INSERT INTO public.workflow_definitions (app_code, workflow_code, name, model_structure)
SELECT 'app_' || n % 10, 'workflow_' || n, 'Workflow', '{{}}' FROM generate_series(1, {ROWS}) AS n;
INSERT INTO public.workflow_instances (app_code, workflow_definition_id, workflow_code)
SELECT app_code, id, workflow_code FROM public.workflow_definitions;
INSERT INTO public.instance_context (app_code, workflow_instance_id)
SELECT app_code, id FROM public.workflow_instances;
INSERT INTO public.instance_tasks
  (app_code, workflow_instance_id, workflow_code, function_code, node_id, task_type)
SELECT app_code, id, workflow_code, 'function_1', 'start', 'SERVICE_TASK'
FROM public.workflow_instances;
INSERT INTO public.workflow_history (app_code, workflow_instance_id, event_type, task_id)
SELECT app_code, workflow_instance_id, 'TASK_CREATED', id FROM public.instance_tasks;
"""  # noqa: S608 - the only thing put in is our own number

_AS_ONE = "as one transaction"
_WAYS: dict[str, list[str]] = {
    _AS_ONE: [],
    "statement by statement": 2 * ["WARNING: SET LOCAL can only be used in transaction blocks"],
}
"""How the file is run again, and what warnings that way gives by itself."""

_RESERVED = 20
"""Connections that are the administrator's, or others' on a borrowed server."""

_MARGIN = 3.0
"""Seconds that a run may take besides waiting, on a machine busy with twelve of them."""

_HOLDS = {
    "reader": SQL("SELECT count(*) FROM public.{}"),
    "writer": SQL("UPDATE public.{} SET created_at = created_at"),
}


def prove_runners(
    cluster: Cluster,
    subject: Subject,
    runners: Sequence[int] = RUNNERS,
    regimes: Sequence[PrivilegeRegime] = tuple(PrivilegeRegime),
) -> list[Claim]:
    """Start many runs at once.

    Args:
        cluster: where.
        subject: the migration.
        runners: how many at once, for each claim.
        regimes: under which it is tried.

    Raises:
        DatabaseError: the server does not take so many connections.
    """
    free = _free_connections(cluster, subject)
    if free < max(runners):
        raise DatabaseError(
            f"the server has {free} connections to spare, and {max(runners)} runs need one each",
            f"set max_connections = {max(runners) + 2 * _RESERVED} there, or unset DATABASE_URL",
        )
    claims = []
    for count in runners:
        claim = Claim(
            f"{count} runners at once, on an empty and on a migrated database: each succeeds or"
            f" gives up cleanly ({LOCK_TIMEOUT}, lock_timeout), at least one succeeds, and the"
            " catalog is a clean run's."
        )
        for regime in regimes:
            clean = subject.clean(cluster, regime)
            for state, template in (
                ("an empty database", subject.platform(cluster, regime)),
                ("a migrated database", subject.migrated(cluster, regime)),
            ):
                with cluster.clone(template) as database:
                    outcomes = _race(database, subject, count)
                    with session(database) as connection:
                        problems = diff_catalogs(clean, read_catalog(connection))
                said = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
                case = f"{regime}, {count} runners on {state}"
                sys.stdout.write(f"{case}: {said}\n")
                if set(outcomes) - {"succeeded", LOCK_TIMEOUT} or not outcomes["succeeded"]:
                    problems.append(said)
                claim.judge(case, problems)
        claims.append(claim)
    return claims


def prove_reruns(
    cluster: Cluster,
    subject: Subject,
    regimes: Sequence[PrivilegeRegime] = tuple(PrivilegeRegime),
) -> list[Claim]:
    """Run the file again over tables full of rows.

    Args:
        cluster: where.
        subject: the migration.
        regimes: under which it is tried.
    """
    claim = Claim(
        f"A re-run over {ROWS:,} rows a table, as one transaction and statement by statement,"
        " changes nothing: same catalog, no relfilenode rewritten, no row moved or written"
        " (ctid, xmin, xmax, content), no temporary table left, and no warning but the one that"
        " each SET LOCAL gives outside a transaction."
    )
    for regime in regimes:
        clean = subject.clean(cluster, regime)
        with cluster.clone(_loaded(cluster, subject, regime)) as database:
            for way, expected in _WAYS.items():
                with session(database) as connection:
                    before = _footprint(connection, subject)
                    problems = [
                        f"{table} has {len(before[f'rows of {table}'])} rows to begin with"
                        for table in subject.tables
                        if len(before[f"rows of {table}"]) < ROWS
                    ]
                    try:
                        warnings = _run(connection, subject, way)
                        problems += [] if warnings == expected else warnings
                    except ApplyError as error:
                        problems.append(str(error))
                    problems += diff_catalogs(clean, read_catalog(connection))
                    problems += _changes(before, _footprint(connection, subject))
                    claim.judge(f"{regime}, re-run {way}", problems)
    return [claim]


def prove_held_tables(
    cluster: Cluster,
    subject: Subject,
    regimes: Sequence[PrivilegeRegime] = tuple(PrivilegeRegime),
) -> tuple[list[Claim], str]:
    """Run the file while somebody uses a table.

    Args:
        cluster: where.
        subject: the migration.
        regimes: under which it is tried.

    Returns:
        The claims, and what a user sees in one of the cases.
    """
    claim = Claim(
        "A re-run while a reader or a writer holds a table, for each table: gives up"
        f" ({LOCK_TIMEOUT}) when its lock_timeout of {subject.lock_timeout} s is over, names the"
        " table and the session that holds it, and has changed nothing; meanwhile nobody else waits"
        f" longer than {_BYSTANDER_WAITS} for any of the tables; whoever held it carries on, and"
        " when they are done the next run succeeds."
    )
    first = Claim(
        "A first run while somebody writes applications: gives up"
        f" ({LOCK_TIMEOUT}) when its lock_timeout is over, and has changed nothing; when that is"
        " over the next run succeeds."
    )
    cases = [(holder, table) for table in subject.tables for holder in _HOLDS]
    seen = ""
    for regime in regimes:
        clean = subject.clean(cluster, regime)
        template = _loaded(cluster, subject, regime)
        with ExitStack() as stack:
            databases = [stack.enter_context(cluster.clone(template)) for _ in cases]

            def judge(number: int) -> tuple[list[str], str]:
                holder, table = cases[number]
                return _meet(databases[number], subject, clean, holder, table)  # noqa: B023

            # All at once, because each waits as long as the file says.
            with ThreadPoolExecutor(len(cases)) as pool:
                for done, (problems, said) in enumerate(pool.map(judge, range(len(cases))), 1):
                    holder, table = cases[done - 1]
                    claim.judge(f"{regime}, {holder} of {table}", problems)
                    progress(done, len(cases), f"{regime}: tables in use")
                    seen = said
        with cluster.clone(subject.platform(cluster, regime)) as database:
            problems = _meet_first(database, subject, clean)
        first.judge(f"{regime}, a writer of applications", problems)
    return [claim, first], seen


def _meet_first(database: Database, subject: Subject, clean: Catalog) -> list[str]:
    with session(database) as connection, session(database) as other:
        before = read_catalog(connection)
        with other.transaction():
            other.execute("INSERT INTO public.applications (app_code, app_name) VALUES ('a', 'A')")
            refused, problems = _refused_in_time(connection, subject)
        if refused is None or refused.sqlstate != LOCK_TIMEOUT:
            problems.append(f"did not give up, but: {refused}")
        problems += diff_catalogs(before, read_catalog(connection))
        if again := _refusal(connection, subject):
            problems.append(f"the next run: {again}")
        return problems + diff_catalogs(clean, read_catalog(connection))


def _meet(
    database: Database, subject: Subject, clean: Catalog, holder: str, table: str
) -> tuple[list[str], str]:
    hold = _HOLDS[holder].format(Identifier(table))
    with session(database) as connection, session(database) as other:
        with other.transaction():
            other.execute(hold)
            before = _footprint(connection, subject)
            with _bystander(database, subject) as hindered:
                refused, problems = _refused_in_time(connection, subject)
            problems += _changes(before, _footprint(connection, subject)) + hindered
            problems += diff_catalogs(clean, read_catalog(connection))
            other.execute(hold)
        said = str(refused)
        holder = f"process {other.info.backend_pid}"
        if refused is None or refused.sqlstate != LOCK_TIMEOUT:
            problems.append(f"did not give up, but: {said}")
        elif not (
            refused.message.startswith(f"public.{table} is in use by ") and f"{holder} (" in said
        ):
            problems.append(f"does not name {table} and {holder}: {said}")
        if again := _refusal(connection, subject):
            problems.append(f"the next run: {again}")
        problems += diff_catalogs(clean, read_catalog(connection))
    # The page must not change with the number, with who owns a borrowed server's databases, or with
    # whether the bystander was reading just then.
    one = re.sub(
        rf" by .*?({holder} )\([^,)]*([^)]*\)).*?; gave up", r" by \1(postgres\2; gave up", said
    )
    return problems, one.replace(holder, "process 4711")


def _refused_in_time(
    connection: Connection[TupleRow], subject: Subject
) -> tuple[ApplyError | None, list[str]]:
    begin = time.monotonic()
    refused = _refusal(connection, subject)
    seconds = time.monotonic() - begin
    if subject.lock_timeout <= seconds < subject.lock_timeout + _MARGIN:
        return refused, []
    return refused, [f"ended after {seconds:.1f} s"]


@contextmanager
def _bystander(database: Database, subject: Subject) -> Iterator[list[str]]:
    """Read all tables over and over; the list that it yields will hold what went wrong."""
    hindered: list[str] = []
    over = threading.Event()

    def look_around() -> None:
        with session(database) as connection:
            connection.execute(f"SET lock_timeout = '{_BYSTANDER_WAITS}'")
            while not over.is_set():
                for table in subject.tables:
                    try:
                        connection.execute(SQL("SELECT FROM public.{}").format(Identifier(table)))
                    except LockNotAvailable:
                        hindered.append(f"a bystander waited too long for {table}")

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look_around)
        try:
            yield hindered
        finally:
            over.set()
            looking.result()


def _refusal(connection: Connection[TupleRow], subject: Subject) -> ApplyError | None:
    try:
        apply_as_one_transaction(connection, subject.text, name=subject.path)
    except ApplyError as error:
        return error
    return None


def _race(database: Database, subject: Subject, count: int) -> Counter[str]:
    start = threading.Barrier(count)
    with ExitStack() as stack:
        connections = [stack.enter_context(open_session(database)) for _ in range(count)]

        def deploy(connection: Connection[TupleRow]) -> str:
            start.wait()
            refused = _refusal(connection, subject)
            return "succeeded" if refused is None else refused.sqlstate or "lost its connection"

        with ThreadPoolExecutor(count) as pool:
            return Counter(pool.map(deploy, connections))


def _free_connections(cluster: Cluster, subject: Subject) -> int:
    with (
        cluster.clone(subject.platform(cluster, PrivilegeRegime.EXPLICIT)) as database,
        session(database) as connection,
    ):
        row = connection.execute(
            "SELECT current_setting('max_connections')::int - (SELECT count(*) FROM"
            " pg_stat_activity WHERE backend_type = 'client backend')"
        ).fetchone()
    return int(row[0]) - _RESERVED if row else 0


def _loaded(cluster: Cluster, subject: Subject, regime: PrivilegeRegime) -> Template:
    migrations = [(subject.path, subject.text), ("rows", _LOAD)]
    return cluster.template(regime, subject.stubs, migrations)


def _run(connection: Connection[TupleRow], subject: Subject, way: str) -> list[str]:
    if way == _AS_ONE:
        notices = apply_as_one_transaction(connection, subject.text, name=subject.path)
    else:
        notices = apply_statement_by_statement(
            connection, subject.statements, source=subject.text, name=subject.path
        )
    return [notice for notice in notices if notice.startswith("WARNING")]


def _footprint(connection: Connection[TupleRow], subject: Subject) -> dict[str, Any]:
    """Where tables, indexes and rows lie, and what is temporary."""
    found: dict[str, Any] = {
        "files of tables and indexes": connection.execute(
            "SELECT oid::int8, relname, relfilenode::int8 FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        ).fetchall(),
        "temporary tables": connection.execute(
            "SELECT relname FROM pg_class WHERE relpersistence = 't'"
        ).fetchall(),
    }
    for table in subject.tables:
        rows = SQL("SELECT ctid::text, xmin::text, xmax::text, t::text FROM public.{} AS t")
        found[f"rows of {table}"] = sorted(connection.execute(rows.format(Identifier(table))))
    return found


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [f"{what} changed" for what in before if before[what] != after[what]]
