"""What `schema locks` tells, and what it says to somebody who uses it wrongly."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schema_cli.commands.locks import Run as Measured
from schema_cli.commands.locks import as_json, as_markdown, as_table, called
from schema_database.locks import Lock, StatementLocks, TakenLock
from schema_sql.source import Source
from schema_sql.statements import parse

Run = Callable[..., tuple[int, str, str]]


def measured(*statements: tuple[int, str, StatementLocks]) -> Measured:
    """A run of some migration."""
    return Measured("supabase/migrations/1_m.sql", "re-run", statements)


def locked(*locks: tuple[str, bool]) -> StatementLocks:
    """What a statement locked on one table: modes, and whether they were held already."""
    return StatementLocks(
        tuple(TakenLock(Lock("public.t", mode), held, 0.5) for mode, held in locks), 0.25
    )


@pytest.mark.parametrize("page", ["--check", "--write"])
@pytest.mark.parametrize("chosen", ["table", "json", "markdown"])
def test_the_page_has_one_format(root: Path, run: Run, page: str, chosen: str) -> None:
    """A format that would be ignored is wrong usage."""
    assert run("locks", page, "--format", chosen) == (
        2,
        "",
        "schema: docs/locks.md is always Markdown\n  help: leave out --format\n",
    )


def test_two_statements_of_one_line_are_two() -> None:
    """They are counted, and told, each by itself."""
    text = as_table(
        [
            measured(
                (1, "ALTER TABLE t", locked(("ACCESS EXCLUSIVE", False))),
                (1, "COMMENT ON t", locked(("SHARE UPDATE EXCLUSIVE", True))),
                (1, "SELECT 1", locked(("ACCESS SHARE", True))),
            )
        ]
    )

    assert (
        "Of the other 2 statements, 1 take such locks only where the run holds as much already, "
        "and 1 take none."
    ) in text


def test_the_table_tells_what_newly_makes_somebody_wait() -> None:
    """Not what a query takes too, what is held already, nor the weaker of two locks."""
    rows = as_table(
        [
            measured(
                (1, "first", locked(("ACCESS SHARE", False))),
                (
                    2,
                    "second",
                    locked(("SHARE UPDATE EXCLUSIVE", False), ("SHARE ROW EXCLUSIVE", False)),
                ),
                (3, "third", locked(("SHARE", True))),
            )
        ]
    ).splitlines()

    assert [row.split()[:5] for row in rows[2:-3]] == [["2", "second", "SHARE", "ROW", "EXCLUSIVE"]]


def test_every_statement_is_in_json_with_every_lock() -> None:
    """Those that are held already too, and what holds up nothing but other migrations."""
    content = json.loads(as_json([measured((1, "one", locked(("ROW EXCLUSIVE", True))))], 18))

    assert content["runs"][0]["statements"] == [
        {
            "line": 1,
            "statement": "one",
            "seconds": 0.25,
            "locks": [
                {
                    "table": "public.t",
                    "mode": "ROW EXCLUSIVE",
                    "blocks": ["CREATE INDEX", "ALTER TABLE"],
                    "held_already": True,
                    "held_seconds": 0.5,
                }
            ],
        }
    ]


def test_statements_with_the_same_locks_stand_together_on_the_page() -> None:
    """In the order of the file, under the strongest lock on each table that no query takes."""
    page = as_markdown(
        [
            measured(
                (1, "one", locked()),
                (2, "two", locked(("ACCESS SHARE", True), ("SHARE", True))),
                (3, "three", locked(("SHARE", True))),
                (4, "four", locked(("ACCESS SHARE", False))),
            )
        ]
    )

    assert (
        """
```text
no lock
    one

SHARE on public.t, held already
    two
    three

no lock
    four
```
"""
        in page
    )


@pytest.mark.parametrize(
    ("head", "cell"),
    [
        ("SELECT 'a' || 'b'", r"| `SELECT 'a' \|\| 'b'` | SHARE | public.t |"),
        ("SELECT '`'", "| `` SELECT '`' `` | SHARE | public.t |"),
        ("SELECT '``'", "| ``` SELECT '``' ``` | SHARE | public.t |"),
    ],
)
def test_code_is_kept_apart_from_markdown(head: str, cell: str) -> None:
    """A bar ends no cell, and a backtick no code."""
    assert cell in as_markdown([measured((1, head, locked(("SHARE", False))))])


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE TABLE t (\n  id INT\n);", "CREATE TABLE t"),
        ("-- Not told.\nSELECT 1;", "SELECT 1"),
        ("-- One: then\n-- two.\nDO $x$\nBEGIN\nEND $x$;", "DO $x$ -- One"),
        ("-- Über\n-- alles. Else.\nDO $x$\nBEGIN\nEND $x$;", "DO $x$ -- Über alles"),
        ("-- Far.\n\nDO $x$\nBEGIN\nEND $x$;", "DO $x$"),
    ],
)
def test_a_block_is_called_by_its_comment(sql: str, name: str) -> None:
    """Its first line says nothing; that of any other statement does."""
    assert called(parse(Source("x.sql", sql)).statements[0]) == name
