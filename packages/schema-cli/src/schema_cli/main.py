"""The ``schema`` command: knows the verbs, the exit statuses and how errors look; does no work.

Exit status: 0 fine; 1 findings, or something that is wrong in the files or the database; 2 wrong
usage; 130 interrupted, by Ctrl-C, SIGTERM or a closed terminal. `verify` also ends with 2 when it
could not look.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib
import io
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from schema_cli import interrupts
from schema_sql.display import printable
from schema_sql.docstrings import documentation
from schema_sql.source import SourceError
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "build": "write the migrations from their fragments",
    "lint": "check fragments, or any SQL file, against the rules",
    "explain": "show the documentation of a rule",
    "deps": "check that deps are what the SQL refers to; --fix writes them",
    "style": "check the layout of the SQL; --fix mends it",
    "query": "list targets, what they depend on and what depends on them",
    "show": "show what a target or an object is, provides and requires",
    "db": "start a local PostgreSQL with the migrations applied, until Ctrl-C",
    "locks": "say which locks the migrations take, and what they block",
    "verify": "compare a database with what the migrations declare; changes nothing",
}
"""The verbs. Each is a module of its own, read only when it is asked for: starting stays quick."""

_MAY_HOLD_PASSWORD = re.compile(
    r"[A-Za-z][\w+.]*://|\w*(?:password|secret|_key)\s*=", re.IGNORECASE
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    # Parse trees are many and have no cycles. With the collector, 4,000 tables took five times as
    # long to parse (tools/bench/scale.py).
    gc.disable()
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # SQL is UTF-8 with line feeds, whatever the locale of the terminal or pipe.
            # A name that is not UTF-8 is shown as `printable` shows it.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    try:
        return _run(arguments)
    except UsageError as error:
        _print_error(f"schema: {error}", arguments)
        return 2
    except SourceError as error:
        _print_error(str(error), arguments)
        return 1
    except KeyboardInterrupt:
        return interrupts.STATUS
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _print_error(f"schema: {_refusal(error)}", arguments)
        return 2


def _refusal(error: OSError) -> str:
    """What the system has refused, and of which file."""
    if isinstance(error, FileNotFoundError) and not error.filename:
        # Nothing else that is missing has no name.
        return "the current folder is gone\n  help: change into a folder that exists"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _print_error(text: str, arguments: Sequence[str]) -> None:
    # It may quote a file, or an argument that a script has put together.
    print(printable(_without_urls(text, arguments), keep="\n\t"), file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Repeats no connection URL of a command line that it does not understand."""

    arguments: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        super().error(printable(_without_urls(message, self.arguments), keep="\n\t"))


def _without_urls(message: str, arguments: Sequence[str]) -> str:
    """Return a message in which no argument that may hold a password is repeated."""
    for argument in arguments:
        if found := _MAY_HOLD_PASSWORD.search(argument):
            secret = argument[found.start() :]
            for shown in (secret, repr(secret)[1:-1], str(Path(secret))):
                message = message.replace(shown, "***")
    return message


def _run(arguments: list[str]) -> int:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {what}" for verb, what in VERBS.items())
    parser = _Parser(
        prog="schema",
        usage="schema [--root DIR] VERB …",
        description="SQL fragments to one proven migration.",
        epilog=f"verbs:\n{verbs}\n\n`schema VERB --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.arguments = arguments
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="the workspace; otherwise the nearest folder whose pyproject.toml has [tool.schema]",
    )
    parser.add_argument("--version", action="version", version=f"schema {version('schema-cli')}")
    parser.add_argument("verb", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    verb = options.verb
    if verb is None:
        parser.print_help(sys.stderr)
        return 2
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, 1)
        remedy = f"did you mean {close[0]}?" if close else f"the verbs are: {', '.join(VERBS)}"
        raise UsageError(f"there is no verb {verb!r}\n  help: {remedy}")
    module = importlib.import_module(f"schema_cli.commands.{verb}")
    verb_parser = _Parser(
        prog=f"schema {verb}",
        description=documentation(module),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb_parser.arguments = arguments
    module.configure(verb_parser)
    verb_options = verb_parser.parse_args(options.rest)
    verb_options.root = options.root
    status: int = module.run(verb_options)
    return status
