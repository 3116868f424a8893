"""The order of the targets: knows all orders that the declared dependencies allow, and tries them.

Must not know what the targets hold: whether an order works is PostgreSQL's to say.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import psycopg

from proofs.convergence_subject import Claim, session
from proofs.report import progress
from schema_database import (
    ApplyError,
    Cluster,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
)
from schema_sql.objects import provides
from schema_targets.graph import closure, find_path, order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from proofs.convergence_subject import Subject
    from schema_database import Catalog
    from schema_targets.labels import Label

    Edges = Mapping[Label, Sequence[Label]]

SAMPLE = 1000
"""How many orders of all targets are tried."""

SAMPLE_PER_REGIME = 100
"""How many orders of the fragments alone are tried under each privilege regime."""

_SEED = 20251120


@dataclass(frozen=True)
class Edge:
    """A declared dependency, and what it is good for.

    Attributes:
        user: the target that declares it.
        dependency: the target that it names.
        implied_by: another path of dependencies that demands the same order; empty if none.
        failure: what PostgreSQL says to an order that breaks this dependency alone, or, where no
            order can, to the target when what it depends on has been dropped.
    """

    user: Label
    dependency: Label
    implied_by: tuple[Label, ...] = ()
    failure: str = ""


class Orders:
    """All orders of targets in which each comes behind those it depends on."""

    def __init__(self, labels: Sequence[Label], edges: Edges) -> None:
        self._labels = sorted(labels)
        number = {label: n for n, label in enumerate(self._labels)}
        needs = [
            sum(1 << number[dep] for dep in set(edges[label]) if dep in number)
            for label in self._labels
        ]
        everything = (1 << len(needs)) - 1

        def ready(done: int) -> list[int]:
            return [n for n, need in enumerate(needs) if not done >> n & 1 and need & done == need]

        @cache
        def count(done: int) -> int:
            if done == everything:
                return 1
            return sum(count(done | 1 << n) for n in ready(done))

        self._ready, self._count = ready, count

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count(0)

    def draw(self, chance: random.Random) -> list[Label]:
        """Draw one, each as likely as any other."""
        done, result = 0, []
        for _ in self._labels:
            ready = self._ready(done)
            # As likely as there are orders that go on with it.
            weights = [self._count(done | 1 << n) for n in ready]
            (chosen,) = chance.choices(ready, weights)
            done |= 1 << chosen
            result.append(self._labels[chosen])
        return result


def prove_orders(cluster: Cluster, subject: Subject) -> tuple[list[Claim], list[Edge]]:
    """Try orders of the targets: those that the dependencies allow, and those that they forbid.

    Args:
        cluster: where the fragments alone are tried.
        subject: the migration.

    Returns:
        The claims, and what each declared dependency is good for.
    """
    with bare_server() as connection:
        expected = whole_catalog(connection, subject)
        sufficient = [
            prove_earliest(connection, subject, expected),
            *_every_target(connection, subject, expected),
        ]
        necessary, edges = prove_necessary(connection, subject)
    return [*sufficient, _fragments(cluster, subject), *necessary], edges


@contextmanager
def bare_server() -> Iterator[Connection[TupleRow]]:
    """Start a server that has no roles of Supabase's, and connect as its superuser."""
    # A server of our own, whatever DATABASE_URL says: roles belong to a whole server, and here
    # there must be none before the target that makes them.
    with Cluster.open() as bare:
        template = bare.template(PrivilegeRegime.EXPLICIT, [])
        with (
            bare.clone(template) as database,
            psycopg.connect(database.admin_url, autocommit=True) as connection,
        ):
            yield connection


def whole_catalog(connection: Connection[TupleRow], subject: Subject) -> Catalog:
    """Return the catalog that the targets make in our own order.

    Raises:
        ApplyError: they do not apply in it.
    """
    externals = [target.label for target in subject.workspace.externals()]
    expected, error = _apply(connection, subject, externals + subject.shipped)
    if expected is None:
        raise error or AssertionError
    return expected


def _graph(subject: Subject) -> tuple[list[Label], Edges]:
    externals = [target.label for target in subject.workspace.externals()]
    return externals + subject.shipped, subject.edges


def prove_earliest(connection: Connection[TupleRow], subject: Subject, expected: Catalog) -> Claim:
    """Behind nothing but what it depends on, a target misses whatever it forgot to declare.

    Args:
        connection: a superuser's to a bare server.
        subject: the migration.
        expected: the catalog that each order must make.
    """
    labels, edges = _graph(subject)
    claim = Claim(
        "Sufficient: each target applies as early as its declared dependencies allow, behind them"
        " and nothing else; the others follow, and the catalog is that of our own order."
    )
    for label in labels:
        before = closure([label], edges)
        early = order(before, edges) + order(set(labels) - before, edges)
        problems = _problems(expected, *_apply(connection, subject, early))
        claim.judge(f"{label} first", problems)
    return claim


def _every_target(
    connection: Connection[TupleRow], subject: Subject, expected: Catalog
) -> list[Claim]:
    labels, edges = _graph(subject)
    orders = Orders(labels, edges)
    claim = Claim(
        f"So do {SAMPLE:,} of the {orders.count:,} orders of all targets, the platform's stubs"
        " among them, drawn evenly."
    )
    free = {
        (first, second)
        for first, second in permutations(labels, 2)
        if first not in closure([second], edges) and second not in closure([first], edges)
    }
    tried: set[tuple[Label, Label]] = set()
    chance = random.Random(_SEED)  # noqa: S311 - the same orders on every run
    for n in range(1, SAMPLE + 1):
        drawn = orders.draw(chance)
        tried |= free & set(combinations(drawn, 2))
        claim.judge(_said(drawn), _problems(expected, *_apply(connection, subject, drawn)))
        progress(n, SAMPLE, "orders of all targets")
    both_ways = Claim(
        "Among them, of every two targets that may stand either way round, each stood before the"
        " other."
    )
    for first, second in sorted(free):
        missing = [] if (first, second) in tried else ["was not drawn"]
        both_ways.judge(f"{first} before {second}", missing)
    return [claim, both_ways]


_NAME_OF_MIGRATION = "comment is absent, expected Last migration: "


def _fragments(cluster: Cluster, subject: Subject) -> Claim:
    orders = Orders(subject.shipped, subject.edges)
    claim = Claim(
        f"And {SAMPLE_PER_REGIME} of the {orders.count:,} orders of the"
        f" {len(subject.shipped)} fragments behind the stubs, with a clean run's catalog, but for"
        " the name that a whole migration leaves on each table."
    )
    chance = random.Random(_SEED)  # noqa: S311 - the same orders on every run
    for regime in PrivilegeRegime:
        clean = subject.clean(cluster, regime)
        with (
            cluster.clone(subject.platform(cluster, regime)) as database,
            session(database) as connection,
        ):
            for n in range(1, SAMPLE_PER_REGIME + 1):
                drawn = orders.draw(chance)
                found = _problems(clean, *_apply(connection, subject, drawn))
                problems = [each for each in found if _NAME_OF_MIGRATION not in each]
                claim.judge(f"{regime}, {_said(drawn)}", problems)
                progress(n, SAMPLE_PER_REGIME, f"{regime}: orders of the fragments")
    return claim


def prove_necessary(
    connection: Connection[TupleRow], subject: Subject
) -> tuple[list[Claim], list[Edge]]:
    """Without any one of its dependencies, a target must fail.

    Args:
        connection: a superuser's to a bare server.
        subject: the migration.

    Returns:
        The claims, and what each declared dependency is good for.
    """
    ordered = Claim(
        "Necessary: an order that breaks one declared dependency alone fails in the target that"
        " declares it."
    )
    dropped = Claim(
        "Where no order can, because other dependencies demand the same one: the target fails when"
        " what it depends on has been dropped."
    )
    labels, edges = _graph(subject)
    pairs = [(user, dep) for user in labels for dep in edges[user]]
    judged = []
    for n, (user, dep) in enumerate(sorted(pairs), 1):
        others = {
            label: tuple(d for d in deps if (label, d) != (user, dep))
            for label, deps in edges.items()
        }
        path = find_path(user, dep, others)
        if path:
            claim = dropped
            before = order(closure([user], edges) - {user}, edges)
            _, error = _apply(connection, subject, [*before, user], lost=dep)
        else:
            claim = ordered
            # The dependency the other way round: everything else stays as declared.
            broken = others | {dep: (*others[dep], user)}
            _, error = _apply(connection, subject, order(labels, broken))
        place = subject.workspace.sql_path(subject.workspace.targets[user])
        failure = f"{error.sqlstate}: {error.message}" if error else ""
        problems = [] if error and error.name == place else [str(error or "it works all the same")]
        claim.judge(f"{user} -> {dep}", problems)
        judged.append(Edge(user, dep, tuple(path or ()), failure))
        progress(n, len(pairs), "dependencies left out")
    return [ordered, dropped], judged


def _apply(
    connection: Connection[TupleRow],
    subject: Subject,
    labels: Sequence[Label],
    lost: Label | None = None,
) -> tuple[Catalog | None, ApplyError | None]:
    """Apply targets in an order, look, and take all of it back, roles too.

    What `lost` provides is dropped before the last of them.
    """
    with connection.transaction(force_rollback=True):
        for label in labels:
            if lost and label == labels[-1]:
                for statement in _drops(subject, lost):
                    connection.execute(statement)
            sql = subject.sql(subject.workspace.targets[label])
            try:
                apply_as_one_transaction(connection, sql.source.text, name=sql.path)
            except ApplyError as error:
                return None, error
        return read_catalog(connection), None


_DROPS = {
    "relation": "DROP TABLE IF EXISTS {0} CASCADE",
    "schema": "DROP SCHEMA IF EXISTS {0} CASCADE",
    "role": "DROP OWNED BY {0}; DROP ROLE {0}",
}


def _drops(subject: Subject, lost: Label) -> list[bytes]:
    statements = subject.sql(subject.workspace.targets[lost]).every_statement
    provided = {mention.object for statement in statements for mention in provides(statement)}
    return [
        _DROPS[each.kind].format(each.name).encode()
        for each in sorted(provided)
        if each.kind in _DROPS
    ]


def _problems(expected: Catalog, found: Catalog | None, error: ApplyError | None) -> list[str]:
    return [str(error)] if found is None else diff_catalogs(expected, found)


def _said(labels: Sequence[Label]) -> str:
    return " < ".join(map(str, labels))
