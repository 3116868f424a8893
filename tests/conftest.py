"""What every test may use: one PostgreSQL for all of them, and clones of a migrated database.

With xdist the controller starts the server and the workers share it. With DATABASE_URL set, that
server is used instead, and only throwaway databases on it are touched.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from schema_database import Cluster, Database, DatabaseError, PrivilegeRegime, Template
from schema_sql.source import Source, SourceError, read_source
from schema_sql.statements import parse
from schema_targets.versions import apply_order
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = "supabase/migrations"
MIGRATION = f"{MIGRATIONS}/20251120_phase1d_workflow_tables.sql"

# Where it cannot connect, a report would show its arguments, and with them the password.
vars(psycopg.connection)["__tracebackhide__"] = True

_RUNNING = pytest.StashKey[ExitStack]()
_HANDLE = pytest.StashKey[str]()


def _handle(config: pytest.Config) -> str:
    """Open the cluster, once in this process; it stays open until pytest ends."""
    if _HANDLE not in config.stash:
        stack = config.stash.setdefault(_RUNNING, ExitStack())
        major = int(os.environ.get("SCHEMA_PG_MAJOR", "0")) or None
        try:
            cluster = stack.enter_context(Cluster.open(os.environ.get("DATABASE_URL"), major=major))
        except DatabaseError as error:
            pytest.exit(str(error), returncode=2)
        config.stash[_HANDLE] = cluster.handle()
    return config.stash[_HANDLE]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each xdist worker the controller's server."""
    node.workerinput["cluster"] = _handle(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that this process started."""
    if _RUNNING in config.stash:
        config.stash[_RUNNING].close()


@pytest.fixture(autouse=True, scope="session")
def users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the command remembers what it saw; that of whoever runs the tests is left alone."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The server that all tests share."""
    handed = getattr(request.config, "workerinput", {}).get("cluster")
    with Cluster.attach(handed or _handle(request.config)) as found:
        yield found


@pytest.fixture(autouse=True)
def _say_which_postgresql(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Put the major version that a test has its database on into the JUnit report.

    Of each test, because what is recorded of a whole suite does not leave an xdist worker.
    """
    for name in ("cluster", "one_cluster"):
        if name in request.fixturenames:
            record_property("postgresql", request.getfixturevalue(name).major)


@pytest.fixture(scope="session")
def stubs() -> list[tuple[str, str]]:
    """What the platform provides, in order: (path, SQL)."""
    workspace = load(find_files(ROOT))
    result = []
    for target in workspace.externals():
        sql = workspace.sql(target)
        assert not isinstance(sql, SourceError), sql
        result.append((sql.path, sql.source.text))
    return result


@pytest.fixture(scope="session")
def migration() -> str:
    """The text of the migration, as it is committed."""
    return read_source(ROOT / MIGRATION, MIGRATION).text


@pytest.fixture(scope="session")
def migrations() -> list[tuple[str, str]]:
    """All migrations as they are committed, in the order in which they ship: (path, SQL)."""
    found = (path.relative_to(ROOT).as_posix() for path in ROOT.glob(f"{MIGRATIONS}/*.sql"))
    return [(p, read_source(ROOT / p, p).text) for p in sorted(found, key=apply_order)]


@pytest.fixture(scope="session")
def migration_statements(migration: str) -> list[str]:
    """The statements of the migration, in order."""
    return [statement.text for statement in parse(Source(MIGRATION, migration)).statements]


@pytest.fixture(params=list(PrivilegeRegime), ids=lambda regime: str(regime.value))
def regime(request: pytest.FixtureRequest) -> PrivilegeRegime:
    """Both ways in which Supabase grants new tables to the API roles, one after the other."""
    found: PrivilegeRegime = request.param
    return found


@pytest.fixture
def platform_template(
    cluster: Cluster, stubs: list[tuple[str, str]], regime: PrivilegeRegime
) -> Template:
    """A template of the platform before our migration."""
    return cluster.template(regime, stubs)


@pytest.fixture
def migrated_template(
    cluster: Cluster, stubs: list[tuple[str, str]], migration: str, regime: PrivilegeRegime
) -> Template:
    """A template of the platform with the migration applied."""
    return cluster.template(regime, stubs, [(MIGRATION, migration)])


@pytest.fixture
def platform_database(cluster: Cluster, platform_template: Template) -> Iterator[Database]:
    """A database of the test's own, before our migration."""
    with cluster.clone(platform_template) as database:
        yield database


@pytest.fixture
def migrated_database(cluster: Cluster, migrated_template: Template) -> Iterator[Database]:
    """A database of the test's own, with the migration applied."""
    with cluster.clone(migrated_template) as database:
        yield database


@pytest.fixture(scope="session")
def migrated_connections(
    cluster: Cluster, stubs: list[tuple[str, str]], migrations: list[tuple[str, str]]
) -> Iterator[dict[PrivilegeRegime, psycopg.Connection[Any]]]:
    """Read-only connections that tests share, to a database with all migrations of each regime."""
    with ExitStack() as stack:
        connections = {}
        for regime in PrivilegeRegime:
            template = cluster.template(regime, stubs, migrations)
            database = stack.enter_context(cluster.clone(template))
            connections[regime] = stack.enter_context(psycopg.connect(database.url))
            connections[regime].read_only = True
        yield connections
