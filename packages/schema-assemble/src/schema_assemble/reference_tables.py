"""Reference tables: writes declared tables once more as temporary ones; compares nothing.

A reference table is made from the text of its fragment, token by token, so that PostgreSQL itself
words types, defaults, checks and keys on both sides of the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pglast.parser import ParseError, scan

from schema_sql.names import Name, quote, serial_type
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schema_sql.declared import DeclaredSchema, Index, Table
    from schema_sql.statements import Node, Statement

WIDTH = 100
"""How long the generated lines may be."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    name: str
    spaced: bool


def reference_name(name: Name) -> str:
    """The name of a reference table; the dot in it tells a table of another schema than public."""
    return quote(name.name if name.schema == "public" else str(name))


def without_reference(statement: Statement) -> str:
    """Why a CREATE TABLE statement can have no reference table; empty where it can."""
    node = statement.node
    elements = node.get("tableElts", ())
    reasons = {
        "it is created in a DO block": statement.in_body,
        "it is temporary": node["relation"].get("relpersistence") == "t",
        "it is UNLOGGED": node["relation"].get("relpersistence") == "u",
        "it is a partition": "partbound" in node,
        "it is partitioned": "partspec" in node,
        "it inherits its columns": "inhRelations" in node,
        "its columns are a type's": "ofTypename" in node,
        "its columns are another table's": any("TableLikeClause" in item for item in elements),
        "a serial column makes a sequence; GENERATED ALWAYS AS IDENTITY does not": any(
            serial_type(column["typeName"]) for column in _columns(elements)
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _columns(elements: Sequence[Node]) -> Iterator[Node]:
    return (element["ColumnDef"] for element in elements if "ColumnDef" in element)


def reference_table(table: Table, indent: str) -> str:
    """The CREATE TABLE of a reference table, in lines that begin with ``indent``.

    It has no comments, and no name of a constraint that PostgreSQL chooses alike.
    """
    tokens = _tokens(table.created.text)
    start = next(i for i, token in enumerate(tokens) if token.text == "(")
    end = start + _closing(tokens[start:])
    omitted = _default_constraint_names(table)
    body: list[_Token] = []
    for number, element in enumerate(_elements(tokens[start + 1 : end])):
        if number:
            body.append(_Token(",", "ASCII_44", spaced=False))
        body += _without_name(_in_temporary_schema(element, "REFERENCES"), omitted)
    head = _tokens(f"CREATE TABLE pg_temp.{reference_name(table.name)} (")
    return _filled([*head, *body, *tokens[end:]], indent) + ";"


def reference_index(index: Index, indent: str) -> str:
    """The CREATE INDEX of a reference table's index; its lines begin with ``indent``."""
    tokens = _tokens(index.statement.text)
    words = [token.text.upper() for token in tokens]
    if "EXISTS" in words[: words.index("ON")]:
        at = words.index("EXISTS")
        tokens = tokens[: at - 2] + tokens[at + 1 :]
    on = next(i for i, token in enumerate(tokens) if token.text.upper() == "ON")
    if index.name == _default_index_name(index):
        tokens = tokens[: on - 1] + tokens[on:]
    return _filled(_in_temporary_schema(tokens, "ON"), indent) + ";"


def reference_parents(tables: Iterable[Table], known: DeclaredSchema, indent: str) -> list[str]:
    """CREATE TABLE for the tables that are referenced but not among ``tables``.

    They hold no more than the keys that are referenced. The first is the primary key: an event
    trigger may demand one of every new table.

    Args:
        tables: The tables that the migration creates.
        known: These and those that they reference.
        indent: What each line begins with.

    Returns:
        One statement a table, in the order of their names.
    """
    own = {table.name for table in tables}
    keys: dict[Name, dict[tuple[str, ...], None]] = {}
    for table in tables:
        for foreign_key in table.foreign_keys:
            if foreign_key.target not in own:
                target = known.table(foreign_key.target)
                primary = target.primary_key if target else None
                implied = primary.columns if primary else foreign_key.columns
                found = keys.setdefault(foreign_key.target, {})
                if foreign_key.target_columns:
                    found.setdefault(foreign_key.target_columns)
                else:  # REFERENCES without columns means the primary key, so that it must be first.
                    keys[foreign_key.target] = {implied: None, **found}
    statements = []
    for name, columns in sorted(keys.items()):
        target = known.table(name)
        types = {c.name: c.type for c in target.columns.values()} if target else {}
        listed = dict.fromkeys(column for key in columns for column in key)
        parts = [f"{quote(c)} {_type(types.get(c, 'text'))}" for c in listed]
        for number, key in enumerate(columns):
            kind = "UNIQUE" if number else "PRIMARY KEY"
            parts.append(f"{kind} ({', '.join(map(quote, key))})")
        text = f"CREATE TABLE pg_temp.{reference_name(name)} ({', '.join(parts)})"
        statements.append(_filled(_tokens(text), indent) + ";")
    return statements


NAME_BYTES = 63
"""The longest name that PostgreSQL keeps whole (NAMEDATALEN - 1)."""


def _default_constraint_names(table: Table) -> set[str]:
    """Those of a table's constraint names that PostgreSQL would choose itself.

    Its pattern is table, columns, kind; it adds a number where that is taken, and shortens what is
    too long, so a name that occurs twice or is too long is not among them
    (ChooseConstraintName and ChooseIndexName in PostgreSQL's source).
    """
    chosen = [(f"{table.name.name}_pkey", key.name) for key in table.keys if key.primary]
    chosen += [
        (_chosen_name(table, key.columns, "key"), key.name)
        for key in table.keys
        if not key.primary and "including" not in key.node
    ]
    chosen += [(_chosen_name(table, key.columns, "fkey"), key.name) for key in table.foreign_keys]
    for check in table.checks:
        columns = {
            strings(fields["fields"])[-1]
            for kind, fields in walk(check.expression)
            if kind == "ColumnRef"
        }
        one = tuple(columns) if len(columns) == 1 else ()
        chosen.append((_chosen_name(table, one, "check"), check.name))
    names = [default for default, _ in chosen]
    return {
        name
        for default, name in chosen
        if default == name and names.count(name) == 1 and len(name.encode()) <= NAME_BYTES
    }


def _chosen_name(table: Table, columns: Sequence[str], kind: str) -> str:
    return "_".join((table.name.name, *columns, kind))


def _default_index_name(index: Index) -> str | None:
    """The name that PostgreSQL would choose; None where it is not certain."""
    if index.included or not all(column.name for column in index.columns):
        return None
    name = "_".join((index.table.name, *(column.name for column in index.columns), "idx"))
    return name if len(name.encode()) <= NAME_BYTES else None


def _without_name(tokens: list[_Token], omitted: set[str]) -> list[_Token]:
    """An element of a table without ``CONSTRAINT name``, where the name is one to omit."""
    result: list[_Token] = []
    skip = 0
    for index, token in enumerate(tokens):
        if token.name == "CONSTRAINT" and _identifier(tokens[index + 1].text) in omitted:
            skip = 2
        if skip:
            skip -= 1
        else:
            result.append(token)
    return result


def _closing(tokens: Sequence[_Token]) -> int:
    """Where the parenthesis that opens ``tokens`` is closed."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return index
    raise ValueError("a parenthesis is not closed")


def _elements(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """The tokens between the commas that stand in no parentheses."""
    if not tokens:
        return []
    elements: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "([") - (token.text in ")]")
        if depth == 0 and token.text == ",":
            elements.append([])
        else:
            elements[-1].append(token)
    return elements


def _type(text: str) -> str:
    """A type as we write it: upper case, unless quotes keep its case."""
    return text if '"' in text else text.upper()


def _tokens(text: str) -> list[_Token]:
    result: list[_Token] = []
    previous = -1
    for token in scan(text):
        if token.name in {"SQL_COMMENT", "C_COMMENT"}:
            continue
        spaced = token.start > previous + 1
        result.append(_Token(text[token.start : token.end + 1], token.name, spaced))
        previous = token.end
    return result


def _in_temporary_schema(tokens: Sequence[_Token], keyword: str) -> list[_Token]:
    """Let the table named behind a keyword be its reference table."""
    result: list[_Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        result.append(token)
        index += 1
        follows = tokens[index] if index < len(tokens) else None
        if token.text.upper() != keyword or follows is None:
            continue
        if follows.text.upper() == "ONLY":
            index += 1  # A reference table has no partitions.
        parts = [tokens[index].text]
        while index + 2 < len(tokens) and tokens[index + 1].text == ".":
            index += 2
            parts.append(tokens[index].text)
        index += 1
        schema = _identifier(parts[-2]) if len(parts) > 1 else "public"
        name = reference_name(Name(schema, _identifier(parts[-1])))
        result.append(_Token(f"pg_temp.{name}", "IDENT", spaced=True))
    return result


def _identifier(text: str) -> str:
    """A name as PostgreSQL reads it: folded, or without its quotes."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def wrapped(sql: str, indent: str) -> str:
    """SQL in lines as full as they may be, each beginning with ``indent``; no string is broken.

    What PostgreSQL's scanner refuses stays as it is: whoever parses the whole says so.
    """
    try:
        return _filled(_tokens(sql), indent)
    except ParseError:
        return indent + sql


SHORT = 30
"""What stands between two commas stays on one line, if it has no more characters than this."""


def _filled(tokens: Sequence[_Token], indent: str) -> str:
    """The tokens with one space where there was white space, in lines that are not too long."""
    lines = [indent]
    for spaced, text in _pieces(tokens):
        fresh = not lines[-1].strip()
        if not fresh and spaced and len(lines[-1]) + len(text) + 1 > WIDTH:
            lines.append(f"{indent}  ")
        elif not fresh and spaced:
            lines[-1] += " "
        lines[-1] += text
    return "\n".join(lines)


def _pieces(tokens: Sequence[_Token]) -> Iterator[tuple[bool, str]]:
    """The parts between which a line may end: whether white space precedes one, and its text."""
    previous = _Token("(", "", spaced=False)
    spaced, text = False, ""
    for item in _items(tokens):
        short = len(_joined(item)) <= SHORT
        for number, token in enumerate(item):
            gap = _gap(previous, token)
            if gap and not (short and number):
                yield spaced, text
                spaced, text = True, ""
            text += (" " if gap and text else "") + token.text
            previous = token
    yield spaced, text


def _items(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """The tokens in groups that end at the commas of the outermost list."""
    item: list[_Token] = []
    depth = 0
    for token in tokens:
        item.append(token)
        depth += (token.text in "([") - (token.text in ")]")
        if token.text == "," and depth <= 1:
            yield item
            item = []
    if item:
        yield item


def _gap(previous: _Token, token: _Token) -> bool:
    return token.spaced and previous.text != "(" and token.text not in {")", ","}


def _joined(tokens: Sequence[_Token]) -> str:
    """The tokens on one line, with one space where there was white space."""
    text = tokens[0].text
    for previous, token in pairwise(tokens):
        text += (" " if _gap(previous, token) else "") + token.text
    return text
