"""Compare a database with what the migrations declare, in one read-only transaction.

The declared side is made by running the migrations in a local throwaway database. Columns,
constraints and indexes that the database has beyond that are no difference; policies and grants
are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

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
    Cluster,
    DatabaseError,
    PrivilegeRegime,
    masked,
    read_catalog,
    read_live_catalog,
    verify,
)
from schema_sql.declared import DeclaredSchema
from schema_targets.workspace import UsageError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "url", nargs="?", help="the database, as postgresql://…; default: DATABASE_URL"
    )


def run(args: argparse.Namespace) -> int:
    """Compare."""
    url = database_url(args.url)
    if url is None:
        raise UsageError("no database is named\n  help: give its URL, or set DATABASE_URL")
    workspace = open_workspace(open_files(args.root))
    if workspace is None:
        return 1
    fragments = parsed(workspace, workspace.of_kind("fragment"))
    declared = DeclaredSchema(s for sql in fragments for s in sql.statements)
    tables = [str(name) for name in declared.tables]
    try:
        actual = read_live_catalog(url)
        with Cluster.open() as cluster:
            template = cluster.template(
                PrivilegeRegime.EXPLICIT, platform_stubs(workspace), built_migrations(workspace)
            )
            with cluster.clone(template) as database, psycopg.connect(database.url) as connection:
                expected = read_catalog(connection)
    except DatabaseError as error:
        print_errors([error])
        return 1
    differences = verify(expected, actual, tables)
    for line in differences:
        print(line)
    if not differences:
        print(f"{masked(url)}: {len(tables)} tables are what the migrations declare")
    return 1 if differences else 0
