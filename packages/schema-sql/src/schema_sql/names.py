"""Names in parse trees: knows how SQL qualifies and spells them; knows no objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pglast.keywords import COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

from schema_sql.statements import Node, strings

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_SCHEMA = "public"
"""Where an unqualified name is looked for: a migration on Supabase runs with public in its path."""


@dataclass(frozen=True, order=True, slots=True)
class Name:
    """A name, with its schema or "" where none is written."""

    schema: str
    name: str

    def __str__(self) -> str:
        """The name as SQL writes it."""
        return ".".join(quote(part) for part in (self.schema, self.name) if part)

    def qualified(self) -> Name:
        """The name with its schema; ``public`` where none is written."""
        return self if self.schema else Name(DEFAULT_SCHEMA, self.name)


_KEYWORDS = RESERVED_KEYWORDS | COL_NAME_KEYWORDS | TYPE_FUNC_NAME_KEYWORDS


def quote(identifier: str) -> str:
    """An identifier as SQL writes it: quoted where it is a keyword or not plain lower case."""
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", identifier) and identifier not in _KEYWORDS:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def list_name(parts: Sequence[str]) -> Name:
    """The name in a list of one to three words: catalog, schema, name."""
    return Name(parts[-2] if len(parts) > 1 else "", parts[-1])


def range_name(node: Node) -> Name:
    """The name of a RangeVar node."""
    return Name(node.get("schemaname", ""), node["relname"])


_ROLE_WORDS = {
    "ROLESPEC_PUBLIC": "PUBLIC",
    "ROLESPEC_CURRENT_ROLE": "CURRENT_ROLE",
    "ROLESPEC_CURRENT_USER": "CURRENT_USER",
    "ROLESPEC_SESSION_USER": "SESSION_USER",
}


def role_name(node: Node) -> str:
    """The role of a RoleSpec node; the words that are no role's name are upper case."""
    return _ROLE_WORDS.get(node["roletype"]) or str(node["rolename"])


def type_text(node: Node) -> str:
    """A TypeName node in PostgreSQL's short words: ``int4``, ``timestamptz``, ``text[]``."""
    names = strings(node.get("names"))
    text = str(list_name(names)) if names[0] != "pg_catalog" else names[-1]
    modifiers = ", ".join(_constant(item) for item in node.get("typmods", ()))
    return text + (f"({modifiers})" if modifiers else "") + "[]" * len(node.get("arrayBounds", ()))


def _constant(node: dict[str, Any]) -> str:
    value = node.get("A_Const", {})
    for kind in ("ival", "sval", "fval"):
        if kind in value:
            return str(value[kind].get(kind, 0))
    return "?"


SERIAL_TYPES = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}
"""The words that stand for a type and a sequence in a column's definition, and that type.

They are those of ``transformColumnDefinition`` in PostgreSQL's ``parse_utilcmd.c``, the same in 15
to 18.
"""


def serial_type(node: Node) -> str:
    """The type that PostgreSQL gives a serial column.

    Args:
        node: The TypeName node of a column's definition.

    Returns:
        ``int2``, ``int4`` or ``int8``; empty where the column is no serial one. PostgreSQL asks
        for the bare word, whether it is quoted or not: ``pg_catalog.serial`` is no type at all.
    """
    names = strings(node.get("names"))
    return SERIAL_TYPES.get(names[0], "") if len(names) == 1 else ""
