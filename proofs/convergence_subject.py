"""What is proved to converge, and how each claim is kept; must not know how a run is disturbed."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import psycopg

from schema_database import read_catalog
from schema_sql.declared import DeclaredSchema
from schema_sql.source import Source, SourceError, read_source
from schema_sql.statements import parse
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from schema_database import Catalog, Cluster, Database, PrivilegeRegime, Template
    from schema_sql.statements import SqlFile
    from schema_targets.build_file import Target
    from schema_targets.labels import Label
    from schema_targets.workspace import Workspace

# Far beyond what anything here takes: what waits for ever must fail, not hang.
_OPTIONS = "-c statement_timeout=120s"


@dataclass
class Claim:
    """Something that must hold in many cases.

    Attributes:
        text: the claim, for the report; Markdown.
        cases: how often it was tried.
        failures: the cases in which it did not hold, each with what was seen.
    """

    text: str
    cases: int = 0
    failures: list[str] = field(default_factory=list)

    def judge(self, case: str, problems: Sequence[str]) -> None:
        """Count one case.

        Args:
            case: what was tried, in words.
            problems: what was wrong, in words; none if the claim held.
        """
        self.cases += 1
        if problems:
            self.failures.append(f"{case}: {'; '.join(problems)}")


@dataclass(frozen=True)
class Subject:
    """The migration, and what it is made of.

    Attributes:
        workspace: the targets.
        path: the migration's path from the repository's root.
        text: the migration as it is committed.
        edges: the dependencies of each target.
    """

    workspace: Workspace
    path: str
    text: str
    edges: Mapping[Label, Sequence[Label]]

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The statements of the migration, in order."""
        return tuple(each.text for each in parse(Source(self.path, self.text)).statements)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables of public that the migration makes, in its order."""
        made = (self.sql(self.workspace.targets[label]).every_statement for label in self.shipped)
        return tuple(name.name for name in DeclaredSchema(chain.from_iterable(made)).tables)

    @cached_property
    def lock_timeout(self) -> int:
        """How long the migration says that it waits for a lock, in seconds."""
        (seconds,) = re.findall(r"SET LOCAL lock_timeout = '(\d+)s'", self.text)
        return int(seconds)

    @cached_property
    def stubs(self) -> list[tuple[str, str]]:
        """What the platform provides, in order: (path, SQL)."""
        return [(sql.path, sql.source.text) for sql in map(self.sql, self.workspace.externals())]

    @cached_property
    def shipped(self) -> list[Label]:
        """The fragments that the migration ships, in its order."""
        (migration,) = (
            target for target in self.workspace.of_kind("migration") if target.out == self.path
        )
        return [target.label for target in self.workspace.shipped(migration)]

    def sql(self, target: Target) -> SqlFile:
        """The SQL of a target.

        Raises:
            SourceError: it cannot be parsed.
        """
        found = self.workspace.sql(target)
        if isinstance(found, SourceError):
            raise found
        return found

    def platform(self, cluster: Cluster, regime: PrivilegeRegime) -> Template:
        """A database that the migration has not seen."""
        return cluster.template(regime, self.stubs)

    def migrated(self, cluster: Cluster, regime: PrivilegeRegime) -> Template:
        """A database that one undisturbed run has made."""
        return cluster.template(regime, self.stubs, [(self.path, self.text)])

    def clean(self, cluster: Cluster, regime: PrivilegeRegime) -> Catalog:
        """The catalog that one undisturbed run makes."""
        with (
            cluster.clone(self.migrated(cluster, regime)) as database,
            session(database) as connection,
        ):
            return read_catalog(connection)


def read_subject(root: Path, path: str) -> Subject:
    """Read a migration and its workspace.

    Args:
        root: the repository.
        path: the migration's, from there.

    Raises:
        SourceError: something of it cannot be read.
    """
    workspace = load(find_files(root))
    if workspace.errors:
        raise workspace.errors[0]
    return Subject(workspace, path, read_source(root / path, path).text, workspace.edges)


@contextmanager
def session(database: Database) -> Iterator[Connection[TupleRow]]:
    """Connect as the database's owner, in autocommit mode, for the length of a `with` block."""
    with open_session(database) as connection:
        yield connection


def open_session(database: Database) -> Connection[TupleRow]:
    """Connect as the database's owner, in autocommit mode; the caller closes."""
    return psycopg.connect(database.url, autocommit=True, options=_OPTIONS)
