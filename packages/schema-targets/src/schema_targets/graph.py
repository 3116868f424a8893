"""The target graph: knows labels and edges, their order and their cycles; knows no SQL."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from schema_targets.labels import Label

# Labels, or packages' names: whatever can be hashed and sorted.
_Node = TypeVar("_Node", bound=Any)


def closure(roots: Iterable[Label], edges: Mapping[Label, Sequence[Label]]) -> set[Label]:
    """The roots and everything they depend on, directly or not."""
    seen: set[Label] = set()
    stack = list(roots)
    while stack:
        label = stack.pop()
        if label not in seen:
            seen.add(label)
            stack.extend(edges.get(label, ()))
    return seen


def reverse(edges: Mapping[Label, Sequence[Label]]) -> dict[Label, list[Label]]:
    """For each target, the targets that depend on it directly, sorted."""
    result: dict[Label, list[Label]] = {label: [] for label in edges}
    for label, deps in edges.items():
        for dep in deps:
            result.setdefault(dep, []).append(label)
    return {label: sorted(users) for label, users in result.items()}


def find_path(start: _Node, end: _Node, edges: Mapping[_Node, Sequence[_Node]]) -> list[_Node]:
    """A shortest path of dependencies from one target to another; empty where there is none."""
    came_from: dict[_Node, _Node | None] = {start: None}
    queue = [start]
    for label in queue:
        if label == end:
            path = [label]
            while (previous := came_from[path[-1]]) is not None:
                path.append(previous)
            return path[::-1]
        for dep in sorted(edges.get(label, ())):
            if dep not in came_from:
                came_from[dep] = label
                queue.append(dep)
    return []


def find_cycles(edges: Mapping[Label, Sequence[Label]]) -> list[list[Label]]:
    """One cycle for each knot of targets that need each other, as a path that ends where it began.

    The path is a shortest one through the knot's least label, so it is the same on every run.
    """
    cycles = []
    for knot in components(edges, sorted(edges)):
        inside = set(knot)
        least = min(knot)
        within = {label: [d for d in edges.get(label, ()) if d in inside] for label in knot}
        if len(knot) > 1 or least in within[least]:
            steps = [find_path(dep, least, within) for dep in sorted(within[least])]
            cycles.append([least, *min((s for s in steps if s), key=len)])
    return sorted(cycles)


def order(labels: Iterable[Label], edges: Mapping[Label, Sequence[Label]]) -> list[Label]:
    """Dependencies first, ties by label, a package's targets together where that is possible.

    Packages that need each other mutually are mixed as far as they must be and no further.

    Args:
        labels: The targets to order.
        edges: Their dependencies, without cycles; those outside ``labels`` are left out.
    """
    wanted = set(labels)
    by_package: dict[str, list[Label]] = {}
    for label in wanted:
        by_package.setdefault(label.package, []).append(label)
    package_edges = {
        package: sorted(
            {d.package for label in inside for d in edges.get(label, ()) if d in wanted} - {package}
        )
        for package, inside in by_package.items()
    }
    group_of: dict[str, str] = {}
    groups: dict[str, list[Label]] = {}
    for knot in components(package_edges, sorted(package_edges)):
        name = min(knot)
        groups[name] = [label for package in knot for label in by_package[package]]
        group_of.update(dict.fromkeys(knot, name))
    group_edges = {
        name: {group_of[d.package] for label in inside for d in edges.get(label, ()) if d in wanted}
        - {name}
        for name, inside in groups.items()
    }
    result: list[Label] = []
    for name in _kahn(groups, group_edges):
        inside = set(groups[name])
        inner = {label: {d for d in edges.get(label, ()) if d in inside} for label in inside}
        result.extend(_kahn(inside, inner, together=lambda label: label.package))
    return result


def _kahn(
    nodes: Iterable[_Node],
    edges: Mapping[_Node, Iterable[_Node]],
    together: Callable[[_Node], str] = str,
) -> list[_Node]:
    """Sort topologically: the least ready node of the current group, else the least of all."""
    missing = {node: set(edges.get(node, ())) for node in nodes}
    users: dict[_Node, list[_Node]] = {}
    for node, deps in missing.items():
        for dep in deps:
            users.setdefault(dep, []).append(node)
    ready: dict[str, list[_Node]] = {}
    for node in sorted(node for node, deps in missing.items() if not deps):
        ready.setdefault(together(node), []).append(node)  # Sorted, so each is a heap.
    waiting = [(heap[0], group) for group, heap in ready.items()]
    heapq.heapify(waiting)
    result: list[_Node] = []
    group = ""
    while waiting or ready.get(group):
        if not ready.get(group):
            # An entry may be stale: its group was emptied, or has a lesser node by now.
            _, group = heapq.heappop(waiting)
            continue
        node = heapq.heappop(ready[group])
        result.append(node)
        for user in users.get(node, ()):
            missing[user].discard(node)
            if not missing[user]:
                heap = ready.setdefault(together(user), [])
                heapq.heappush(heap, user)
                heapq.heappush(waiting, (user, together(user)))
    return result


def components(edges: Mapping[_Node, Sequence[_Node]], nodes: Iterable[_Node]) -> list[list[_Node]]:
    """The strongly connected components, by Tarjan's algorithm, without recursion."""
    index: dict[_Node, int] = {}
    low: dict[_Node, int] = {}
    on_stack: set[_Node] = set()
    stack: list[_Node] = []
    found: list[list[_Node]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(edges.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, deps = work[-1]
            for dep in deps:
                if dep not in index:
                    index[dep] = low[dep] = len(index)
                    stack.append(dep)
                    on_stack.add(dep)
                    work.append((dep, iter(edges.get(dep, ()))))
                    break
                if dep in on_stack:
                    low[node] = min(low[node], index[dep])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[_Node] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    found.append(component)
    return found
