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

    from schema_sql.declared import DeclaredSchema, ForeignKey, Table
    from schema_sql.statements import Statement

WIDTH = 96


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    name: str
    spaced: bool


def twin_name(name: Name) -> str:
    """The name of a table's twin; the dot in it tells a table of another schema than public."""
    return quote(name.name if name.schema == "public" else str(name))


def table_twin(table: Table) -> str:
    """CREATE TABLE of a table's twin, one column or constraint a line, without comments."""
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
    body = ",\n".join(_wrap(_in_temporary_schema(element, "REFERENCES")) for element in elements)
    rest = "".join(f" {token.text}" for token in tokens[end + 1 :])
    return f"CREATE TABLE pg_temp.{twin_name(table.name)} (\n{body}\n){rest};"


def index_twin(statement: Statement) -> str:
    """CREATE INDEX on the twin of the index's table."""
    tokens = [token for token in _tokens(statement.text) if token.text]
    words = [token.text.upper() for token in tokens]
    if "EXISTS" in words:
        at = words.index("EXISTS")
        tokens = tokens[: at - 2] + tokens[at + 1 :]
    return _wrap(_in_temporary_schema(tokens, "ON")).strip() + ";"


def parent_twins(tables: Iterable[Table], known: DeclaredSchema) -> Iterator[str]:
    """CREATE TABLE for the twins of tables that are referenced but not among ``tables``.

    They hold no more than the keys that are referenced.
    """
    own = {table.name for table in tables}
    wanted: dict[Name, list[tuple[str, ...]]] = {}
    for table in tables:
        for key in table.foreign_keys:
            if key.target not in own:
                columns = _target_columns(key, known)
                keys = wanted.setdefault(key.target, [])
                if columns not in keys:
                    keys.append(columns)
    for name, keys in sorted(wanted.items()):
        table_known = known.table(name)
        types = {c.name: c.type for c in table_known.columns.values()} if table_known else {}
        names = dict.fromkeys(column for columns in keys for column in columns)
        parts = [f"{quote(column)} {types.get(column, 'text').upper()}" for column in names]
        parts += [f"UNIQUE ({', '.join(map(quote, columns))})" for columns in keys]
        yield f"CREATE TABLE pg_temp.{twin_name(name)} ({', '.join(parts)});"


def _target_columns(key: ForeignKey, known: DeclaredSchema) -> tuple[str, ...]:
    if key.target_columns:
        return key.target_columns
    target = known.table(key.target)
    primary = target.primary_key if target else None
    return primary.columns if primary else key.columns


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
        parts = [tokens[index].text]
        while index + 2 < len(tokens) and tokens[index + 1].text == ".":
            index += 2
            parts.append(tokens[index].text)
        index += 1
        schema = parts[-2].strip('"') if len(parts) > 1 else "public"
        name = twin_name(Name(schema, parts[-1].strip('"')))
        result.append(_Token(f"pg_temp.{name}", "IDENT", spaced=True))
    return result


_CLAUSES = {"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "REFERENCES", "ON", "WHERE"}


def _wrap(tokens: Sequence[_Token]) -> str:
    """The tokens on one line, or, where that is too long, a line for each clause."""
    line = _fill(tokens)
    if len(line[0]) <= WIDTH and len(line) == 1:
        return line[0]
    clauses: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        if depth == 0 and token.text.upper() in _CLAUSES:
            clauses.append([])
        depth += (token.text == "(") - (token.text == ")")
        clauses[-1].append(token)
    lines = [line for clause in clauses for line in _fill(clause)]
    return "\n".join([lines[0], *("  " + line for line in lines[1:])])


def _fill(tokens: Sequence[_Token]) -> list[str]:
    """The tokens with one space where there was white space, in lines that are not too long."""
    lines = ["  "]
    for token in tokens:
        fresh = not lines[-1].strip()
        touches = lines[-1].endswith("(") or token.text == ")"
        gap = " " if token.spaced and not fresh and not touches else ""
        if gap and len(lines[-1]) + len(token.text) + 1 > WIDTH:
            lines.append("    ")
            gap = ""
        lines[-1] += gap + token.text
    return lines
