"""The gates that need a PostgreSQL: what each says of a mutant; knows no operator."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import psycopg

from proofs.advisors import unaccepted
from proofs.gates_suite import (
    PLATFORM,
    SCENARIOS,
    TENANT_TABLES,
    CrashedTestError,
    first_broken_promise,
    from_catalog,
    seed,
    specification_failure,
)
from proofs.node.supabase import fresh_cli
from schema_database import (
    ApplyError,
    Cluster,
    DatabaseError,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg import Connection

    from schema_database import Catalog, Database, Template

DATABASE_GATES = ("apply", "re-run", "spec: catalog", "seed", "tenancy", "guard", "advisor")
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
        unchanged: it ends in the true migration's catalog, and running it again changes nothing.
        crashes: tests that judged nothing, because they ended in an error of their own.
    """

    kills: dict[str, str]
    asked: tuple[str, ...]
    after: str = ""
    unchanged: bool = False
    crashes: tuple[str, ...] = ()


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

    def judge(self, built: str, table: str, *, scenes: Scenes) -> Applied:
        """Ask every gate that needs a database, but for the advisors.

        Args:
            built: the mutant's migration.
            table: the table that was mutated; the guard's message must name it.
            scenes: when to play them.

        Returns:
            What they say.

        Raises:
            DatabaseError: the server failed, which says nothing of the mutant.
        """
        kills: dict[str, str] = {}
        crashes: list[str] = []
        with self._cluster.clone(self._template) as database, _connect(database) as connection:
            try:
                apply_as_one_transaction(connection, built)
            except ApplyError as error:
                return Applied({"apply": refusal(error)}, ("apply",))
            first = read_catalog(connection)
            same = not diff_catalogs(self._clean, first)
            kills["re-run"] = _rerun_failure(connection, built, first)
            kills["spec: catalog"] = _noting(crashes, lambda: _live_failure(connection))
            if scenes is Scenes.ALWAYS or (scenes is Scenes.IF_CHANGED and not same):
                kills["seed"] = seed_failure(connection)
                if not kills["seed"]:
                    kills["tenancy"] = _noting(crashes, lambda: tenancy_failure(connection))
            kills["guard"], after = self._guard(connection, table)
        found = {gate: why for gate, why in kills.items() if why}
        unchanged = same and not kills["re-run"]
        return Applied(found, ("apply", *kills), after, unchanged, tuple(crashes))

    def advise(self, built: str) -> Applied:
        """Ask Supabase's advisors about a database on which nothing else was done.

        Args:
            built: a mutant's migration.

        Returns:
            What they say.

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
            names_it = "differ from what this migration" in error.message and table in error.message
            return ("names the difference", "refused") if names_it else ("", refusal(error))
        differences = diff_catalogs(self._clean, read_catalog(connection))
        return "", "left" if differences else "repaired"


class Scenes(Enum):
    """When the scenes are played on a mutant's database."""

    NEVER = "never"
    IF_CHANGED = "only where its catalog is not the true migration's"
    ALWAYS = "always"


# What PostgreSQL says of itself, of its machine and of other sessions, and nothing of the SQL:
# connections, transactions that collided, resources, locks, shutdown, the system, internal errors.
_TROUBLE = ("08", "40", "53", "55P03", "57P", "58", "XX")


def refusal(error: ApplyError) -> str:
    """Return PostgreSQL's code for why it refused a migration.

    Args:
        error: how it refused.

    Returns:
        The code.

    Raises:
        DatabaseError: that was no judgement: the connection is lost, or the server is in trouble.
    """
    if error.sqlstate.startswith(_TROUBLE) or not error.sqlstate:
        # As a new one, because that of a worker's must travel to this process's parent.
        raise DatabaseError(f"the server failed: {error}", "run it again") from error
    return error.sqlstate


def _noting(crashes: list[str], judge: Callable[[], str]) -> str:
    try:
        return judge()
    except CrashedTestError as error:
        crashes.append(str(error))
        return ""


def _connect(database: Database) -> Connection[Any]:
    return psycopg.connect(database.url, autocommit=True)


def _rerun_failure(connection: Connection[Any], built: str, first: Catalog) -> str:
    before = _relations(connection)
    try:
        apply_as_one_transaction(connection, built)
    except ApplyError as error:
        return refusal(error)
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
        return specification_failure(lambda: from_catalog(connection, PLATFORM))


def seed_failure(connection: Connection[Any]) -> str:
    """Insert the rows of two tenants.

    Args:
        connection: the owner's, to a migrated database.

    Returns:
        PostgreSQL's code for why they do not fit in; empty where they do.

    Raises:
        psycopg.OperationalError: the server failed.
    """
    try:
        with connection.transaction():
            connection.execute(seed())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        return error.sqlstate or "refused"
    return ""


def tenancy_failure(connection: Connection[Any]) -> str:
    """Play the scenes on a migrated database that has the tenants' rows, and remove the rows.

    Args:
        connection: the owner's.

    Returns:
        The first promise that it breaks; empty where it keeps them all.

    Raises:
        CrashedTestError: a scene failed otherwise.
    """
    failure = first_broken_promise(connection, SCENARIOS)
    with connection.transaction():
        # The guard compares shapes, not rows.
        connection.execute(
            f"TRUNCATE {', '.join(f'public.{table}' for table in TENANT_TABLES)} CASCADE"
        )
    return failure


def open_cluster() -> Any:
    """Open the server: our own, or the one that DATABASE_URL names.

    Returns:
        Its context manager.

    Raises:
        DatabaseError: there is none, where it is entered.
    """
    return Cluster.open(os.environ.get("DATABASE_URL"))
