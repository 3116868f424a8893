"""Say which locks each statement of the migrations takes on tables that exist, and what they block.

Each migration is run in throwaway databases: once where it was never run, and once over its own
result. With a URL, or DATABASE_URL, these are made on that server, whose version and speed then
count; the database that is named there is not changed, and its rows play no part.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_assemble.output import change_summary, difference, read_output, write_output
from schema_cli.project import (
    built_migrations,
    open_files,
    open_workspace,
    platform_stubs,
    print_errors,
)
from schema_database import Cluster, DatabaseError, PrivilegeRegime
from schema_database.locks import BLOCKS, measure_locks
from schema_sql.source import Source
from schema_sql.statements import parse
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from schema_database.locks import Lock, StatementLocks

PAGE = "docs/locks.md"
"""The page that `--write` makes, without durations, so that it is the same on every machine."""

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
        statements: each statement's line, its first line of text, and what it locked.
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
        "--format", choices=["table", "json", "markdown"], default="table", help="default: table"
    )
    page = parser.add_mutually_exclusive_group()
    page.add_argument("--write", action="store_true", help=f"write {PAGE}, on a server of our own")
    page.add_argument("--check", action="store_true", help=f"only say whether {PAGE} is stale")


def run(args: argparse.Namespace) -> int:
    """Measure and show."""
    paged = args.write or args.check
    if paged and args.url:
        raise UsageError(f"{PAGE} is made on a server of our own\n  help: leave out the URL")
    files = open_files(args.root)
    workspace = open_workspace(files)
    if workspace is None:
        return 1
    url = None if paged else args.url or os.environ.get("DATABASE_URL")
    try:
        with Cluster.open(url) as cluster:
            major = cluster.major
            runs = measure(cluster, platform_stubs(workspace), built_migrations(workspace))
    except DatabaseError as error:
        print_errors([error])
        return 1
    if paged:
        return _keep_page(files.root / PAGE, as_markdown(runs), check=args.check)
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
    """Run each migration twice, in databases of their own.

    Args:
        cluster: where.
        stubs: what the platform provides, in order: (path, SQL).
        migrations: in order: (path, SQL). Those before one have been run before it.

    Raises:
        SourceError: a migration cannot be parsed.
        DatabaseError: a migration was refused, or the server.
    """
    runs = []
    for number, (path, sql) in enumerate(migrations):
        statements = parse(Source(path, sql)).statements
        lines = [each.source.data.count(b"\n", 0, each.start) + 1 for each in statements]
        heads = [_head(each.text) for each in statements]
        for name, before in zip(RUNS, (number, number + 1), strict=True):
            template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, migrations[:before])
            with cluster.clone(template) as database:
                found = measure_locks(database.url, [each.text for each in statements], name=path)
            runs.append(Run(path, name, tuple(zip(lines, heads, found, strict=True))))
    return runs


def as_json(runs: Sequence[Run], major: int) -> str:
    """Return all statements of all runs, also those that lock nothing; durations in seconds."""
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
                                "table": lock.table,
                                "mode": lock.mode,
                                "blocks": list(lock.blocks),
                                "held_seconds": round(found.held_seconds, 6),
                            }
                            for lock in found.locks
                        ],
                    }
                    for line, head, found in each.statements
                ],
            }
        )
    return json.dumps(content, ensure_ascii=False, indent=2)


def as_table(runs: Sequence[Run]) -> str:
    """Return the locks that make somebody wait, with durations, for a terminal."""
    parts = []
    for each in runs:
        rows = [("line", "statement", "lock", "on", "blocks", "took", "held")]
        rows += [
            (
                str(line),
                _shortened(head),
                lock.mode,
                _on(lock.table),
                ", ".join(lock.blocks),
                _milliseconds(found.seconds),
                _milliseconds(found.held_seconds),
            )
            for line, head, found, lock in _telling(each)
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
    return "\n\n".join(parts)


def as_markdown(runs: Sequence[Run]) -> str:
    """Return the page: no durations, and no lines of the file, which every change moves."""
    parts = [
        """\
# Locks

Generated by `schema locks --write`; do not edit it. `schema locks` shows the same with durations.

Which locks each statement takes on tables that were there before the run; they are the same on
PostgreSQL 15 to 18. All are held until the run ends, since a migration is one transaction. A run
that waits longer for one than its `lock_timeout` gives up, and has changed nothing.

Left out are locks that make nobody wait who did not have to before, and those on catalogs, on
temporary tables and on what the run itself creates.

| Lock | What must wait for it |
| --- | --- |"""
    ]
    used = {lock.mode for each in runs for _, _, _, lock in _telling(each)}
    parts[0] += "".join(
        f"\n| {mode} | {', '.join(blocks)} |" for mode, blocks in BLOCKS.items() if mode in used
    )
    for each in runs:
        rows = [
            f"| `{head}` | {lock.mode} | {_on(lock.table)} |" for _, head, _, lock in _telling(each)
        ]
        parts.append(
            f"## {each.migration.rpartition('/')[2]}, {each.name}\n\n"
            f"Run {RUNS[each.name]}.\n\n"
            + "\n".join(["| Statement | Lock | On |", "| --- | --- | --- |", *rows])
            + f"\n\n{_rest(each)}"
        )
    return "\n\n".join(parts) + "\n"


def _keep_page(path: Path, text: str, *, check: bool) -> int:
    old = read_output(path)
    if old == text:
        print(f"{PAGE}: up to date")
        return 0
    if check:
        print(difference(PAGE, old or "", text), end="", file=sys.stderr)
        print(f"{PAGE}: stale\n  help: run `schema locks --write` and commit it", file=sys.stderr)
        return 1
    write_output(path, text)
    print(f"{PAGE}: {change_summary(old, text)}")
    return 0


def _telling(run: Run) -> Iterator[tuple[int, str, StatementLocks, Lock]]:
    """Yield the locks that make somebody wait who did not have to before."""
    waiting: dict[str | None, set[str]] = {}
    for line, head, found in run.statements:
        for lock in found.locks:
            known = waiting.setdefault(lock.table, set())
            if not known.issuperset(lock.blocks):
                known.update(lock.blocks)
                yield line, head, found, lock


def _rest(run: Run) -> str:
    telling = {line for line, _, _, _ in _telling(run)}
    count = len(run.statements)
    return f"The other {count - len(telling)} of {count} statements make nobody else wait."


def _head(text: str) -> str:
    """Return what a statement is about: its first line."""
    return text.partition("\n")[0].rstrip(" (")


def _shortened(head: str, width: int = 60) -> str:
    return head if len(head) <= width else f"{head[: width - 1]}…"


def _on(table: str | None) -> str:
    return table or "the migrations' own number"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
