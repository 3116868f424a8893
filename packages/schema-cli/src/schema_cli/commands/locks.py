"""Say which locks each statement of the migrations takes on tables that exist, and what they block.

Each migration is run in throwaway databases: where it was never run, and over its own result; both
as one transaction, and with a transaction for each statement. With a URL, or DATABASE_URL, these
are made on that server, whose version and speed then count; the database that is named there is not
changed, and its rows play no part.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from schema_assemble.output import change_summary, difference, read_output
from schema_cli.project import (
    built_migrations,
    open_files,
    open_workspace,
    platform_stubs,
    print_errors,
)
from schema_cli.project_database import database_url
from schema_database import Cluster, DatabaseError, PrivilegeRegime
from schema_database.locks import CONFLICTS, OF_QUERIES, blocked_by, measure_locks
from schema_sql.display import printable
from schema_sql.files import own_path, write_file
from schema_sql.source import Source
from schema_sql.statements import parse
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from schema_database.locks import StatementLocks, TakenLock
    from schema_sql.statements import Statement

PAGE = "docs/locks.md"
"""The page that `--write` makes, without durations, so that it is the same on every machine."""

SCALE = """\
How long depends on the machine and on the rows, so `schema locks` measures it. For scale: on 24
November 2026, with PostgreSQL 18.6 on 2 cores and empty tables, the first run held its lock on
`public.applications` for about 20 ms, and the re-run all of its locks on tables for about 15 ms."""
"""Measured once and written down: with a duration of today the page would never be up to date."""

RUNS = {
    "first run": "on a database that the migration was never run on",
    "re-run": "over its own result",
}


@dataclass(frozen=True)
class Run:
    """One run of one migration.

    Attributes:
        migration: the path of its file.
        name: a key of RUNS.
        statements: each statement's line, what it is called (see `called`), and what it locked.
    """

    migration: str
    name: str
    statements: tuple[tuple[int, str, StatementLocks], ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "url", nargs="?", help="a server to measure on, as postgresql://…; default: DATABASE_URL"
    )
    parser.add_argument(
        "--format",
        choices=["table", "json", "markdown"],
        help="table (the default) has what newly makes somebody wait; json has every lock",
    )
    page = parser.add_mutually_exclusive_group()
    page.add_argument("--write", action="store_true", help=f"write {PAGE}, on a server of our own")
    page.add_argument("--check", action="store_true", help=f"only say whether {PAGE} is stale")


def run(args: argparse.Namespace) -> int:
    """Measure and show."""
    paged = args.write or args.check
    if paged and args.url is not None:
        raise UsageError(f"{PAGE} is made on a server of our own\n  help: leave out the URL")
    if paged and args.format:
        raise UsageError(f"{PAGE} is always Markdown\n  help: leave out --format")
    url = None if paged else database_url(args.url)
    files = open_files(args.root)
    workspace = open_workspace(files)
    if workspace is None:
        return 1
    try:
        with Cluster.open(url) as cluster:
            major = cluster.major
            runs = measure(cluster, platform_stubs(workspace), built_migrations(workspace))
    except DatabaseError as error:
        print_errors([error])
        return 1
    if paged:
        return _keep_page(files.root, as_markdown(runs), check=args.check)
    if args.format == "json":
        print(as_json(runs, major))
    elif args.format == "markdown":
        print(as_markdown(runs), end="")
    else:
        print(as_table(runs))
    return 0


def measure(
    cluster: Cluster, stubs: Sequence[tuple[str, str]], migrations: Sequence[tuple[str, str]]
) -> list[Run]:
    """Run each migration where it was never run, and over its own result.

    Args:
        cluster: where; in databases of their own.
        stubs: what the platform provides, in order: (path, SQL).
        migrations: in order: (path, SQL). Those before one have been run before it.

    Returns:
        Two runs for each migration.

    Raises:
        SourceError: a migration cannot be parsed.
        DatabaseError: a migration was refused, or the server.
    """
    runs = []
    for number, (path, sql) in enumerate(migrations):
        source = Source(path, sql)
        statements = parse(source).statements
        # PostgreSQL counts characters, and its parser bytes.
        texts = [(len(source.data[: each.start].decode()), each.text) for each in statements]
        for name, before in zip(RUNS, (number, number + 1), strict=True):
            template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, migrations[:before])
            with cluster.clone(template) as whole, cluster.clone(template) as alone:
                found = measure_locks(whole.url, alone.url, texts, source=sql, name=path)
            lines = [(each.position().line, called(each)) for each in statements]
            told = zip(lines, found, strict=True)
            runs.append(Run(path, name, tuple((*line, locks) for line, locks in told)))
    return runs


def called(statement: Statement) -> str:
    """Return what a statement is called in the report: its first line.

    That of a DO block says nothing, so it gets the first sentence of the comment above it.
    """
    head = statement.text.partition("\n")[0].rstrip(" (")
    if statement.kind != "DoStmt":
        return printable(head)
    comment: list[str] = []
    above = statement.source.data[: statement.start].decode().splitlines()
    for line in reversed(above):
        if not line.startswith("--"):
            break
        comment.insert(0, line.lstrip("- "))
    sentence = re.split(r"[.:;](?:\s|$)", " ".join(comment), maxsplit=1)[0]
    return printable(f"{head} -- {sentence}" if sentence else head)


def as_json(runs: Sequence[Run], major: int) -> str:
    """Return all statements of all runs with all of their locks; durations in seconds."""
    content: dict[str, Any] = {"postgresql": major, "runs": []}
    for each in runs:
        content["runs"].append(
            {
                "migration": each.migration,
                "run": each.name,
                "statements": [
                    {
                        "line": line,
                        "statement": head,
                        "seconds": round(found.seconds, 6),
                        "locks": [
                            {
                                "table": taken.lock.table,
                                "mode": taken.lock.mode,
                                "blocks": list(taken.lock.blocks),
                                "held_already": taken.held_already,
                                "held_seconds": round(taken.held_seconds, 6),
                            }
                            for taken in found.locks
                        ],
                    }
                    for line, head, found in each.statements
                ],
            }
        )
    return json.dumps(content, ensure_ascii=False, indent=2)


def as_table(runs: Sequence[Run]) -> str:
    """Return the locks that newly make somebody wait, with durations, for a terminal."""
    parts = []
    for each in runs:
        rows = [("line", "statement", "lock", "on", "blocks", "took", "held")]
        rows += [
            (
                str(line),
                _shortened(head),
                taken.lock.mode,
                _on(taken.lock.table),
                _blocks(taken.lock.mode),
                _milliseconds(found.seconds),
                _milliseconds(taken.held_seconds),
            )
            for line, head, found in each.statements
            for taken in _telling(found)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        parts.append(
            "\n".join(
                [
                    f"{each.migration}, {each.name}: {RUNS[each.name]}",
                    *(
                        "  "
                        + "  ".join(
                            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
                        ).rstrip()
                        for row in rows
                    ),
                    f"  {_rest(each)}",
                ]
            )
        )
    parts.append("Every statement with every lock that it takes: --format json")
    return "\n\n".join(parts)


def as_markdown(runs: Sequence[Run]) -> str:
    """Return the page: no durations, and no lines of the file, which every change moves."""
    used = {
        taken.lock.mode
        for each in runs
        for *_, found in each.statements
        for taken in _beyond_queries(found)
    }
    parts = [
        f"""\
# Locks

Generated by `schema locks --write`; do not edit it.

Which locks each statement takes on tables that were there before the run; they are the same on
PostgreSQL 15 to 18. All are held until the run ends, since a migration is one transaction. A run
that waits longer for one than its `lock_timeout` gives up, and has changed nothing.

{SCALE}

The table of a run has what makes somebody wait who did not have to before. Below it is every
statement with the strongest lock that it takes on each table by itself, which is what counts where
each is a transaction of its own (`psql` without `-1`). *Held already* means that the run has had as
strong a lock on that table since an earlier statement.

Left out are locks on catalogs, on temporary tables and on what the run itself creates, and the
three that reads and writes take too (ACCESS SHARE, ROW SHARE and ROW EXCLUSIVE), which hold up
nothing but migrations. `schema locks --format json` has those three.

""",
        *(
            f"## {each.migration.rpartition('/')[2]}, {each.name}\n\n"
            f"Run {RUNS[each.name]}.\n\n{_summary(each)}\n\n{_rest(each)}\n\n{_listing(each)}"
            for each in runs
        ),
    ]
    parts[0] += _as_rows(
        ("Lock", "What must wait for it"),
        [(mode, _blocks(mode)) for mode in CONFLICTS if mode in used],
    )
    parts[0] += """

*Row locks* are `SELECT … FOR UPDATE` and the check of a foreign key. *Other migrations* are
whatever changes a table or looks after it: `VACUUM`, `ANALYZE` and `COMMENT ON`, `CREATE INDEX`,
foreign keys and triggers, `ALTER TABLE`, policies and `DROP TABLE`. Where only some of them wait,
VACUUM stands for what takes SHARE UPDATE EXCLUSIVE, CREATE INDEX for SHARE and ALTER TABLE for
ACCESS EXCLUSIVE. *Other runs* are those of our migrations."""
    return "\n\n".join(parts) + "\n"


def _summary(run: Run) -> str:
    return _as_rows(
        ("Statement", "Lock", "On", "Blocks"),
        [
            (_code(head), mode, ", ".join(_on(each.lock.table) for each in group), _blocks(mode))
            for _, head, found in run.statements
            for mode, group in groupby(_telling(found), key=lambda taken: taken.lock.mode)
        ],
    )


def _listing(run: Run) -> str:
    """Return all statements, in order, those together that follow one another with the same locks.

    A code block, because it reads the same as a file and as a page. Without the locks of queries,
    which depend on PostgreSQL's version: GRANT takes one in 18 and none in 15.
    """
    groups = groupby(
        run.statements, key=lambda each: [_in_words(taken) for taken in _beyond_queries(each[2])]
    )
    text = "\n\n".join(
        "\n".join([*(locks or ["no lock"]), *(f"    {head}" for _, head, _ in group)])
        for locks, group in groups
    )
    fence = _fence(text, at_least=3)
    return (
        f"<details>\n<summary>All {len(run.statements)} statements with their locks</summary>"
        f"\n\n{fence}text\n{text}\n{fence}\n\n</details>"
    )


def _in_words(taken: TakenLock) -> str:
    held = ", held already" if taken.held_already else ""
    return f"{taken.lock.mode} on {_on(taken.lock.table)}{held}"


def _as_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    """Return code for a cell of a Markdown table."""
    fence = _fence(text)
    space = " " if len(fence) > 1 else ""
    escaped = text.replace("|", "\\|")
    return f"{fence}{space}{escaped}{space}{fence}"


def _fence(text: str, *, at_least: int = 1) -> str:
    """Return more backticks than stand together in a text."""
    return "`" * max(at_least, *(len(run) + 1 for run in re.findall("`+", text)), 1)


def _keep_page(root: Path, text: str, *, check: bool) -> int:
    old = read_output(own_path(root, root / PAGE))
    if old == text:
        print(f"{PAGE}: up to date")
        return 0
    if check:
        changes = difference(PAGE, old or "", text)
        print_errors([f"{changes}{PAGE}: stale\n  help: run `schema locks --write` and commit it"])
        return 1
    write_file(root, PAGE, text)
    print(f"{PAGE}: {change_summary(old, text)}")
    return 0


def _telling(found: StatementLocks) -> list[TakenLock]:
    """Return the locks that newly make somebody wait, other than as every query does."""
    return [taken for taken in _beyond_queries(found) if not taken.held_already]


def _beyond_queries(found: StatementLocks) -> list[TakenLock]:
    """Return the strongest locks on each table, where no query takes such."""
    return [
        taken
        for taken in found.locks
        if taken.lock.mode not in OF_QUERIES
        and not any(
            other.lock.table == taken.lock.table
            and CONFLICTS[other.lock.mode] > CONFLICTS[taken.lock.mode]
            for other in found.locks
        )
    ]


def _rest(run: Run) -> str:
    rest = [found for *_, found in run.statements if not _telling(found)]
    held = sum(bool(_beyond_queries(found)) for found in rest)
    return (
        f"Of the other {len(rest)} statements, {held} take such locks only where the run holds as "
        f"much already, and {len(rest) - held} take none."
    )


def _shortened(head: str, width: int = 60) -> str:
    return head if len(head) <= width else f"{head[: width - 1]}…"


def _on(table: str | None) -> str:
    return table or "the migrations' own number"


def _blocks(mode: str) -> str:
    return ", ".join(blocked_by(mode))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
