"""Time a re-run of the migrations beside that of another revision, in turn, on one server.

Usage: python tools/bench/rerun.py REVISION [RUNS [MAJOR]]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from schema_database import Cluster, PrivilegeRegime
from schema_sql.source import SourceError
from schema_targets.workspace import find_files, load

ROOT = Path(__file__).resolve().parents[2]


def texts(revision: str | None) -> list[str]:
    """The committed migrations of a revision, or of the working tree, in order."""
    outs = [target.out for target in load(find_files(ROOT)).migrations()]
    if revision is None:
        return [(ROOT / out).read_text("utf-8") for out in outs]
    command = ["git", "-C", str(ROOT), "show"]
    return [
        subprocess.run(
            [*command, f"{revision}:{out}"], check=True, capture_output=True, encoding="utf-8"
        ).stdout
        for out in outs
    ]


def stubs() -> list[tuple[str, str]]:
    """What the platform provides, in order."""
    workspace = load(find_files(ROOT))
    found = [(target.src, workspace.sql(target)) for target in workspace.externals()]
    return [(name, sql.source.text) for name, sql in found if not isinstance(sql, SourceError)]


def run(url: str, migrations: list[str]) -> float:
    """Run migrations over a connection of their own, and return the milliseconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        started = time.perf_counter()
        for text in migrations:
            connection.execute(text.encode(), prepare=False)
        return (time.perf_counter() - started) * 1000


def main(arguments: list[str]) -> int:
    """Print the median of each, and the median of their ratios pair by pair."""
    if not 1 <= len(arguments) <= 3:
        print("usage: python tools/bench/rerun.py REVISION [RUNS [MAJOR]]", file=sys.stderr)
        return 2
    runs = int(arguments[1]) if len(arguments) > 1 else 25
    major = int(arguments[2]) if len(arguments) > 2 else None
    sides = {arguments[0]: texts(arguments[0]), "working tree": texts(None)}
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster.open(major=major))
        template = cluster.template(PrivilegeRegime.EXPLICIT, stubs())
        databases = {name: stack.enter_context(cluster.clone(template)) for name in sides}
        first = {name: run(databases[name].url, sides[name]) for name in sides}
        again = [
            {name: run(databases[name].url, sides[name]) for name in sides} for _ in range(runs)
        ]
        before, after = sides
        for name in sides:
            middle = statistics.median(each[name] for each in again)
            print(f"{name}: first run {first[name]:.1f} ms, re-run {middle:.1f} ms")
        ratio = statistics.median(each[after] / each[before] for each in again)
        print(f"re-run, {runs} pairs on PostgreSQL {cluster.major}: {ratio:.2f} of {before}'s time")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
