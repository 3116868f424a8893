"""Fragments, built files and the live catalog are each what the specification says, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schema_database import PrivilegeRegime
from schema_sql.source import Source, SourceError
from schema_sql.statements import parse
from schema_targets.workspace import find_files, load
from spec.observed import (
    ObservedPolicy,
    ObservedSchema,
    ObservedTable,
    from_catalog,
    from_sql,
    index_tree,
    tree,
)
from spec.specification import PLATFORM, SELF_EVIDENT, TABLES, TableSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ROOT = Path(__file__).resolve().parents[2]


def _fragments() -> ObservedSchema:
    workspace = load(find_files(ROOT))
    parsed = []
    for target in workspace.migrations():
        for fragment in workspace.shipped(target):
            sql = workspace.sql(fragment)
            assert not isinstance(sql, SourceError), sql
            parsed.append(sql)
    return from_sql(parsed)


@pytest.fixture(
    scope="module",
    params=["fragments", "file", *PrivilegeRegime],
    ids=lambda form: f"catalog-{form.value}" if isinstance(form, PrivilegeRegime) else form,
)
def observed(request: pytest.FixtureRequest) -> Iterator[ObservedSchema]:
    """The schema as each of its forms has it; the catalog, as each regime leaves it."""
    if request.param == "fragments":
        yield _fragments()
    elif request.param == "file":
        migrations: list[tuple[str, str]] = request.getfixturevalue("migrations")
        yield from_sql(parse(Source(path, text)) for path, text in migrations)
    else:
        connections: dict[PrivilegeRegime, psycopg.Connection[Any]]
        connections = request.getfixturevalue("migrated_connections")
        yield from_catalog(connections[request.param], PLATFORM)


@pytest.fixture(params=sorted(TABLES))
def name(request: pytest.FixtureRequest) -> str:
    """The name of a table."""
    found: str = request.param
    return found


@pytest.fixture
def table(observed: ObservedSchema, name: str) -> ObservedTable:
    """A table as it is."""
    assert name in observed, f"there is no table {name}"
    return observed[name]


@pytest.fixture
def spec(name: str) -> TableSpec:
    """The table as it must be."""
    return TABLES[name]


def test_no_other_table(observed: ObservedSchema) -> None:
    """The six tables are there, and no seventh."""
    assert set(observed) == set(TABLES)


def test_nothing_but_tables(observed: ObservedSchema) -> None:
    """No function, trigger, view or whatever else; no rows; no setting or privilege beyond ours."""
    assert observed.others == []


def test_columns(table: ObservedTable, spec: TableSpec) -> None:
    """Every column has its name, place, type, NOT NULL and default; none is missing or added."""
    expected = {}
    for column, text in spec.columns.items():
        kind, _, default = text.partition(" DEFAULT ")
        kind, not_null, _ = kind.partition(" NOT NULL")
        expected[column] = (kind, bool(not_null), tree(default) if default else None)
    assert table.columns == expected
    assert list(table.columns) == list(expected)


def test_keys(table: ObservedTable, spec: TableSpec) -> None:
    """The primary key is id, and the unique keys are those that are required."""
    assert table.primary_key == ("id",)
    assert sorted(table.unique) == sorted(spec.unique)


def test_checks(table: ObservedTable, spec: TableSpec) -> None:
    """Every status and type admits exactly its values."""
    assert sorted(table.checks) == sorted(spec.checks.items())


def test_foreign_keys(table: ObservedTable, spec: TableSpec) -> None:
    """One tenant-scoped foreign key for each relationship, and none deletes or updates rows."""
    assert sorted(table.foreign_keys) == sorted(spec.foreign_keys.items())
    assert table.key_actions == {"aa"}


def test_indexes(table: ObservedTable, spec: TableSpec) -> None:
    """The required indexes are there, and no other."""
    expected = [index_tree(text) for text in spec.indexes]
    assert sorted(table.indexes, key=repr) == sorted(expected, key=repr)


def test_policies(table: ObservedTable, spec: TableSpec) -> None:
    """Row-level security is on, and its policies are exactly the declared ones."""
    assert table.row_security
    assert table.policies == {
        name: ObservedPolicy(
            policy.command,
            policy.permissive,
            ("authenticated",),
            tree(policy.using),
            tree(policy.check),
        )
        for name, policy in spec.policies.items()
    }


def test_privileges(table: ObservedTable, spec: TableSpec) -> None:
    """The signed-in and the service role hold what they need; the others hold nothing."""
    assert table.privileges == {
        "PUBLIC": frozenset(),
        "anon": frozenset(),
        "authenticated": spec.privileges,
        "service_role": spec.privileges,
    }


def test_comment(table: ObservedTable) -> None:
    """Every table says what it is for."""
    assert len(table.comment) > 20


def test_column_comments(table: ObservedTable, spec: TableSpec) -> None:
    """The columns whose names do not say it all are explained, and no others."""
    assert table.column_comments == set(spec.columns) - SELF_EVIDENT


def test_nothing_unusual(table: ObservedTable) -> None:
    """No option, collation, rule or deferral that nobody asked for."""
    assert table.unusual == set()
