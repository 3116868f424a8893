"""Locks: which a statement takes, on what others use, and what must wait for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from schema_cli.commands.locks import as_json, as_markdown, as_table, measure
from schema_cli.project import built_migrations, platform_stubs
from schema_database import ApplyError, Cluster, Database, PrivilegeRegime
from schema_database.locks import ADVISORY, BLOCKS, Lock, measure_locks
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]

TABLE = "CREATE TABLE public.task (id INTEGER, note TEXT)"

ASKS = {
    "reads": "ACCESS SHARE",
    "row locks": "ROW SHARE",
    "writes": "ROW EXCLUSIVE",
    "other migrations": "SHARE UPDATE EXCLUSIVE",
}
"""What must wait, in words, and the lock that it asks for."""


@pytest.fixture
def database(cluster: Cluster, stub_texts: Sequence[tuple[str, str]]) -> Iterator[Database]:
    """A database with one table of its owner's."""
    template = cluster.template(PrivilegeRegime.EXPLICIT, stub_texts, [("task.sql", TABLE)])
    with cluster.clone(template) as found:
        yield found


def locks(database: Database, *statements: str) -> list[tuple[Lock, ...]]:
    """Return what each statement locked."""
    return [found.locks for found in measure_locks(database.url, statements, name="test")]


@pytest.mark.parametrize(
    ("statement", "mode"),
    [
        ("SELECT count(*) FROM public.task", "ACCESS SHARE"),
        ("INSERT INTO public.task VALUES (1)", "ROW EXCLUSIVE"),
        ("COMMENT ON TABLE public.task IS 'x'", "SHARE UPDATE EXCLUSIVE"),
        ("CREATE INDEX ON public.task (id)", "SHARE"),
        ("ALTER TABLE public.task ENABLE ROW LEVEL SECURITY", "ACCESS EXCLUSIVE"),
    ],
)
def test_a_statement_is_told_with_the_lock_that_it_takes(
    database: Database, statement: str, mode: str
) -> None:
    """The strongest lock on an existing table has the name that PostgreSQL's manual gives it."""
    assert locks(database, statement)[0][-1] == Lock("public.task", mode)


def test_a_lock_is_told_once(database: Database) -> None:
    """What the transaction holds already is not told again by a later statement."""
    comment = "COMMENT ON TABLE public.task IS 'x'"
    assert locks(database, comment, comment)[1] == ()


def test_what_the_transaction_makes_is_left_out(database: Database) -> None:
    """Nobody waits for a table that nobody sees yet, nor for a temporary one."""
    assert locks(
        database,
        "CREATE TABLE public.fresh (id INTEGER)",
        "ALTER TABLE public.fresh ENABLE ROW LEVEL SECURITY",
        "CREATE TEMPORARY TABLE passing (id INTEGER)",
    ) == [(), (), ()]


def test_an_advisory_lock_is_told(database: Database) -> None:
    """Runs that exclude one another by a number are seen to do so."""
    assert locks(database, "SELECT pg_advisory_xact_lock(1)") == [(Lock(None, ADVISORY),)]


def test_locks_are_held_to_the_end(database: Database) -> None:
    """An earlier statement's locks are held at least as long as a later one's, and its own time."""
    first, second = measure_locks(database.url, ["DROP TABLE public.task", "SELECT 1"], name="test")
    assert first.held_seconds >= first.seconds + second.held_seconds
    assert second.held_seconds >= second.seconds > 0


def test_a_refused_statement_undoes_all(database: Database) -> None:
    """An error names the file, and what went before it in the transaction is not done."""
    with pytest.raises(ApplyError, match=r"^test:.*division by zero"):
        locks(database, "DROP TABLE public.task", "SELECT 1 / 0")
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT to_regclass('public.task')::text").fetchone() == ("task",)


@pytest.mark.parametrize("mode", [mode for mode in BLOCKS if mode != ADVISORY])
def test_the_words_are_what_postgresql_does(database: Database, mode: str) -> None:
    """Whoever is said to wait for a lock would wait for it, and nobody else."""
    waiting = set()
    with (
        psycopg.connect(database.url) as holder,
        psycopg.connect(database.url, autocommit=True) as asker,
    ):
        holder.execute(f"LOCK TABLE public.task IN {mode} MODE".encode())
        for word, asked in ASKS.items():
            try:
                with asker.transaction():
                    asker.execute(f"LOCK TABLE public.task IN {asked} MODE NOWAIT".encode())
            except psycopg.errors.LockNotAvailable:
                waiting.add(word)
    assert waiting == set(BLOCKS[mode])


def test_the_page_is_what_the_migration_locks(cluster: Cluster) -> None:
    """docs/locks.md is true of the migration as its fragments make it, on this PostgreSQL."""
    workspace = load(find_files(ROOT))
    runs = measure(cluster, platform_stubs(workspace), built_migrations(workspace))

    page = (ROOT / "docs" / "locks.md").read_text(encoding="utf-8")
    assert as_markdown(runs) == page, "stale: run `schema locks --write`"
    # All three tell of the same locks.
    for shown in (as_table(runs), as_json(runs, cluster.major)):
        assert "SHARE ROW EXCLUSIVE" in shown
        assert "public.applications" in shown
