"""Compare a database with what the migrations declare, in one read-only transaction.

The declared side is made by running the migrations in a local throwaway database. Columns,
constraints and indexes that the database has beyond that are no difference; policies and grants
are. So is whatever makes policies void outside of the tables: roles and their memberships,
settings, auth.jwt(), views, functions and rules.

Exit status: 0 as declared; 1 differs; 2 could not look (no such server, wrong password, no
database named, a workspace that is broken). What supabase/accepted.toml accepts is shown, and does
not count; nor does a note.

`--format json` prints one object: `version` (1; raised when a field changes its meaning or goes),
`database`, `as_declared`, `tables`, `findings` and `unused`. A finding has `id`, `check`,
`subject`, `level` (`difference` or `note`), `message`, `help` and `accepted` (the reason, or null);
an entry of `unused`, the `id` that was accepted and not found, and its `line`. Where it could not
look it prints nothing to standard output.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_cli.accepted import ACCEPTED, read_accepted
from schema_cli.project import (
    built_migrations,
    open_files,
    open_workspace,
    parsed,
    platform_stubs,
    print_errors,
)
from schema_cli.project_database import database_url
from schema_database import (
    CHECKS,
    Cluster,
    DatabaseError,
    Finding,
    Level,
    PrivilegeRegime,
    compare,
    masked,
    read_live_snapshot,
)
from schema_sql.declared import DeclaredSchema
from schema_sql.display import printable
from schema_sql.source import SourceError
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from schema_cli.accepted import Acceptance

FORMATS = ("text", "json")

JSON_VERSION = 1
"""Raised when a field of the JSON report changes its meaning or goes; a new field leaves it."""

AS_DECLARED, DIFFERS, COULD_NOT_LOOK = 0, 1, 2
"""The exit statuses."""


@dataclass(frozen=True)
class Report:
    """What is to be said of a database.

    Attributes:
        database: which, without its password.
        tables: the tables that were compared.
        findings: what was found, in order.
        accepted: what the team accepts, by the id of a finding.
    """

    database: str
    tables: Sequence[str]
    findings: Sequence[Finding]
    accepted: Mapping[str, Acceptance]

    @property
    def unused(self) -> list[Acceptance]:
        """What is accepted and was not found."""
        found = {finding.id for finding in self.findings}
        return [each for name, each in self.accepted.items() if name not in found]

    @property
    def differences(self) -> list[Finding]:
        """What is neither a note nor accepted."""
        return [
            finding
            for finding in self.findings
            if finding.level is Level.DIFFERENCE and finding.id not in self.accepted
        ]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "url", nargs="?", help="the database, as postgresql://…; default: DATABASE_URL"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    width = max(map(len, CHECKS))
    checks = "\n".join(f"  {check:<{width}}  {what}" for check, what in CHECKS.items())
    parser.epilog = f"checks, each the first word of an id:\n{checks}"


def run(args: argparse.Namespace) -> int:
    """Compare."""
    url = database_url(args.url)
    if url is None:
        raise UsageError("no database is named\n  help: give its URL, or set DATABASE_URL")
    try:
        report = _verify(args.root, url)
    except (DatabaseError, SourceError) as error:
        print_errors([error])
        return COULD_NOT_LOOK
    if report is None:
        return COULD_NOT_LOOK
    _print(as_json(report) if args.format == "json" else as_text(report))
    return DIFFERS if report.differences else AS_DECLARED


def _verify(root: Path | None, url: str) -> Report | None:
    """Look at the database; None after printing what is wrong with the workspace."""
    files = open_files(root)
    workspace = open_workspace(files)
    if workspace is None:
        return None
    accepted = read_accepted(files.root)
    fragments = parsed(workspace, workspace.of_kind("fragment"))
    declared = DeclaredSchema(s for sql in fragments for s in sql.statements)
    tables = [str(name) for name in declared.tables]
    migrations = built_migrations(workspace)
    # First, because it takes no time to find that nobody answers there.
    actual = read_live_snapshot(url, tables)
    with Cluster.open() as cluster:
        template = cluster.template(PrivilegeRegime.EXPLICIT, platform_stubs(workspace), migrations)
        with cluster.clone(template) as database:
            expected = read_live_snapshot(database.url, tables)
    return Report(masked(url), tables, compare(expected, actual, tables), accepted)


def as_text(report: Report) -> str:
    """Return the report for people: the fact, the remedy, and the name to accept it by."""
    parts = []
    for finding in report.findings:
        acceptance = report.accepted.get(finding.id)
        if acceptance:
            parts.append(f"accepted: {finding.fact}\n  reason: {printable(acceptance.reason)}\n")
        elif finding.level is Level.NOTE:
            parts.append(f"note: {finding.fact}\n  help: {finding.remedy}\n")
        else:
            parts.append(
                f"difference: {finding.fact}\n  help: {finding.remedy}\n  id: {finding.id}\n"
            )
    parts += [
        f"note: {ACCEPTED}:{each.line}: {printable(each.id)} is accepted and was not found\n"
        "  help: take the line out, once no database of yours has it\n"
        for each in report.unused
    ]
    count = len(report.differences)
    differences = f"{count} difference{'' if count == 1 else 's'}" if count else "no difference"
    parts.append(
        f"{report.database}: {differences} from what the migrations declare of"
        f" {len(report.tables)} tables\n"
    )
    return "".join(parts)


def as_json(report: Report) -> str:
    """Return the report for programs; its fields are in the documentation of this module."""
    content = {
        "version": JSON_VERSION,
        "database": report.database,
        "as_declared": not report.differences,
        "tables": list(report.tables),
        "findings": [
            {
                "id": finding.id,
                "check": finding.check,
                "subject": finding.subject,
                "level": str(finding.level),
                "message": finding.fact,
                "help": finding.remedy,
                "accepted": (
                    printable(report.accepted[finding.id].reason)
                    if finding.id in report.accepted
                    else None
                ),
            }
            for finding in report.findings
        ],
        "unused": [{"id": printable(each.id), "line": each.line} for each in report.unused],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _print(text: str) -> None:
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; the exit status says the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
