"""The gates that need a PostgreSQL: apply, run again, specification, tenancy, guard, advisors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from proofs.advisors import unaccepted
from proofs.gates_suite import (
    SCENARIOS,
    TABLES,
    TENANT_TABLES,
    first_broken_promise,
    from_catalog,
    seed,
    specification_failure,
)
from proofs.node.supabase import fresh_cli
from schema_database import (
    ApplyError,
    Cluster,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from schema_database import Catalog, Database, Template

DATABASE_GATES = ("apply", "re-run", "spec: catalog", "tenancy", "guard", "advisor")
"""The gates, in the order in which they are asked."""

REGIME = PrivilegeRegime.LEGACY
"""Every new table is granted to the API roles here, so a missing REVOKE shows."""


@dataclass(frozen=True)
class Applied:
    """What became of a mutant on a database.

    Attributes:
        kills: for each gate that refuses it, what it says.
        asked: the gates that looked at it.
        after: what the true migration did with the mutant's database: `refused`, `repaired`, `left`
            where a difference remains that it does not mind, or empty where it was not asked.
    """

    kills: dict[str, str]
    asked: tuple[str, ...]
    after: str = ""


class Stage:
    """A server on which mutants are tried, each in a database of its own.

    Args:
        cluster: the server.
        stubs: what the platform provides.
        migration: the true migration: its text.
        cli: what starts the Supabase CLI.
    """

    def __init__(
        self,
        cluster: Cluster,
        stubs: Sequence[tuple[str, str]],
        migration: str,
        cli: tuple[str, ...],
    ) -> None:
        self._cluster = cluster
        self._migration = migration
        self._cli = cli
        self._template = cluster.template(REGIME, stubs)
        with cluster.clone(self._template) as database, _connect(database) as connection:
            apply_as_one_transaction(connection, migration)
            self._clean = read_catalog(connection)

    @property
    def template(self) -> Template:
        """A database before any migration."""
        return self._template

    def judge(self, built: str, table: str, *, tenancy: bool) -> Applied:
        """Ask every gate that needs a database, but for the advisors.

        Args:
            built: the mutant's migration.
            table: the table that was mutated; the guard's message must name it.
            tenancy: whether to play the scenes.
        """
        kills: dict[str, str] = {}
        with self._cluster.clone(self._template) as database, _connect(database) as connection:
            try:
                apply_as_one_transaction(connection, built)
            except ApplyError as error:
                return Applied({"apply": error.sqlstate}, ("apply",))
            first = read_catalog(connection)
            kills["re-run"] = _rerun_failure(connection, built, first)
            kills["spec: catalog"] = _live_failure(connection)
            asked = ["apply", "re-run", "spec: catalog"]
            if tenancy:
                asked.append("tenancy")
                same = not diff_catalogs(self._clean, first)
                kills["tenancy"] = "" if same else tenancy_failure(connection)
            asked.append("guard")
            said, after = self._guard(connection, table)
            kills["guard"] = said
        found = {gate: why for gate, why in kills.items() if why}
        return Applied(found, tuple(asked), after)

    def advise(self, built: str) -> Applied:
        """Ask Supabase's advisors about a database on which nothing else was done.

        Args:
            built: a mutant's migration.

        Raises:
            ApplyError: it does not run.
            DatabaseError: the advisors give no answer.
        """
        with self._cluster.clone(self._template) as database, fresh_cli(self._cli) as cli:
            with _connect(database) as connection:
                apply_as_one_transaction(connection, built)
            lints = {advice.lint for advice in unaccepted(cli, database.url)}
        kills = {"advisor": ",".join(sorted(lints))} if lints else {}
        return Applied(kills, ("advisor",))

    def _guard(self, connection: Connection[Any], table: str) -> tuple[str, str]:
        """Run the true migration over what the mutant has made."""
        try:
            apply_as_one_transaction(connection, self._migration)
        except ApplyError as error:
            names_it = "differ from the migration" in error.message and table in error.message
            return ("names the difference", "refused") if names_it else ("", error.sqlstate)
        differences = diff_catalogs(self._clean, read_catalog(connection))
        return "", "left" if differences else "repaired"


def _connect(database: Database) -> Connection[Any]:
    return psycopg.connect(database.url, autocommit=True)


def _rerun_failure(connection: Connection[Any], built: str, first: Catalog) -> str:
    before = _relations(connection)
    try:
        apply_as_one_transaction(connection, built)
    except ApplyError as error:
        return error.sqlstate
    if diff_catalogs(first, read_catalog(connection)):
        return "another catalog"
    return "" if _relations(connection) == before else "rewrites or replaces a relation"


def _relations(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT oid::INT8, relname, relfilenode::INT8 FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
    ).fetchall()


def _live_failure(connection: Connection[Any]) -> str:
    with connection.transaction(force_rollback=True):
        return specification_failure(lambda: from_catalog(connection, TABLES))


def tenancy_failure(connection: Connection[Any]) -> str:
    """Return the first promise that a migrated database breaks; empty where it keeps them all."""
    try:
        with connection.transaction():
            connection.execute(seed())
    except psycopg.Error as error:
        return f"the tenants' rows: {error.sqlstate}"
    failure = first_broken_promise(connection, SCENARIOS)
    with connection.transaction():
        # The guard compares shapes, not rows.
        connection.execute(f"TRUNCATE {', '.join(f'public.{table}' for table in TENANT_TABLES)}")
    return failure


def open_cluster() -> Any:
    """Return the context manager of the server: our own, or the one that DATABASE_URL names."""
    return Cluster.open(os.environ.get("DATABASE_URL"))
