"""Temporary twins: knows how to write declared tables again as temporary ones; compares nothing.

A twin is made from the text of its fragment, token by token, so that PostgreSQL itself puts types,
defaults, checks and keys into its own words on both sides of the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast.parser import scan

from schema_sql.names import Name, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schema_sql.declared import DeclaredSchema, Table
    from schema_sql.statements import Node, Statement

WIDTH = 96


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    name: str
    spaced: bool


def twin_name(name: Name) -> str:
    """The name of a table's twin; the dot in it tells a table of another schema than public."""
    return quote(name.name if name.schema == "public" else str(name))


def without_twin(statement: Statement) -> str:
    """Why a CREATE TABLE statement can have no twin, in a few words; empty where it can."""
    node = statement.node
    elements = node.get("tableElts", ())
    kinds = {fields["typeName"]["names"][-1]["String"]["sval"] for fields in _columns(elements)}
    reasons = {
        "it is created in a DO block": statement.in_body,
        "it is temporary": node["relation"].get("relpersistence") == "t",
        "it is UNLOGGED": node["relation"].get("relpersistence") == "u",
        "it is a partition": "partbound" in node,
        "it is partitioned": "partspec" in node,
        "it inherits its columns": "inhRelations" in node,
        "its columns are a type's": "ofTypename" in node,
        "its columns are another table's": any("TableLikeClause" in item for item in elements),
        "a serial column makes a sequence; GENERATED ALWAYS AS IDENTITY does not": bool(
            kinds & {"serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"}
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _columns(elements: Sequence[Node]) -> Iterator[Node]:
    return (element["ColumnDef"] for element in elements if "ColumnDef" in element)


def table_twin(table: Table, indent: str) -> str:
    """CREATE TABLE of a table's twin, one column or constraint a line, without comments.

    Every line that this makes begins with ``indent``; the lines of a string stay as they are.
    """
    tokens = _tokens(table.created.text)
    start = next(i for i, token in enumerate(tokens) if token.text == "(")
    elements: list[list[_Token]] = [[]]
    depth = 0
    end = len(tokens)
    for index in range(start, len(tokens)):
        token = tokens[index]
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            end = index
            break
        if depth == 1 and token.text == ",":
            elements.append([])
        elif index > start:
            elements[-1].append(token)
    rows = [_wrap(_in_temporary_schema(item, "REFERENCES"), f"{indent}  ") for item in elements]
    body = ",\n".join(rows)
    rest = "".join(f" {token.text}" for token in tokens[end + 1 :])
    head = f"{indent}CREATE TABLE pg_temp.{twin_name(table.name)} ("
    return f"{head}\n{body}\n{indent}){rest};" if body.strip() else f"{head}){rest};"


def index_twin(statement: Statement, indent: str) -> str:
    """CREATE INDEX on the twin of the index's table; its lines begin with ``indent``."""
    tokens = [token for token in _tokens(statement.text) if token.text]
    words = [token.text.upper() for token in tokens]
    if "EXISTS" in words:
        at = words.index("EXISTS")
        tokens = tokens[: at - 2] + tokens[at + 1 :]
    return _wrap(_in_temporary_schema(tokens, "ON"), indent) + ";"


def parent_twins(
    tables: Iterable[Table], known: DeclaredSchema, indent: str
) -> Iterator[tuple[str, str]]:
    """CREATE TABLE for the twins of tables that are referenced but not among ``tables``.

    They hold no more than the keys that are referenced.

    Yields:
        The name of each twin, and its statement on one line that begins with ``indent``.
    """
    own = {table.name for table in tables}
    wanted: dict[Name, dict[str, None]] = {}
    types: dict[Name, dict[str, str]] = {}
    for table in tables:
        for key in table.foreign_keys:
            if key.target in own:
                continue
            target = known.table(key.target)
            primary = target.primary_key if target else None
            types[key.target] = {c.name: c.type for c in target.columns.values()} if target else {}
            columns = key.target_columns or (primary.columns if primary else key.columns)
            for column in columns:
                types[key.target].setdefault(column, "text")
            kind = "UNIQUE" if key.target_columns else "PRIMARY KEY"
            listed = ", ".join(map(quote, columns))
            keys = wanted.setdefault(key.target, {})
            keys.update(dict.fromkeys(f"{quote(c)} {_type(types[key.target][c])}" for c in columns))
            keys[f"{kind} ({listed})"] = None
    for name, parts in sorted(wanted.items()):
        # Columns first, as everybody writes a table.
        ordered = sorted(parts, key=lambda part: part.startswith(("UNIQUE (", "PRIMARY KEY (")))
        twin = twin_name(name)
        yield twin, f"{indent}CREATE TABLE pg_temp.{twin} ({', '.join(ordered)});"


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
    """Let the table named behind a keyword be its twin."""
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
            index += 1  # A twin has no partitions.
        parts = [tokens[index].text]
        while index + 2 < len(tokens) and tokens[index + 1].text == ".":
            index += 2
            parts.append(tokens[index].text)
        index += 1
        schema = _identifier(parts[-2]) if len(parts) > 1 else "public"
        name = twin_name(Name(schema, _identifier(parts[-1])))
        result.append(_Token(f"pg_temp.{name}", "IDENT", spaced=True))
    return result


def _identifier(text: str) -> str:
    """A name as PostgreSQL reads it: folded, or without its quotes."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


_CLAUSES = {"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "REFERENCES", "ON", "WHERE"}
"""The scanner's names of the words that begin a line where one line is too long."""


def _wrap(tokens: Sequence[_Token], indent: str) -> str:
    """The tokens on one line, or, where that is too long, a line for each clause."""
    line = _fill(tokens, indent)
    if len(line[0]) <= WIDTH and len(line) == 1:
        return line[0]
    clauses: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        if depth == 0 and clauses[-1] and token.name in _CLAUSES:
            clauses.append([])
        depth += (token.text == "(") - (token.text == ")")
        clauses[-1].append(token)
    first, *rest = clauses
    lines = [*_fill(first, indent), *(line for item in rest for line in _fill(item, f"{indent}  "))]
    return "\n".join(lines)


def _fill(tokens: Sequence[_Token], indent: str) -> list[str]:
    """The tokens with one space where there was white space, in lines that are not too long."""
    lines = [indent]
    for token in tokens:
        fresh = not lines[-1].strip()
        touches = lines[-1].endswith("(") or token.text == ")"
        gap = " " if token.spaced and not fresh and not touches else ""
        if gap and len(lines[-1]) + len(token.text) + 1 > WIDTH:
            lines.append(f"{indent}  ")
            gap = ""
        lines[-1] += gap + token.text
    return lines
