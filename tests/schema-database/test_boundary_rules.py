"""The rules about roles and paths, on values: no server needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema_database.boundary import Boundary, Membership, Role, read_path
from schema_database.boundary_rules import judge, same_body

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = ("anon", "authenticated", "staff", "team", "clerks")


def _boundary(memberships: Iterable[Membership]) -> Boundary:
    roles = {
        name: Role(
            name,
            superuser=False,
            bypass_rls=name == "service_role",
            create_role=False,
            replication=False,
            login=name == "authenticator",
        )
        for name in (*PLAIN, "service_role", "authenticator")
    }
    return Boundary(
        roles=roles,
        memberships=tuple(memberships),
        settings=(),
        parameters=(),
        system_privileges=(),
        owners=(),
        grantees=frozenset(),
        table_schemas=frozenset(),
        schemas=(),
        database_create=frozenset(),
        servers=(),
        functions=(),
        relations=(),
        routines=(),
        shadows=(),
        publications=(),
        subscriptions=(),
    )


_MEMBERSHIPS = st.lists(
    st.builds(
        Membership,
        role=st.sampled_from((*PLAIN, "service_role")),
        member=st.sampled_from(PLAIN),
        inherit=st.booleans(),
        set=st.booleans(),
        admin=st.booleans(),
    ),
    max_size=12,
)


@given(_MEMBERSHIPS)
def test_every_way_to_service_role_is_found_and_no_other(memberships: list[Membership]) -> None:
    """However long the way, and by whichever of a membership's options."""
    usable = {(each.member, each.role) for each in memberships if each.inherit or each.set}
    usable |= {(each.member, each.role) for each in memberships if each.admin}
    ways = set(usable)
    for middle in PLAIN:  # Warshall's closure
        ways |= {(a, d) for a, b in ways for c, d in ways if b == c == middle}

    found = {each.id for each in judge(_boundary(()), _boundary(memberships))}

    for caller in ("anon", "authenticated"):
        expected = (caller, "service_role") in ways
        assert (f"role-membership {caller} in service_role" in found) is expected


@pytest.mark.parametrize(
    ("value", "schemas"),
    [
        ('"$user", public', ["$user", "public"]),
        ("PUBLIC,extensions", ["public", "extensions"]),
        ('"Odd, ""name""", x', ['Odd, "name"', "x"]),
        ("", []),
        ('""', []),
    ],
)
def test_a_search_path_is_split_as_postgresql_does(value: str, schemas: list[str]) -> None:
    """A quoted comma is part of a name; what is not quoted is folded."""
    assert read_path(value) == schemas


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT 1", "select\n 1 -- one", True),
        ("SELECT 'a b'", "SELECT 'a  b'", False),
        ("SELECT a", 'SELECT "a"', True),
        ("SELECT a", 'SELECT "A"', False),
        ("BEGIN RETURN 1; END", "BEGIN\n  RETURN 1;\nEND", True),
        ("BEGIN RETURN 1; END", "BEGIN RETURN 2; END", False),
        ("SELECT " + "NOT " * 5000 + "TRUE", "SELECT TRUE", False),
    ],
)
def test_bodies_are_compared_by_what_they_mean(one: str, other: str, *, same: bool) -> None:
    """White space, case and comments do not count; a literal's white space does."""
    assert same_body(one, other) is same
