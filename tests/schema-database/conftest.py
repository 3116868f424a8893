"""Servers and stubs for the tests of schema-database; named so as to collide with nobody's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schema_database import Cluster, Database, DatabaseError, Template, find_engine
from schema_database.engine import DEFAULT_MAJOR, OLDEST_MAJOR
from schema_database.supabase import PrivilegeRegime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schema_database import Engine

_ROLES = Path(__file__).resolve().parents[2] / "packages/schema/platform/roles.sql"
"""Roles are the whole server's, which other tests share: they are made as everywhere else."""

PLATFORM = """
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE
  AS $$ SELECT nullif(current_setting('request.jwt.claims', TRUE), '')::jsonb $$;
CREATE TABLE public.tenants (code TEXT CONSTRAINT tenants_pkey PRIMARY KEY);
"""

MAJOR = int(os.environ.get("SCHEMA_PG_MAJOR", "0")) or DEFAULT_MAJOR
"""The version that the whole suite is asked to run on, else the one that is always installed."""

STUBS = (("roles.sql", _ROLES.read_text("utf-8")), ("platform.sql", PLATFORM))


@pytest.fixture(scope="session")
def stub_texts() -> tuple[tuple[str, str], ...]:
    """Return a small platform: roles first, then what needs them."""
    return STUBS


@pytest.fixture(scope="session")
def engine_or_skip() -> Callable[[int], Engine]:
    """Return a finder of engines that skips, with the command that installs it, what is absent."""

    def find(major: int) -> Engine:
        try:
            return find_engine(major)
        except DatabaseError as error:
            pytest.skip(str(error))

    return find


# Named alike on every version, because `nox -s test_matrix` compares what ran by name.
@pytest.fixture(
    scope="session",
    params=[MAJOR, DEFAULT_MAJOR if MAJOR == OLDEST_MAJOR else OLDEST_MAJOR],
    ids=["asked-for", "another"],
)
def any_cluster(
    request: pytest.FixtureRequest, engine_or_skip: Callable[[int], Engine]
) -> Iterator[Cluster]:
    """Return a private server of the version asked for, and of one far from it, if it is here."""
    engine_or_skip(request.param)
    with Cluster.open(major=request.param) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def one_cluster() -> Iterator[Cluster]:
    """Return a private server of the version asked for."""
    with Cluster.open(major=MAJOR) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def legacy_template(one_cluster: Cluster) -> Template:
    """Return a platform under the old privileges."""
    return one_cluster.template(PrivilegeRegime.LEGACY, STUBS)


@pytest.fixture
def one_database(one_cluster: Cluster, legacy_template: Template) -> Iterator[Database]:
    """Return a database of the test's own."""
    with one_cluster.clone(legacy_template) as database:
        yield database


@pytest.fixture(scope="session")
def python_arguments() -> list[str]:
    """Return how to run a child that imports the package like this process does."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n"]
