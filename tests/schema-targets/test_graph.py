"""The target graph: order, cycles, paths."""

import itertools
import random

import pytest

from schema_targets.graph import closure, find_cycles, find_path, order, reverse
from schema_targets.labels import Label

Edges = dict[Label, tuple[Label, ...]]


def graph(text: str) -> Edges:
    """A graph in words: ``p:a -> p:b q:c, q:c``."""
    result: Edges = {}
    for item in text.split(","):
        name, _, deps = item.partition("->")
        result[label(name)] = tuple(map(label, deps.split()))
    return result


def label(text: str) -> Label:
    """A label as these tests write it."""
    package, _, name = text.strip().partition(":")
    return Label(package, name)


def random_graph(seed: int, packages: int, per_package: int, edges: int) -> Edges:
    """A graph without cycles whose names say nothing about its order."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeat itself
    labels = [Label(f"p{p}", f"t{t}") for p in range(packages) for t in range(per_package)]
    chance.shuffle(labels)
    return {
        node: tuple(chance.sample(labels[:index], min(index, chance.randint(0, edges))))
        for index, node in enumerate(labels)
    }


@pytest.mark.parametrize("seed", range(25))
def test_dependencies_come_first_whatever_the_input_order(seed: int) -> None:
    """The order is topological, complete, and the same however the input is shuffled."""
    edges = random_graph(seed, 5, 4, 3)
    result = order(edges, edges)
    shuffled = list(edges.items())
    random.Random(seed + 1).shuffle(shuffled)  # noqa: S311 - a seed makes it repeat itself

    place = {node: index for index, node in enumerate(result)}
    assert sorted(result) == sorted(edges)
    assert all(place[dep] < place[node] for node, deps in edges.items() for dep in deps)
    assert order(dict(shuffled), {node: deps[::-1] for node, deps in shuffled}) == result


@pytest.mark.parametrize("seed", range(25))
def test_a_package_stands_together_where_packages_allow_it(seed: int) -> None:
    """Where no two packages need each other, everything about one table is in one place."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeat itself
    names = [f"p{number}" for number in range(6)]
    chance.shuffle(names)
    labels = [Label(name, f"t{number}") for name in names for number in range(4)]
    edges = {
        node: tuple(chance.sample(labels[:index], min(index, 3)))
        for index, node in enumerate(labels)
    }

    packages = [node.package for node in order(edges, edges)]

    changes = sum(a != b for a, b in itertools.pairwise(packages))
    assert changes == len(names) - 1


def test_packages_that_need_each_other_are_mixed_no_further_than_they_must() -> None:
    """A knot of two packages leaves the others whole."""
    edges = graph("a:a, a:z -> b:a, b:a -> a:a, b:b, c:a -> a:a, c:b")

    result = order(edges, edges)

    assert [str(node) for node in result] == [
        *("//a:a", "//b:a", "//b:b", "//a:z"),
        *("//c:a", "//c:b"),
    ]


def test_ties_are_broken_by_label() -> None:
    """Targets without dependencies stand in the order of their labels."""
    edges = graph("b:b, a:z, b:a, a:a")

    assert order(edges, edges) == sorted(edges)


def test_ten_thousand_targets_in_a_row() -> None:
    """A chain of any length is ordered, closed over and searched without recursion."""
    labels = [Label("p", f"t{number:05}") for number in range(10_000)]
    edges: Edges = {node: (labels[i + 1],) for i, node in enumerate(labels[:-1])}
    edges[labels[-1]] = ()

    assert order(labels, edges) == labels[::-1]
    assert closure([labels[0]], edges) == set(labels)
    assert find_path(labels[0], labels[-1], edges) == labels
    assert find_cycles(edges) == []


def test_ten_thousand_targets_in_many_packages() -> None:
    """A big workspace is ordered at once, also where one target is needed by all."""
    edges = random_graph(1, 500, 20, 3)
    hub = Label("hub", "all_need_it")
    edges = {node: (*deps, hub) for node, deps in edges.items()} | {hub: ()}

    assert order(edges, edges)[0] == hub


@pytest.mark.parametrize("length", [1, 2, 3, 10_000])
def test_a_cycle_of_any_length_is_a_path_back_to_its_start(length: int) -> None:
    """A cycle is told as a path of labels, from the least one back to it."""
    labels = [Label("p", f"t{number:05}") for number in range(length)]
    edges = {node: (labels[(i + 1) % length],) for i, node in enumerate(labels)}

    assert find_cycles(edges) == [[*labels, labels[0]]]


def test_each_knot_is_told_once_by_a_shortest_path() -> None:
    """Many cycles through the same targets are one error; separate ones are separate."""
    edges = graph("a:a -> a:b a:c, a:b -> a:c, a:c -> a:a, x:x -> x:y, x:y -> x:x, z:z -> a:a")

    assert [[str(node) for node in cycle] for cycle in find_cycles(edges)] == [
        ["//a:a", "//a:c", "//a:a"],
        ["//x:x", "//x:y", "//x:x"],
    ]


@pytest.mark.parametrize(
    ("start", "end", "path"),
    [
        ("a:a", "d:d", "a:a b:b d:d"),
        ("a:a", "a:a", "a:a"),
        ("d:d", "a:a", ""),
        ("a:a", "z:z", ""),
    ],
)
def test_the_shortest_path_answers_why(start: str, end: str, path: str) -> None:
    """Why one target needs another is the shortest chain, least labels first."""
    edges = graph("a:a -> c:c b:b, b:b -> d:d, c:c -> d:d, d:d")

    assert find_path(label(start), label(end), edges) == [label(word) for word in path.split()]


def test_reverse_tells_who_uses_what() -> None:
    """Every target has its users, sorted, also one that only others name."""
    edges = graph("b:b -> a:a x:x, c:c -> a:a, a:a")

    assert reverse(edges) == {
        label("a:a"): [label("b:b"), label("c:c")],
        label("b:b"): [],
        label("c:c"): [],
        label("x:x"): [label("b:b")],
    }
