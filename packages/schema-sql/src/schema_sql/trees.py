"""Parse trees as deep as PostgreSQL makes them: decoded, walked and compared without recursion.

PostgreSQL runs 7,000 times ``UNION ALL`` in one statement, and the tree of that is 7,000 nodes
deep; Python gives up at 1,000 calls, in its own JSON decoder and its comparison of dicts as well.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

import ijson

if TYPE_CHECKING:
    from collections.abc import Iterable

POSITIONS = frozenset({"location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"})
"""The fields that say where a node stands, and nothing of what it means."""

_Result = TypeVar("_Result")

Steps = Generator[Any, Any, _Result]
"""A recursive function's work: it yields the steps of each call that it makes, and gets the result.

Where a function would write ``inner = f(node)``, its steps write ``inner = yield f(node)``.
"""


def run(steps: Steps[_Result]) -> _Result:
    """Do the work of a recursive function, with the stack of its calls on the heap.

    Args:
        steps: What a generator function made; see ``Steps``.

    Returns:
        What the generator returns.
    """
    calls: list[Steps[Any]] = [steps]
    result: Any = None
    while calls:
        try:
            calls.append(calls[-1].send(result))
        except StopIteration as stop:
            calls.pop()
            result = stop.value
        else:
            result = None
    outcome: _Result = result
    return outcome


def each(calls: Iterable[Steps[_Result]]) -> Steps[list[_Result]]:
    """The steps of several calls, whose result is the list of theirs."""
    results = []
    for call in calls:
        results.append((yield call))  # noqa: PERF401 - no comprehension can yield
    return results


def decode(text: str) -> Any:
    """Decode JSON of any depth.

    Args:
        text: What libpg_query prints.

    Returns:
        The value, as ``json.loads`` gives it.
    """
    try:
        return json.loads(text)
    except RecursionError:
        # Ten times slower, and only for trees that the standard decoder cannot read. Not `items`,
        # which spells out the path to each value: that costs the square of the depth.
        builder = ijson.ObjectBuilder()
        for event, value in ijson.basic_parse(text.encode()):
            builder.event(event, value)
        return builder.value


def without(node: Any, keys: frozenset[str]) -> Any:
    """A copy of a tree without some keys."""
    root: list[Any] = [None]
    stack: list[tuple[Any, Any, Any]] = [(root, 0, node)]
    while stack:
        parent, place, value = stack.pop()
        if isinstance(value, dict):
            # The keys first, so that they keep their order.
            parent[place] = copy = dict.fromkeys(key for key in value if key not in keys)
            stack.extend((copy, key, value[key]) for key in copy)
        elif isinstance(value, list):
            parent[place] = items = [None] * len(value)
            stack.extend((items, index, item) for index, item in enumerate(value))
        else:
            parent[place] = value
    return root[0]


class Shapes:
    """Numbers for trees: two trees have the same where they are equal but for positions.

    Each node is numbered once, so asking for a tree and then for its parts costs no more than the
    tree. The trees must outlive this.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._known: dict[int, int] = {}

    def number(self, tree: Any) -> int:
        """The number of a tree's shape."""
        if not isinstance(tree, (dict, list)):
            return self._number_leaf(tree)
        if not tree:
            return self._number(tree)  # Not by its identity: it may be a default of `get`.
        stack = [tree]
        while stack:
            node = stack[-1]
            if id(node) in self._known:
                stack.pop()
                continue
            inner = [value for value in _values(node) if isinstance(value, (dict, list))]
            missing = [value for value in inner if id(value) not in self._known]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            self._known[id(node)] = self._number(node)
        return self._known[id(tree)]

    def _number(self, node: Any) -> int:
        key: tuple[Any, ...]
        if isinstance(node, dict):
            items = [(k, self._part(v)) for k, v in node.items() if k not in POSITIONS]
            key = ("{", frozenset(items))
        else:
            key = ("[", *map(self._part, node))
        return self._numbers.setdefault(key, len(self._numbers))

    def _part(self, value: Any) -> int:
        if isinstance(value, (dict, list)):
            return self._known[id(value)]
        return self._number_leaf(value)

    def _number_leaf(self, value: Any) -> int:
        # True equals 1 in Python, and is another constant in SQL.
        return self._numbers.setdefault((type(value), value), len(self._numbers))


def _values(node: Any) -> Any:
    if isinstance(node, dict):
        return [value for key, value in node.items() if key not in POSITIONS]
    return node
