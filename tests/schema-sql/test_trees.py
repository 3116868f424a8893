"""Trees of any depth: decoded, compared and walked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_sql.statements import expression, walk
from schema_sql.trees import Shapes, Steps, decode, each, run

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
)


def test_json_of_any_depth_is_decoded() -> None:
    """The standard decoder gives up at a depth that PostgreSQL's trees exceed."""
    depth = 100_000
    value = decode('{"a":[' * depth + "1" + "]}" * depth)

    for _ in range(depth):
        (value,) = value["a"]
    assert value == 1


@given(VALUES)
def test_deep_json_is_decoded_as_shallow_json_is(value: object) -> None:
    """What a tree holds does not depend on which decoder read it."""
    depth = 2_000
    found = decode("[" * depth + json.dumps(value) + "]" * depth)

    for _ in range(depth):
        (found,) = found
    assert repr(found) == repr(value)


@given(VALUES, VALUES)
def test_shapes_are_equal_where_trees_are(one: object, other: object) -> None:
    """A number stands for a tree: True, 1 and "1" are three."""
    shapes = Shapes()

    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (shapes.number(one) == shapes.number(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a = b", "a  =  b", True),
        ("a = b", "b = a", False),
        ("f(1, 2)", "f(2, 1)", False),
        ("'1'", "1", False),
        ("ARRAY[]::text[]", "ARRAY[''] :: text[]", False),
    ],
)
def test_shapes_ignore_positions_alone(one: str, other: str, same: bool) -> None:
    """White space means nothing; everything else does."""
    shapes = Shapes()

    trees = expression(one), expression(other)
    assert (shapes.number(trees[0]) == shapes.number(trees[1])) is same


def test_shapes_number_each_node_once() -> None:
    """Comparing a tree and then all its parts costs what comparing the tree costs."""
    tree = expression("a" + " || a" * 400)
    shapes = Shapes()
    numbered = 0
    original = shapes._number  # noqa: SLF001

    def counting(node: object) -> int:
        nonlocal numbered
        numbered += 1
        return original(node)

    shapes._number = counting  # type: ignore[method-assign]  # noqa: SLF001
    for _, node in walk(tree):
        shapes.number(node)

    assert numbered < 400 * 12


def test_recursion_is_as_deep_as_its_input() -> None:
    """A recursive function keeps its calls on the heap."""

    def height(node: list[object]) -> Steps[int]:
        heights: list[int] = yield each(map(height, node))  # type: ignore[arg-type]
        return 1 + max([0, *heights])

    tree: list[object] = []
    for _ in range(50_000):
        tree = [tree, []]
    assert run(height(tree)) == 50_001


def test_an_error_in_a_recursive_function_reaches_its_caller() -> None:
    """Nothing is swallowed on the way up."""

    def fail(depth: int) -> Steps[int]:
        if depth == 0:
            raise ValueError("at the bottom")
        result: int = yield fail(depth - 1)
        return result

    with pytest.raises(ValueError, match="at the bottom"):
        run(fail(10))
