"""SQL text to statements: knows PostgreSQL's grammar, through pglast; knows no targets.

The parse tree stays JSON, as libpg_query prints it: ``parse_sql_json`` took 0.3 s where
``parse_sql``, which builds Python objects, took 2.5 s, over the same 11,000 statements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pglast.parser import ParseError, parse_plpgsql_json, parse_sql_json, split

from schema_sql.source import Finding, Position, Source, SourceError
from schema_sql.tokens import COMMENTS, tokens
from schema_sql.trees import POSITIONS, decode, without

if TYPE_CHECKING:
    from collections.abc import Iterator


Node = dict[str, Any]
"""A parse tree node's fields, by libpg_query's names; fields of value 0, false or "" are absent."""


@dataclass(frozen=True)
class Statement:
    """One SQL statement in its source.

    Attributes:
        source: The text it stands in.
        kind: The parse node's name, such as ``CreateStmt``.
        node: The parse node's fields. Locations in it count from ``origin``.
        start: Byte offset of its first token in the source.
        end: Byte offset behind its last token; the semicolon is not part of it.
        origin: What to add to a location in ``node`` to get a byte offset in the source. It
            is 0 but for statements found in the body of a DO block.
        conditional: It stands in a DO block's IF or loop, in an exception handler, or in a block
            that has one: it may not run, or its failure may be caught.
        in_body: It stands in a DO block.
    """

    source: Source = field(repr=False)
    kind: str
    node: Node = field(repr=False)
    start: int
    end: int
    origin: int = 0
    conditional: bool = False
    in_body: bool = False

    @property
    def text(self) -> str:
        """The statement as it is written, without the semicolon."""
        return self.source.data[self.start : self.end].decode()

    def offset(self, node: Node) -> int:
        """The byte offset of a node of this statement; the statement's own where it has none."""
        location = node.get("location")
        return self.start if location is None or location < 0 else self.origin + int(location)

    def position(self, node: Node | None = None) -> Position:
        """The line and column of a node of this statement, or of the statement."""
        return self.source.position(self.start if node is None else self.offset(node))

    def finding(
        self, rule: str, message: str, remedy: str = "", node: Node | None = None
    ) -> Finding:
        """A finding at this statement, or at one of its nodes."""
        offset = self.start if node is None else self.offset(node)
        return self.source.finding(offset, rule, message, remedy)


@dataclass(frozen=True)
class Opaque:
    """SQL inside a DO block that cannot be read before it runs.

    Attributes:
        source: The text it stands in.
        offset: Byte offset of the place.
        reason: Why it cannot be read, in a few words.
    """

    source: Source = field(repr=False)
    offset: int
    reason: str


@dataclass(frozen=True)
class Comment:
    """A comment: its byte offset, its line, and its text with the marks."""

    offset: int
    line: int
    text: str


@dataclass(frozen=True)
class SqlFile:
    """A parsed SQL text.

    Attributes:
        source: The text.
        statements: Its statements, in order.
        nested: The statements found inside its DO blocks, in order.
        opaque: The places in DO blocks that could not be read.
    """

    source: Source
    statements: tuple[Statement, ...]
    nested: tuple[Statement, ...] = ()
    opaque: tuple[Opaque, ...] = ()

    @property
    def path(self) -> str:
        """The name that findings carry."""
        return self.source.path

    @cached_property
    def every_statement(self) -> tuple[Statement, ...]:
        """The statements and those in DO blocks, in the order of the text."""
        return tuple(sorted((*self.statements, *self.nested), key=lambda s: (s.start, s.in_body)))

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """The comments, in order."""
        return tuple(
            Comment(
                token.start,
                self.source.line_of(token.start),
                self.source.data[token.start : token.end].decode(),
            )
            for token in tokens(self.source.text)
            if token.name in COMMENTS
        )


def parse(source: Source) -> SqlFile:
    """Parse SQL text.

    Args:
        source: The text.

    Returns:
        The statements, with those inside DO blocks beside them.

    Raises:
        SourceError: The text is not SQL; the error names the place and shows the line.
    """
    statements = tuple(_parse_statements(source, source.text, 0))
    nested: list[Statement] = []
    opaque: list[Opaque] = []
    blocks = [statement for statement in statements if statement.kind == "DoStmt"]
    while blocks:
        seen = len(nested)
        _read_body(blocks.pop(), nested, opaque)
        blocks += [inner for inner in nested[seen:] if inner.kind == "DoStmt" and inner.text]
    nested.sort(key=lambda statement: statement.start)
    opaque.sort(key=lambda place: place.offset)
    return SqlFile(source, statements, tuple(nested), tuple(opaque))


def _parse_statements(source: Source, text: str, origin: int) -> Iterator[Statement]:
    """Parse a text that stands in the source at byte offset ``origin``."""
    try:
        tree = decode(parse_sql_json(text))
    except ParseError as error:
        raise _syntax_error(source, text, origin, error) from error
    size = len(text.encode())
    for raw in tree.get("stmts", ()):
        ((kind, node),) = raw["stmt"].items()
        start = raw.get("stmt_location", 0)
        end = start + (raw.get("stmt_len") or size - start)
        data = source.data[origin + start : origin + end]
        lead = len(data) - len(data.lstrip())
        last = len(data.rstrip()) if raw.get("stmt_len") else _end_of_code(data)
        yield Statement(source, kind, node, origin + start + lead, origin + start + last, origin)


def _end_of_code(data: bytes) -> int:
    """Where the last token of a statement ends: without a semicolon, comments are counted to it."""
    return max(token.end for token in tokens(data.decode()) if token.name not in COMMENTS)


def _syntax_error(source: Source, text: str, origin: int, error: ParseError) -> SourceError:
    message = str(error.args[0])
    # Counted in characters; None or negative where PostgreSQL names no place.
    index = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0
    if message.endswith("at end of input"):
        index = len(text.rstrip())
    remedy = ""
    if message.startswith(_TOO_DEEP):
        index = index or _too_deep_statement(text)
        message = "nested too deeply: PostgreSQL's own parser gives up here"
        remedy = "split the statement, or write a list, as in IN (…)"
    offset = origin + len(text[: max(0, index)].encode())
    finding = source.finding(offset, "syntax", message, remedy)
    return SourceError(finding, source.excerpt(Position(finding.line, finding.column)))


_TOO_DEEP = ("stack depth limit exceeded", "memory exhausted")
"""What PostgreSQL's parser says where its stack, or that of its grammar, is full."""


def _too_deep_statement(text: str) -> int:
    """Where the first statement begins that is too deep; the parser itself names no place."""
    for part in split(text, with_parser=False, only_slices=True):
        try:
            parse_sql_json(text[part])
        except ParseError:
            return int(part.start)
    return 0


def _read_body(block: Statement, nested: list[Statement], opaque: list[Opaque]) -> None:
    """Collect what a DO block runs: its statements, and the places that hide some."""
    arguments = {
        argument["DefElem"]["defname"]: argument["DefElem"]
        for argument in block.node.get("args", ())
    }
    language = _string(arguments.get("language", {})) or "plpgsql"
    body = _string(arguments.get("as", {}))
    if language != "plpgsql":
        opaque.append(Opaque(block.source, block.start, f"the language is {language}"))
        return
    body_start = block.source.data.find(body.encode(), block.start)
    if body_start < 0:
        opaque.append(Opaque(block.source, block.start, "its body is a quoted string with escapes"))
        return
    try:
        tree = decode(parse_plpgsql_json(block.text))
    except ParseError as error:
        opaque.append(Opaque(block.source, block.start, f"its body: {error.args[0]}"))
        return
    _BodyReader(block, body_start, nested, opaque).read(tree)


_CONDITIONAL = re.compile(
    r"PLpgSQL_stmt_(if|case|loop|while|fori|fors|forc|foreach_a|dynfors)|PLpgSQL_exception"
)


class _BodyReader:
    """Walks a PL/pgSQL tree and parses each SQL statement in it."""

    def __init__(
        self, block: Statement, body_start: int, nested: list[Statement], opaque: list[Opaque]
    ) -> None:
        self.block = block
        self.body_start = body_start
        self.nested = nested
        self.opaque = opaque
        # Behind the last query that was found: of several on a line, each has its own place.
        self._behind = 0

    def read(self, tree: Any) -> None:
        """Collect what a tree of PL/pgSQL runs."""
        stack: list[tuple[str, Any, int, bool]] = [("", tree, 1, self.block.conditional)]
        while stack:
            kind, value, line, is_conditional = stack.pop()
            if isinstance(value, list):
                stack.extend(("", item, line, is_conditional) for item in reversed(value))
            elif isinstance(value, dict):
                line = value.get("lineno", line)
                if self._read_node(kind, value, line, is_conditional):
                    continue
                caught = kind == "PLpgSQL_stmt_block" and "exceptions" in value
                inner = is_conditional or caught or bool(_CONDITIONAL.match(kind))
                stack.extend((name, item, line, inner) for name, item in reversed(value.items()))

    def _read_node(self, kind: str, value: Node, line: int, conditional: bool) -> bool:
        """Collect what a node runs itself; whether that is all that is in it."""
        match kind:
            case "PLpgSQL_stmt_execsql":
                self._add(line, _query(value["sqlstmt"]), conditional)
            case "PLpgSQL_stmt_call":
                self._add(line, _query(value["expr"]), conditional)
            case "PLpgSQL_stmt_perform":
                # The parser has put SELECT in PERFORM's place.
                self._add(line, _query(value["expr"]), conditional, added="SELECT ")
            case "PLpgSQL_stmt_commit" | "PLpgSQL_stmt_rollback":
                self._add(line, kind.rpartition("_")[2].upper(), conditional)
            case "PLpgSQL_stmt_dynexecute":
                self._add_dynamic(line, value, conditional)
            case "PLpgSQL_stmt_dynfors":
                self._hide(line)
                return False
            case "PLpgSQL_expr":
                self._add_expression(line, value, conditional)
            case _:
                return False
        return True

    def _line_offset(self, line: int) -> int:
        source = self.block.source
        first = source.position(self.body_start).line
        return max(self.body_start, source.line_start(first + line - 1))

    def _hide(self, line: int) -> None:
        reason = "the SQL is put together at run time"
        self.opaque.append(Opaque(self.block.source, self._line_offset(line), reason))

    def _add(self, line: int, query: str, conditional: bool, added: str = "") -> None:
        """Parse a query that begins with ``added``, which the source does not hold."""
        source = self.block.source
        line_offset = self._line_offset(line)
        search_from = max(line_offset, self._behind)
        try:
            parsed = list(_parse_statements(Source(source.path, query), query, 0))
        except SourceError as error:
            # A PL/pgSQL form of SQL, such as SELECT … INTO variable, which the grammar refuses.
            self.opaque.append(Opaque(source, line_offset, error.finding.message))
            return
        written = query[len(added) :].strip()
        found = source.data.find(written.encode(), search_from, self.block.end)
        if found < 0 and search_from > line_offset:
            found = source.data.find(written.encode(), line_offset, self.block.end)
        if found >= 0:
            self._behind = found + len(written.encode())
        origin = found - len(query[: query.index(written, len(added))].encode())
        for statement in parsed:
            node = statement.node
            start, end = max(found, origin + statement.start), origin + statement.end
            if found < 0:
                # The text was quoted another way, so no location in the node means anything.
                node, start, end = without(node, frozenset({"location"})), line_offset, line_offset
            inner = replace(
                statement,
                source=source,
                node=node,
                start=start,
                end=end,
                origin=origin,
                conditional=conditional,
                in_body=True,
            )
            self.nested.append(inner)
            if inner.kind == "DoStmt" and found < 0:
                self.opaque.append(Opaque(source, line_offset, "its text is quoted twice"))

    def _add_expression(self, line: int, value: Node, conditional: bool) -> None:
        """A condition, an assigned value, a cursor's query: SQL that PL/pgSQL evaluates."""
        query = value["query"]
        if value["parseMode"] == 0:
            self._add(line, query, conditional)
            return
        if value["parseMode"] == _ASSIGNMENT:
            query = query.partition("=")[2]
        # Most are variables and constants, which name no object.
        if re.search(r"[.(]", query):
            self._add(line, f"SELECT {query}", conditional, added="SELECT ")

    def _add_dynamic(self, line: int, node: Node, conditional: bool) -> None:
        try:
            tree = decode(parse_sql_json(f"SELECT {_query(node['query'])}"))
            value = tree["stmts"][0]["stmt"]["SelectStmt"]["targetList"][0]["ResTarget"]["val"]
            constant = value["A_Const"]["sval"]["sval"]
        except (ParseError, KeyError):
            self._hide(line)
        else:
            self._add(line, constant, conditional)


_ASSIGNMENT = 3
"""PL/pgSQL's parse mode of ``variable := expression``."""


def _query(value: Node) -> str:
    return str(value["PLpgSQL_expr"]["query"])


def _string(element: Node) -> str:
    """The string value of a DefElem: a String, or a list whose first item is one."""
    value = element.get("arg", {})
    if "List" in value:
        value = value["List"]["items"][0]
    return str(value.get("String", {}).get("sval", ""))


def walk(node: Any) -> Iterator[tuple[str, Node]]:
    """Every node below a value of a parse tree, as (node name, fields), parents first."""
    stack = [("", node)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, list):
            stack.extend(("", item) for item in reversed(value))
        elif isinstance(value, dict):
            kind = key if key[:1].isupper() else _unnamed_kind(value)
            if kind:
                yield kind, value
            stack.extend(
                (name, item)
                for name, item in reversed(value.items())
                if isinstance(item, (dict, list))
            )


def _unnamed_kind(fields: Node) -> str:
    """The node name of a field whose type the grammar fixes: libpg_query leaves it out there."""
    if "relname" in fields:
        return "RangeVar"
    if "roletype" in fields:
        return "RoleSpec"
    if "names" in fields and "typemod" in fields:
        return "TypeName"
    if "funcname" in fields and "funcformat" in fields:
        return "FuncCall"
    return ""


def shape(node: Any) -> Any:
    """A parse tree without its positions: equal where two pieces of SQL mean the same."""
    return without(node, POSITIONS)


def expression(text: str) -> Node:
    """Parse one SQL expression into its tree, without positions."""
    tree = decode(parse_sql_json(f"SELECT {text}"))
    node: Node = shape(tree["stmts"][0]["stmt"]["SelectStmt"]["targetList"][0]["ResTarget"]["val"])
    return node


def strings(items: Any) -> list[str]:
    """The values of a list of String nodes."""
    return [item["String"]["sval"] for item in items or () if "String" in item]
