"""Runs that are cut off: knows how to end a run inside any statement, and what must follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofs.convergence_subject import Claim, session
from proofs.report import progress
from schema_database import (
    ApplyError,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from proofs.convergence_subject import Subject
    from schema_database import Catalog, Cluster, Database, Template

# A statement that is DDL ends its own session from within, when its work is done and not yet
# committed. The setting tells it to; the migration that is run afterwards does not set it.
_TRAP = """
CREATE SCHEMA proof;
CREATE FUNCTION proof.die() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('proof.armed', TRUE) = 'on' THEN
    PERFORM pg_terminate_backend(pg_backend_pid());
  END IF;
END
$$;
CREATE EVENT TRIGGER proof_die ON ddl_command_end EXECUTE FUNCTION proof.die();
"""
_ARM = "SET proof.armed = 'on'"

# For what holds no DDL, or may hold none: behind the statement, in the same implicit transaction.
_DIE = "SELECT pg_terminate_backend(pg_backend_pid())"
_MAY_HOLD_NO_DDL = ("SET ", "SELECT ", "DO ")


def prove_crashes(cluster: Cluster, subject: Subject) -> list[Claim]:
    """Cut off a run at and inside each statement, and run the whole file after it.

    Args:
        cluster: where.
        subject: the migration.

    Returns:
        Three claims, tried for each statement under both regimes.
    """
    committed = Claim(
        "For every k: statements 1 to k committed one by one, then the whole file: a clean run's"
        " catalog."
    )
    killed = Claim(
        "For every k: the statements before it committed and the connection killed inside k, then"
        " the whole file: a clean run's catalog."
    )
    atomic = Claim(
        "For every k: the whole file as one transaction, the connection killed inside k: nothing"
        " is left behind."
    )
    count = len(subject.statements)
    for regime in PrivilegeRegime:
        clean = subject.clean(cluster, regime)
        with cluster.clone(trapped(cluster, subject, regime)) as database:
            for k, problems in enumerate(cut_off_whole_runs(database, subject), 1):
                atomic.judge(f"{regime}, killed inside {k}", problems)
                progress(k, count, f"{regime}: whole runs killed inside a statement")
            for k, (inside, behind) in enumerate(cut_off_steps(database, subject, clean), 1):
                killed.judge(f"{regime}, the ones before committed, killed inside {k}", inside)
                committed.judge(f"{regime}, committed up to {k}", behind)
                progress(k, count, f"{regime}: runs cut off inside and behind a statement")
    return [committed, killed, atomic]


def trapped(cluster: Cluster, subject: Subject, regime: PrivilegeRegime) -> Template:
    """Return a database that the migration has not seen, with a trap that can kill from within."""
    return cluster.template(regime, [*subject.stubs, ("the trap", _TRAP)])


def cut_off_whole_runs(database: Database, subject: Subject) -> Iterator[list[str]]:
    """Kill a run of the whole file inside each statement; yield what is left behind."""
    with session(database) as witness:
        before = read_catalog(witness)
        for k in range(len(subject.statements)):
            problems = _die_in(database, [*subject.statements[:k], _ARM, subject.statements[k]])
            yield problems + diff_catalogs(before, read_catalog(witness))


def cut_off_steps(
    database: Database, subject: Subject, clean: Catalog
) -> Iterator[tuple[list[str], list[str]]]:
    """Kill a run inside each statement, then commit it; yield what the file makes of either."""
    with session(database) as crashing, session(database) as mending:

        def mend() -> list[str]:
            # Rolled back, so that the next statement meets what this one left.
            with mending.transaction(force_rollback=True):
                return _after_the_whole_file(mending, subject, clean)

        for statement in subject.statements:
            killed = _die_in(database, [_ARM, statement])
            inside = killed + mend()
            crashing.execute(statement.encode())
            yield inside, mend()


def _after_the_whole_file(
    connection: Connection[TupleRow], subject: Subject, clean: Catalog
) -> list[str]:
    try:
        apply_as_one_transaction(connection, subject.text, name=subject.path)
    except ApplyError as error:
        return [str(error)]
    return diff_catalogs(clean, read_catalog(connection))


def _die_in(database: Database, statements: Sequence[str]) -> list[str]:
    """Run statements as one transaction that ends with its session; what went wrong in that."""
    behind = [_DIE] if statements[-1].startswith(_MAY_HOLD_NO_DDL) else []
    with session(database) as connection:
        try:
            apply_as_one_transaction(connection, ";\n".join([*statements, *behind]))
        except ApplyError as error:
            if connection.closed:
                return []
            return [f"refused before it was killed: {error}"]
    return ["the connection was not killed"]
