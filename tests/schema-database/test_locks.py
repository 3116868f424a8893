"""Locks: which a statement takes, on what others use, and what must wait for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from schema_cli.commands.locks import as_json, as_markdown, as_table, measure
from schema_cli.project import built_migrations, platform_stubs
from schema_database import ApplyError, Cluster, Database, DatabaseError, PrivilegeRegime
from schema_database.locks import ADVISORY, CONFLICTS, Lock, StatementLocks, measure_locks
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]

TABLE = "CREATE TABLE public.task (id INTEGER CONSTRAINT task_pkey PRIMARY KEY, note TEXT)"

COMMENT = "COMMENT ON TABLE public.task IS 'x'"
INDEX = "CREATE INDEX task_note_idx ON public.task (note)"
SECURE = "ALTER TABLE public.task ENABLE ROW LEVEL SECURITY"
REINDEX = "REINDEX INDEX public.task_pkey"

TABLE_MODES = [mode for mode in CONFLICTS if mode != ADVISORY]

ASKS = {
    "reads": "SELECT note FROM public.task",
    "row locks": "SELECT note FROM public.task FOR UPDATE",
    "writes": "UPDATE public.task SET note = 'x'",
    "VACUUM": "VACUUM public.task",
    "CREATE INDEX": INDEX,
    "ALTER TABLE": SECURE,
}
"""What must wait, in words, and a statement that does so."""


@pytest.fixture
def databases(
    cluster: Cluster, stub_texts: Sequence[tuple[str, str]]
) -> Iterator[tuple[Database, Database]]:
    """Two databases with one table of their owner's."""
    template = cluster.template(PrivilegeRegime.EXPLICIT, stub_texts, [("task.sql", TABLE)])
    with cluster.clone(template) as first, cluster.clone(template) as second:
        yield first, second


@pytest.fixture
def database(databases: tuple[Database, Database]) -> Database:
    """One of them."""
    return databases[0]


def measured(databases: tuple[Database, Database], *statements: str) -> list[StatementLocks]:
    """Measure statements that stand on a line each."""
    whole, alone = databases
    lines = [f"{each}\n" for each in statements]
    starts = [len("".join(lines[:number])) for number in range(len(lines))]
    return measure_locks(
        whole.url,
        alone.url,
        list(zip(starts, statements, strict=True)),
        source="".join(lines),
        name="test",
    )


def locks(databases: tuple[Database, Database], *statements: str) -> list[list[Lock]]:
    """Return what each statement locks."""
    return [[each.lock for each in found.locks] for found in measured(databases, *statements)]


def strongest(
    databases: tuple[Database, Database], *statements: str
) -> list[tuple[str, bool] | None]:
    """Return each statement's strongest lock on the table, and whether it was held already."""
    return [
        (found.locks[-1].lock.mode, found.locks[-1].held_already) if found.locks else None
        for found in measured(databases, *statements)
    ]


def waits(asker: psycopg.Connection[Any], statement: str) -> bool:
    """Say whether a statement has to wait for a lock."""
    try:
        asker.execute(statement.encode())
    except psycopg.errors.LockNotAvailable:
        return True
    return False


@pytest.mark.parametrize(
    ("statement", "mode"),
    [
        ("SELECT count(*) FROM public.task", "ACCESS SHARE"),
        ("INSERT INTO public.task VALUES (1)", "ROW EXCLUSIVE"),
        (COMMENT, "SHARE UPDATE EXCLUSIVE"),
        (INDEX, "SHARE"),
        (SECURE, "ACCESS EXCLUSIVE"),
        # An index that nobody may use stops whoever uses its table.
        (REINDEX, "ACCESS EXCLUSIVE"),
    ],
)
def test_a_statement_is_told_with_the_lock_that_it_takes(
    databases: tuple[Database, Database], statement: str, mode: str
) -> None:
    """The strongest lock on an existing table has the name that PostgreSQL's manual gives it."""
    assert locks(databases, statement)[0][-1:] == [Lock("public.task", mode)]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (COMMENT, COMMENT, ("SHARE UPDATE EXCLUSIVE", True)),
        (COMMENT, SECURE, ("ACCESS EXCLUSIVE", False)),
        (SECURE, COMMENT, ("SHARE UPDATE EXCLUSIVE", True)),
        # Neither of these two holds up all that the other one does.
        (INDEX, COMMENT, ("SHARE UPDATE EXCLUSIVE", False)),
        (COMMENT, INDEX, ("SHARE", False)),
    ],
)
def test_a_lock_is_told_of_each_statement_that_takes_it(
    databases: tuple[Database, Database], first: str, second: str, told: tuple[str, bool]
) -> None:
    """One that the run has, or has more than, is told as held already, and not left out."""
    assert strongest(databases, first, second)[1] == told


def test_an_index_that_others_may_use_is_not_told(databases: tuple[Database, Database]) -> None:
    """Changing how it is stored stops only what changes it too."""
    assert locks(databases, "ALTER INDEX public.task_pkey SET (fillfactor = 90)") == [[]]


def test_two_locks_together_hold_up_what_a_third_does(
    databases: tuple[Database, Database],
) -> None:
    """SHARE and SHARE UPDATE EXCLUSIVE are as much as SHARE ROW EXCLUSIVE, but no more."""
    third = "LOCK TABLE public.task IN SHARE ROW EXCLUSIVE MODE"

    assert strongest(databases, INDEX, COMMENT, third, SECURE)[2:] == [
        ("SHARE ROW EXCLUSIVE", True),
        ("ACCESS EXCLUSIVE", False),
    ]


def test_what_the_run_makes_is_left_out(databases: tuple[Database, Database]) -> None:
    """Nobody waits for a table that nobody sees yet, nor for a temporary one."""
    assert locks(
        databases,
        "CREATE TABLE public.fresh (id INTEGER)",
        "ALTER TABLE public.fresh ENABLE ROW LEVEL SECURITY",
        "CREATE TEMPORARY TABLE passing (id INTEGER)",
    ) == [[], [], []]


def test_an_advisory_lock_is_told(databases: tuple[Database, Database]) -> None:
    """Runs that exclude one another by a number are seen to do so."""
    assert locks(databases, "SELECT pg_advisory_xact_lock(1)") == [[Lock(None, ADVISORY)]]


def test_locks_are_held_to_the_end(databases: tuple[Database, Database]) -> None:
    """A lock counts from the statement that took it first, whoever takes it once more."""
    first, second, third, last = measured(databases, COMMENT, COMMENT, SECURE, "SELECT 1")
    held = [each.locks[-1].held_seconds for each in (first, second, third)]

    assert held[0] == held[1]
    assert held[1] >= held[2] + first.seconds + second.seconds
    assert held[2] >= third.seconds + last.seconds > 0


def test_local_settings_hold_for_what_follows(databases: tuple[Database, Database]) -> None:
    """A statement by itself finds what SET LOCAL set before it, as in the run."""
    assert strongest(
        databases, "set  local search_path = auth, public", "SELECT jwt() FROM task"
    ) == [None, ("ACCESS SHARE", False)]


def test_what_fails_only_by_itself_is_told_so(databases: tuple[Database, Database]) -> None:
    """The migration is not said to be wrong, and the line is named."""
    with pytest.raises(DatabaseError, match=r"^test:2:15: 42P01: .*, but only where it runs in a "):
        locks(
            databases,
            "CREATE TEMPORARY TABLE passing (id INTEGER) ON COMMIT DROP",
            "SELECT * FROM passing",
        )


def test_a_refused_statement_undoes_all(databases: tuple[Database, Database]) -> None:
    """An error names file, line and column, and what went before it is not done."""
    with pytest.raises(ApplyError, match=r"^test:3:8: .*nein"):
        locks(databases, "DROP TABLE public.task", "SELECT 'ü'", "SELECT nein()")
    with psycopg.connect(databases[0].url) as connection:
        assert connection.execute("SELECT to_regclass('public.task')::text").fetchone() == ("task",)


def test_an_error_names_the_place_in_the_migration(
    cluster: Cluster, stub_texts: Sequence[tuple[str, str]]
) -> None:
    """Counted in characters, as everywhere, and not in bytes."""
    with pytest.raises(ApplyError, match=r"^m.sql:2:18: .*nein"):
        measure(cluster, stub_texts, [("m.sql", "-- ü\nSELECT 1; SELECT nein();\n")])


@pytest.mark.parametrize("mode", TABLE_MODES)
def test_the_conflicts_are_postgresqls(database: Database, mode: str) -> None:
    """Whoever is said to wait for a lock waits for it, and nobody else."""
    with (
        psycopg.connect(database.url) as holder,
        psycopg.connect(database.url, autocommit=True) as asker,
    ):
        holder.execute(f"LOCK TABLE public.task IN {mode} MODE".encode())
        waiting = set()
        for asked in TABLE_MODES:
            with asker.transaction(force_rollback=True):
                if waits(asker, f"LOCK TABLE public.task IN {asked} MODE NOWAIT"):
                    waiting.add(asked)
    assert waiting == CONFLICTS[mode]


@pytest.mark.parametrize("mode", TABLE_MODES)
def test_the_words_are_what_postgresql_does(database: Database, mode: str) -> None:
    """Whatever is said to wait for a lock waits for it, and nothing else."""
    with (
        psycopg.connect(database.url) as holder,
        psycopg.connect(database.url, autocommit=True) as asker,
    ):
        asker.execute("SET lock_timeout = '50ms'")
        holder.execute(f"LOCK TABLE public.task IN {mode} MODE".encode())
        waiting = {word for word, statement in ASKS.items() if waits(asker, statement)}
    assert waiting == in_words(Lock("public.task", mode))


@pytest.mark.parametrize("word", [word for word in ASKS if word != "CREATE INDEX"])
def test_an_index_of_its_own_stops_the_table(database: Database, word: str) -> None:
    """All waits for REINDEX that waits for a table taken alone, but for another index's making."""
    with (
        psycopg.connect(database.url) as holder,
        psycopg.connect(database.url, autocommit=True) as asker,
    ):
        asker.execute("SET lock_timeout = '50ms'")
        holder.execute(REINDEX.encode())
        assert waits(asker, ASKS[word])


def in_words(lock: Lock) -> set[str]:
    """Return what is said to wait, with "other migrations" taken apart."""
    apart = {"other migrations": {"VACUUM", "CREATE INDEX", "ALTER TABLE"}}
    return set().union(*(apart.get(word, {word}) for word in lock.blocks))


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
