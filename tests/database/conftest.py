"""What the tests of the migration share: a way to look at all that a run could have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from database.tenants import TABLES, seed
from schema_database import Catalog, Database, read_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schema_database import Cluster, Template

# Its assertions are the tests', and should say as much when they fail.
pytest.register_assert_rewrite("database.scenarios")

Footprint = dict[str, Any]


@pytest.fixture(scope="session")
def _catalogs() -> dict[str, Catalog]:
    return {}


@pytest.fixture
def clean(cluster: Cluster, migrated_template: Template, _catalogs: dict[str, Catalog]) -> Catalog:
    """Return the catalog that one undisturbed run makes."""
    if migrated_template.name not in _catalogs:
        with cluster.clone(migrated_template) as database, psycopg.connect(database.url) as found:
            _catalogs[migrated_template.name] = read_catalog(found)
    return _catalogs[migrated_template.name]


@pytest.fixture
def connect() -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Return a function that opens a connection in autocommit mode, closed after the test."""
    opened: list[psycopg.Connection[Any]] = []

    def _connect(url: str) -> psycopg.Connection[Any]:
        # Waiting for ever is a failure too.
        opened.append(psycopg.connect(url, autocommit=True, options="-c statement_timeout=60s"))
        return opened[-1]

    yield _connect
    for connection in opened:
        connection.close()


@pytest.fixture
def empty(
    platform_database: Database, connect: Callable[[str], psycopg.Connection[Any]]
) -> psycopg.Connection[Any]:
    """Return the owner's connection to a database that the migration has not seen."""
    return connect(platform_database.url)


@pytest.fixture
def migrated(
    migrated_database: Database, connect: Callable[[str], psycopg.Connection[Any]]
) -> psycopg.Connection[Any]:
    """Return the owner's connection to a migrated database."""
    return connect(migrated_database.url)


@pytest.fixture
def populated(migrated: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Return the connection of `migrated`, with the rows of two tenants in its tables."""
    migrated.execute(seed())
    return migrated


@pytest.fixture
def admin(
    migrated_database: Database, connect: Callable[[str], psycopg.Connection[Any]]
) -> psycopg.Connection[Any]:
    """Return a superuser's connection to the database of `migrated`."""
    connection = connect(migrated_database.admin_url)
    if connection.info.parameter_status("is_superuser") != "on":
        pytest.skip("needs a superuser: unset DATABASE_URL, or name one in it")
    return connection


@pytest.fixture(scope="session")
def footprint() -> Callable[[psycopg.Connection[Any]], Footprint]:
    """Return a function that tells where tables, indexes and rows lie, and what is temporary."""

    def read(connection: psycopg.Connection[Any]) -> Footprint:
        files = connection.execute(
            "SELECT oid::int8, relname, relfilenode::int8 FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        ).fetchall()
        rows = {
            table: connection.execute(
                f"SELECT ctid::text, xmin::text, xmax::text, t::text FROM public.{table} AS t"
                " ORDER BY ctid"
            ).fetchall()
            for table in TABLES
        }
        temporary = connection.execute(
            "SELECT relname FROM pg_class WHERE relpersistence = 't'"
        ).fetchall()
        return {"files": files, "temporary": temporary, **rows}

    return read
