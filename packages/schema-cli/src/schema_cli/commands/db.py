"""Start a local PostgreSQL with the migrations and a demo tenant in it, until Ctrl-C.

Nothing is left behind: the server and its data are gone when this ends, however it ends. With
DATABASE_URL set, a throwaway database on that server is used instead.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import threading
from typing import TYPE_CHECKING

from schema_cli.project import (
    built_migrations,
    open_files,
    open_workspace,
    platform_stubs,
    print_errors,
)
from schema_cli.project_database import database_url
from schema_database import (
    Cluster,
    DatabaseError,
    PrivilegeRegime,
    apply_as_one_transaction,
    find_engine,
    masked,
)
from schema_database.environment import ignored_variables
from schema_sql.source import read_source

if TYPE_CHECKING:
    import argparse

    from schema_database import Database

SEED = "supabase/seed.sql"
"""The demo data, where the Supabase CLI has it too."""

_USAGE = """\
PostgreSQL {major} with the migrations and the tenant 'demo'

  url   {url}
  psql  {psql}

To see what a signed-in user of that tenant sees, type there:

  SET ROLE authenticated;
  SET request.jwt.claims = '{{"app_code": "demo"}}';
  SELECT * FROM workflow_instances;

Ctrl-C stops it and removes everything."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--legacy-grants",
        action="store_true",
        help="grant new tables to the API roles, as Supabase did before 2026-10-30",
    )


def run(args: argparse.Namespace) -> int:
    """Start it and wait."""
    files = open_files(args.root)
    workspace = open_workspace(files)
    if workspace is None:
        return 1
    migrations = built_migrations(workspace)
    seed = files.root / SEED
    # Before the server starts: a file that cannot be read is told at once.
    demo = read_source(seed, SEED) if seed.is_file() else None
    regime = PrivilegeRegime.LEGACY if args.legacy_grants else PrivilegeRegime.EXPLICIT
    borrowed = database_url()
    try:
        with Cluster.open(borrowed) as cluster:
            template = cluster.template(regime, platform_stubs(workspace), migrations)
            with cluster.clone(template) as database:
                if demo is not None:
                    apply_as_one_transaction(database.url, demo.text, name=SEED)
                _print_usage(cluster, database, borrowed)
                while True:
                    threading.Event().wait()
    except DatabaseError as error:
        print_errors([error])
        return 1
    except KeyboardInterrupt:
        # Where a terminal was closed, nobody reads it.
        with contextlib.suppress(OSError):
            print("stopped; nothing is left behind", file=sys.stderr)
        raise


def _print_usage(cluster: Cluster, database: Database, borrowed: str | None) -> None:
    # A role made for this database has a password that is worth nothing once it is gone; the role
    # that DATABASE_URL names has one that is nobody's business.
    url = masked(database.url) if database.url == database.admin_url else database.url
    psql = ["psql" if borrowed else str(find_engine().program("psql")), url]
    if ignored := ignored_variables():
        # They would lead psql elsewhere.
        psql = ["env", *(word for name in ignored for word in ("-u", name)), *psql]
    print(_USAGE.format(major=cluster.major, url=url, psql=shlex.join(psql)), flush=True)
