"""What each step costs at a given number of tables: seconds, on this machine.

Usage: python tools/bench/scale.py [TABLES ...]      default: 100 1000
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from schema_cli.main import main as schema
from schema_targets.dependencies import read_dependencies
from schema_targets.workspace import find_files, load

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from new_table import FILES

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = Path(__file__).resolve().parents[2] / "packages/schema/platform"

MIGRATION = """\
[migration.many]
title = "Many tables"
out = "supabase/migrations/20250101_many.sql"
roots = [{roots}]
"""


def make_workspace(root: Path, tables: int) -> None:
    """Write a workspace of tables of the shape that tools/new_table.py gives them."""
    (root / "pyproject.toml").write_text('[tool.schema]\npackages = "packages"\n', "utf-8")
    platform = root / "packages/schema/platform"
    platform.mkdir(parents=True)
    for path in PLATFORM.iterdir():
        (platform / path.name).write_bytes(path.read_bytes())
    names = [f"table_{number:05}" for number in range(tables)]
    for name in names:
        folder = root / "packages/schema" / name
        folder.mkdir()
        for file, text in FILES.items():
            content = text.replace("TABLE_", f"{name}_").replace(".TABLE", f".{name}")
            content = content.replace("''", "'What costs time.'")
            (folder / file).write_text(content, "utf-8")
    roots = ", ".join(f'"//schema/{name}:all"' for name in names)
    (root / "packages/schema/BUILD.toml").write_text(MIGRATION.format(roots=roots), "utf-8")


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes; what it prints is kept back, and it must not find anything."""
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        found = work()
    if found:
        sys.exit(f"the generated workspace has findings: {found}")
    return time.perf_counter() - started


def measure(tables: int) -> dict[str, float]:
    """The cost of each step."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_workspace(root, tables)
        at_root = ["--root", folder]
        return {
            "hash": seconds(lambda: find_files(root).fingerprint() and None),
            "read BUILD files": seconds(lambda: load(find_files(root)).errors),
            "check deps": seconds(lambda: read_dependencies(load(find_files(root))).findings()),
            "lint": seconds(lambda: schema([*at_root, "lint"])),
            "lint, unchanged": seconds(lambda: schema([*at_root, "lint"])),
            "build": seconds(lambda: schema([*at_root, "build"])),
            "build, unchanged": seconds(lambda: schema([*at_root, "build"])),
        }


def main(arguments: list[str]) -> int:
    """Measure and print a table."""
    try:
        sizes = [int(argument) for argument in arguments] or [100, 1000]
    except ValueError:
        print("usage: python tools/bench/scale.py [TABLES ...]", file=sys.stderr)
        return 2
    results = {size: measure(size) for size in sizes}
    print("tables".ljust(18) + "".join(f"{size:>10}" for size in sizes))
    for step in results[sizes[0]]:
        print(step.ljust(18) + "".join(f"{results[size][step]:>10.2f}" for size in sizes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
