"""Runs the Supabase CLI that npm ships, in a folder of its own; must not know what it is asked."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import conninfo

from proofs.node.npm import environment, install, program, run
from schema_database.address import masked, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A command takes one or two seconds; one that asks a question would wait for ever.
_TIMEOUT = 120.0


@dataclass(frozen=True)
class Said:
    """What one command answered: its exit status, and both of its streams."""

    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.status}: {(self.out + self.err).strip()}"

    def applied(self) -> list[str]:
        """Return the files that a push says it applied, or tried to."""
        begin = "Applying migration "
        lines = (self.out + self.err).splitlines()
        return [line.removeprefix(begin).rstrip(".") for line in lines if line.startswith(begin)]


@dataclass(frozen=True)
class SupabaseCli:
    """The CLI, about to be run.

    Attributes:
        command: what starts it.
        folder: where it runs: empty, or a project's.
        variables: the environment in which it runs.
    """

    command: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]

    def run(self, url: str, *arguments: str) -> Said:
        """Run one command on a database.

        Args:
            url: the database's; its password is neither on the command line nor in the answer.
            arguments: the command, but for the database.

        Raises:
            DatabaseError: `url` is no connection string.
            NodeError: it gave no answer in time.
        """
        password = str(conninfo.conninfo_to_dict(url).get("password") or "")
        done = run(
            [*self.command, *arguments, f"--remote={without_secrets(url)}"],
            f"`supabase {' '.join(arguments)} --remote={masked(url)}`",
            folder=self.folder,
            variables={**self.variables, "PGPASSWORD": password},
            seconds=_TIMEOUT,
        )
        out, err = (
            said.replace(password, "***") if password else said
            for said in (done.stdout, done.stderr)
        )
        return Said(done.returncode, out, err)


def installed_cli() -> tuple[str, ...]:
    """Install the CLI, unless that was done before, and return the command that starts it.

    Raises:
        NodeError: Node.js is missing, or npm could not install the CLI.
    """
    folder = install("supabase_cli")
    return program("node"), str(folder / "node_modules" / "supabase" / "dist" / "supabase.js")


@contextmanager
def fresh_cli(command: tuple[str, ...]) -> Iterator[SupabaseCli]:
    """Give the CLI an empty folder and a home of its own, for the length of a `with` block.

    Args:
        command: what starts it.
    """
    # What the CLI leaves in its home is not always ours to remove at once on Windows.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder, home = Path(temporary, "project"), Path(temporary, "home")
        folder.mkdir()
        home.mkdir()
        yield SupabaseCli(command, folder, environment(home))
