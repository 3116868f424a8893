"""PostgreSQL for tests and checks: a local engine, a faithful Supabase, catalogs compared.

Knows how to run a server, fill throwaway databases and read them; must not know targets, rules, or
the names of the project's tables.
"""

from schema_database.address import masked
from schema_database.apply import (
    ApplyError,
    apply_as_one_transaction,
    apply_statement_by_statement,
)
from schema_database.catalog import (
    Catalog,
    Item,
    diff_catalogs,
    read_catalog,
    read_live_catalog,
    verify,
)
from schema_database.engine import Engine, find_engine
from schema_database.errors import DatabaseError
from schema_database.findings import CHECKS, Finding, Level
from schema_database.server import Server, private_server
from schema_database.supabase import PrivilegeRegime, bootstrap
from schema_database.throwaway import Cluster, Database, Template
from schema_database.verification import Snapshot, compare, read_live_snapshot, read_snapshot

__all__ = [
    "CHECKS",
    "ApplyError",
    "Catalog",
    "Cluster",
    "Database",
    "DatabaseError",
    "Engine",
    "Finding",
    "Item",
    "Level",
    "PrivilegeRegime",
    "Server",
    "Snapshot",
    "Template",
    "apply_as_one_transaction",
    "apply_statement_by_statement",
    "bootstrap",
    "compare",
    "diff_catalogs",
    "find_engine",
    "masked",
    "private_server",
    "read_catalog",
    "read_live_catalog",
    "read_live_snapshot",
    "read_snapshot",
    "verify",
]
