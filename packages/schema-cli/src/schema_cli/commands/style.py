"""Check the layout of the SQL that people edit, by sqlfluff; --fix mends what it can."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schema_cli.memory import memory_folder
from schema_cli.project import open_files
from schema_sql.display import printable
from schema_style import StyleError, check
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="*", help="files or folders; none: every fragment and stub")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    parser.add_argument("--no-cache", action="store_true", help="read every file anew")


def run(args: argparse.Namespace) -> int:
    """Check the style."""
    files = open_files(args.root)
    if "" in args.paths:
        # As of a variable that is not set. `Path` would take it for the current folder.
        raise UsageError("a path is empty\n  help: write . to name the current folder")
    named = [Path(path) for path in args.paths]
    paths = named or [files.root / path for path in files.paths if path.endswith(".sql")]
    cache = None if args.no_cache else memory_folder(files.root)
    try:
        result = check(paths, root=files.root, cache_dir=cache, fix=args.fix)
    except StyleError as error:
        raise UsageError(str(error)) from error
    for path in result.fixed:
        print(f"{printable(path)}: mended")
    for finding in result.findings:
        print(finding)
    if not result.findings:
        print(f"{result.checked} files: in style")
    return 1 if result.findings else 0
