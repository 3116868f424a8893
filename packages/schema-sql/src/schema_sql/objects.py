"""What a statement provides and requires: knows names and scopes; knows no files that hold them.

An object is told by its kind and its name, written as people write it: ``relation public.tasks``,
``column public.tasks.id``, ``key public.tasks (app_code, id)``, ``function auth.jwt``,
``type public.mood``, ``role authenticated``, ``schema auth``. Relations, types and functions that
PostgreSQL itself provides are no requirements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from schema_sql.declared import command_adds_column
from schema_sql.names import (
    DEFAULT_SCHEMA,
    SERIAL_TYPES,
    Name,
    list_name,
    quote,
    range_name,
    serial_type,
    type_text,
)
from schema_sql.statements import Node, Statement, strings, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

KINDS = (
    *("schema", "relation", "column", "key", "index"),
    *("policy", "trigger", "type", "function", "role"),
)
"""The kinds of objects, by the word that stands before their name."""

SYSTEM_SCHEMAS = {"pg_catalog", "information_schema", "pg_temp", "pg_toast"}
"""Schemas whose content PostgreSQL provides."""


@dataclass(frozen=True, order=True, slots=True)
class Object:
    """A named thing in a database.

    Attributes:
        kind: One of ``KINDS``.
        name: Its name as SQL writes it, with the schema; a key's with its columns, sorted.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        """The kind and the name."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, order=True, slots=True)
class Mention:
    """An object and the byte offset at which a source provides or requires it.

    Attributes:
        offset: Byte offset in the source.
        object: The object.
        optional: Nothing is wrong where no target provides it; a rule says so.
    """

    offset: int
    object: Object
    optional: bool = False


def relation(name: Name) -> Object:
    """A table, view, sequence or the like."""
    return Object("relation", str(name.qualified()))


def column(table: Name, name: str) -> Object:
    """A column of a table."""
    return Object("column", f"{table.qualified()}.{quote(name)}")


def key(table: Name, columns: Iterable[str]) -> Object:
    """A unique key; PostgreSQL matches a foreign key to one by the set of its columns."""
    return Object("key", f"{table.qualified()} ({', '.join(sorted(map(quote, columns)))})")


def primary_key(table: Name) -> Object:
    """The primary key of a table, as a foreign key without columns names it."""
    return Object("key", f"{table.qualified()} (primary key)")


def _named(kind: str, name: Name) -> Object:
    return Object(kind, str(name.qualified()))


def read_object(text: str) -> Object:
    """Read an object as people write it.

    Args:
        text: Such as ``function auth.jwt`` or ``key public.applications (app_code)``.

    Raises:
        ValueError: The text is not of that form; the message says what is expected.
    """
    kind, _, rest = text.strip().partition(" ")
    if kind not in KINDS or not rest:
        raise ValueError(f"{text!r} is not an object: write a kind and a name, such as 'role anon'")
    match = _WRITTEN.fullmatch(rest.strip())
    parts = _words(match["name"]) if match else []
    columns = _words(match["columns"] or "") if match else []
    expected = {"schema": 1, "role": 1, "column": 3, "policy": 3, "trigger": 3}.get(kind, 2)
    if len(parts) != expected or (kind == "key") != bool(columns):
        example = {
            "schema": "schema auth",
            "role": "role authenticated",
            "column": "column public.applications.app_code",
            "key": "key public.applications (app_code)",
            "policy": "policy public.applications.app_isolation",
            "trigger": "trigger public.applications.on_insert",
        }.get(kind, f"{kind} public.name")
        raise ValueError(f"{text!r} is not a {kind}: write it as in {example!r}")
    if columns:
        return key(Name(*parts), columns)
    return Object(kind, ".".join(map(quote, parts)))


_WORD = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_WRITTEN = re.compile(
    rf"(?P<name>{_WORD}(?:\.{_WORD})*)(?:\s*\(\s*(?P<columns>{_WORD}(?:\s*,\s*{_WORD})*)\s*\))?"
)


def _words(text: str) -> list[str]:
    """The identifiers in a name or a list of columns, folded as PostgreSQL folds them."""
    return [
        word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()
        for word in re.findall(_WORD, text)
    ]


@cache
def builtin_functions() -> frozenset[str]:
    """The functions that every supported PostgreSQL (15 to 18) provides in ``pg_catalog``.

    ``tools/list_builtins.py`` reads them from the catalogs of running servers.
    """
    text = files("schema_sql").joinpath("builtin_functions.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def builtin_types() -> frozenset[str]:
    """The types that every supported PostgreSQL provides in ``pg_catalog``."""
    text = files("schema_sql").joinpath("builtin_types.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def provides(statement: Statement) -> list[Mention]:
    """The objects that a statement creates, each once."""
    return _mentions(_provided(statement))


def requires(statement: Statement) -> list[Mention]:
    """The objects that must exist before a statement runs, each at its first mention.

    What the statement itself creates, and what PostgreSQL provides, is left out. The bodies of
    functions are not read: PostgreSQL reads them when they run.
    """
    own = {mention.object for mention in provides(statement)}
    return [
        mention
        for mention in _mentions(_required(statement))
        if mention.object not in own and not _is_builtin(mention.object)
    ]


def _mentions(found: Iterable[Mention]) -> list[Mention]:
    first: dict[Object, Mention] = {}
    for mention in sorted(found):
        first.setdefault(mention.object, mention)
    return sorted(first.values())


def _is_builtin(thing: Object) -> bool:
    if thing.kind == "role":
        # postgres owns every database on Supabase; upper case is PUBLIC, CURRENT_USER and the like.
        return thing.name.startswith("pg_") or thing.name == "postgres" or thing.name.isupper()
    schema, _, name = thing.name.partition(".")
    if thing.kind == "relation" and schema == DEFAULT_SCHEMA and name.startswith("pg_"):
        return True  # pg_catalog is searched before public.
    return schema in SYSTEM_SCHEMAS or (thing.kind == "schema" and schema == DEFAULT_SCHEMA)


def _provided(statement: Statement) -> Iterator[Mention]:  # noqa: C901, PLR0912, PLR0915 - one case per kind of statement
    node = statement.node
    at = statement.offset

    def one(thing: Object, place: Node | None = None) -> Mention:
        return Mention(statement.start if place is None else at(place), thing)

    match statement.kind:
        case "CreateStmt" | "CreateForeignTableStmt":
            base = node.get("base", node)
            name = range_name(base["relation"])
            yield from (one(thing, base["relation"]) for thing in _rows(name))
            for element in base.get("tableElts", ()):
                ((kind, item),) = element.items()
                if kind == "ColumnDef":
                    yield from (one(thing, item) for thing in _column(name, item))
                elif kind == "Constraint":
                    yield from (one(thing, item) for thing in _keys(name, item, ""))
        case "AlterTableStmt":
            name = range_name(node["relation"])
            for item in node.get("cmds", ()):
                command = item["AlterTableCmd"]
                if command_adds_column(command):
                    definition = command["def"]["ColumnDef"]
                    yield from (one(thing, definition) for thing in _column(name, definition))
                elif command.get("subtype") == "AT_AddConstraint":
                    fields = command["def"]["Constraint"]
                    yield from (one(thing, fields) for thing in _keys(name, fields, ""))
        case "ViewStmt":
            yield from (one(thing, node["view"]) for thing in _rows(range_name(node["view"])))
        case "CreateTableAsStmt":
            target = node["into"]["rel"]
            yield from (one(thing, target) for thing in _rows(range_name(target)))
        case "SelectStmt" if "intoClause" in node:
            target = node["intoClause"]["rel"]
            yield from (one(thing, target) for thing in _rows(range_name(target)))
        case "RenameStmt":
            yield from (one(thing) for thing in _renamed(node))
        case "CreateSeqStmt":
            yield one(relation(range_name(node["sequence"])), node["sequence"])
        case "IndexStmt":
            table = range_name(node["relation"])
            if "idxname" in node:
                yield one(_named("index", Name(table.schema, node["idxname"])))
            names = [item["IndexElem"].get("name", "") for item in node.get("indexParams", ())]
            if node.get("unique") and "whereClause" not in node and all(names):
                yield one(key(table, names))
        case "CreatePolicyStmt":
            table = range_name(node["table"]).qualified()
            yield one(Object("policy", f"{table}.{quote(node['policy_name'])}"))
        case "CreateTrigStmt":
            table = range_name(node["relation"]).qualified()
            yield one(Object("trigger", f"{table}.{quote(node['trigname'])}"))
        case "CreateFunctionStmt":
            yield one(_named("function", list_name(strings(node["funcname"]))))
        case "CreateSchemaStmt" if "schemaname" in node:
            yield one(Object("schema", quote(node["schemaname"])))
        case "CreateRoleStmt":
            yield one(Object("role", quote(node["role"])))
        case "CreateEnumStmt" | "CreateRangeStmt":
            yield one(_named("type", list_name(strings(node["typeName"]))))
        case "CreateDomainStmt":
            yield one(_named("type", list_name(strings(node["domainname"]))))
        case "CompositeTypeStmt":
            name = range_name(node["typevar"])
            # PostgreSQL keeps it among the relations, and COMMENT ON COLUMN finds it there.
            yield from (one(thing, node["typevar"]) for thing in _rows(name))
            for item in node.get("coldeflist", ()):
                yield one(column(name, item["ColumnDef"]["colname"]), item["ColumnDef"])
        case "DefineStmt" if node["kind"] in _DEFINED:
            yield one(_named(_DEFINED[node["kind"]], list_name(strings(node["defnames"]))))


_DEFINED = {"OBJECT_AGGREGATE": "function", "OBJECT_TYPE": "type"}


def _rows(name: Name) -> Iterator[Object]:
    """A relation and the type of its rows."""
    yield relation(name)
    yield _named("type", name)


def _column(table: Name, node: Node) -> Iterator[Object]:
    """A column with the keys and the sequence that it brings."""
    name = node["colname"]
    yield column(table, name)
    constraints = [item["Constraint"] for item in node.get("constraints", ())]
    for constraint in constraints:
        yield from _keys(table, constraint, name)
    is_serial = "typeName" in node and serial_type(node["typeName"])
    if is_serial or any(c.get("contype") == "CONSTR_IDENTITY" for c in constraints):
        yield relation(Name(table.schema, f"{table.name}_{name}_seq"))


def _renamed(node: Node) -> Iterator[Object]:
    """What is there under a new name."""
    new = node["newname"]
    if "relation" in node:
        old = range_name(node["relation"])
        match node["renameType"]:
            case "OBJECT_COLUMN" | "OBJECT_ATTRIBUTE":
                yield column(old, new)
            case "OBJECT_INDEX":
                yield _named("index", Name(old.schema, new))
            case "OBJECT_TABLE" | "OBJECT_VIEW" | "OBJECT_MATVIEW" | "OBJECT_SEQUENCE":
                yield from _rows(Name(old.schema, new))
    elif node["renameType"] in _NAMED_KINDS:
        old = list_name(_written_names(node["object"]))
        yield _named(_NAMED_KINDS[node["renameType"]], Name(old.schema, new))


def _keys(table: Name, node: Node, own_column: str) -> Iterator[Object]:
    """The keys that a constraint of a table makes."""
    columns = strings(node.get("keys")) or ([own_column] if own_column else [])
    is_primary = node.get("contype") == "CONSTR_PRIMARY"
    if node.get("contype") not in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"} or not columns:
        return
    yield key(table, columns)
    if is_primary:
        yield primary_key(table)
    words = [table.name, "pkey"] if is_primary else [table.name, *columns, "key"]
    yield _named("index", Name(table.schema, node.get("conname", "_".join(words))))


def _required(statement: Statement) -> Iterator[Mention]:
    yield from _required_by_kind(statement)
    if statement.node.get("missing_ok") and statement.kind in {"DropStmt", "DropRoleStmt"}:
        return
    optional = statement.node.get("missing_ok", False)
    relation_kind = "index" if _is_of_index(statement) else "relation"
    local = _local_names(statement.node)
    skipped = {"CreateSchemaStmt": "schemaElts", "DefineStmt": "definition"}.get(statement.kind)
    for kind, node in walk({k: v for k, v in statement.node.items() if k != skipped}):
        offset = statement.offset(node)
        match kind:
            case "RangeVar":
                name = range_name(node)
                if name.schema or name.name not in local:
                    yield Mention(offset, _named(relation_kind, name), optional=optional)
                    yield from _schema_of(name, offset)
            case "FuncCall":
                name = list_name(strings(node["funcname"]))
                yield from _required_sequence(statement, name, node)
                if name.schema or name.name not in builtin_functions():
                    yield Mention(offset, _named("function", name))
                yield from _schema_of(name, offset)
            case "TypeName":
                yield from _required_type(node, offset)
            case "RoleSpec" if node["roletype"] == "ROLESPEC_CSTRING":
                yield Mention(offset, Object("role", quote(node["rolename"])))
            case "TypeCast":
                yield from _required_by_cast(statement, node)
            case "Constraint" if node.get("contype") == "CONSTR_FOREIGN":
                target = range_name(node["pktable"])
                columns = strings(node.get("pk_attrs"))
                place = statement.offset(node["pktable"])
                yield from (Mention(place, column(target, name)) for name in columns)
                wanted = key(target, columns) if columns else primary_key(target)
                yield Mention(place, wanted, optional=True)


def _is_of_index(statement: Statement) -> bool:
    """Whether the relations that a statement names are indexes."""
    node = statement.node
    kinds = (node.get("objtype"), node.get("renameType"), node.get("kind"))
    return "OBJECT_INDEX" in kinds or "REINDEX_OBJECT_INDEX" in kinds


def _required_sequence(statement: Statement, name: Name, node: Node) -> Iterator[Mention]:
    """The sequence that ``nextval('public.numbers')`` names in a string."""
    constant = node.get("args", [{}])[0].get("A_Const", {})
    text = constant.get("sval", {}).get("sval")
    if text and name.name in {"nextval", "setval", "currval"} and name.schema in _CATALOG:
        yield Mention(statement.offset(constant), relation(_text_name(text)))


_CATALOG = {"", "pg_catalog"}


def _schema_of(name: Name, offset: int) -> Iterator[Mention]:
    if name.schema:
        yield Mention(offset, Object("schema", quote(name.schema)))


def _local_names(node: Node) -> set[str]:
    """The names of the statement's common table expressions."""
    return {fields["ctename"] for kind, fields in walk(node) if kind == "CommonTableExpr"}


def _required_type(node: Node, offset: int) -> Iterator[Mention]:
    names = strings(node.get("names"))
    if node.get("pct_type") and len(names) > 1:
        name = list_name(names[:-1])
        yield Mention(offset, relation(name))
        yield Mention(offset, column(name, names[-1]))
        yield from _schema_of(name, offset)
    elif names:
        name = list_name(names)
        if name.schema or (name.name not in builtin_types() and name.name not in SERIAL_TYPES):
            yield Mention(offset, _named("type", name))
        yield from _schema_of(name, offset)


_CASTS: dict[str, Callable[[str], Object]] = {
    "regclass": lambda text: _named("relation", _text_name(text)),
    "regtype": lambda text: _named("type", _text_name(text)),
    "regproc": lambda text: _named("function", _text_name(text)),
    "regprocedure": lambda text: _named("function", _text_name(text.partition("(")[0])),
    "regrole": lambda text: Object("role", quote(_text_name(text).name)),
    "regnamespace": lambda text: Object("schema", quote(_text_name(text).name)),
}


def _required_by_cast(statement: Statement, node: Node) -> Iterator[Mention]:
    """A name in a string: ``'public.tasks'::regclass``."""
    make = _CASTS.get(type_text(node["typeName"]))
    text = node.get("arg", {}).get("A_Const", {}).get("sval", {}).get("sval")
    if make and text and text.strip(" ."):
        yield Mention(statement.offset(node["arg"]["A_Const"]), make(text))


def _text_name(text: str) -> Name:
    return list_name(_words(text) or [text])


def _required_by_kind(statement: Statement) -> Iterator[Mention]:  # noqa: C901, PLR0912, PLR0915 - one case per kind of statement
    node = statement.node
    match statement.kind:
        case "CreateStmt":
            name = range_name(node["relation"])
            yield from _schema_of(name, statement.offset(node["relation"]))
        case "AlterTableStmt":
            yield from _required_by_alter(statement)
        case "IndexStmt":
            table = range_name(node["relation"])
            params = [*node.get("indexParams", ()), *node.get("indexIncludingParams", ())]
            for item in params:
                if "name" in item["IndexElem"]:
                    yield Mention(statement.start, column(table, item["IndexElem"]["name"]))
            expressions = [node.get("whereClause"), *(item["IndexElem"] for item in params)]
            yield from _table_columns(statement, table, expressions)
        case "CreatePolicyStmt" | "AlterPolicyStmt":
            table = range_name(node["table"])
            expressions = [node.get("qual"), node.get("with_check")]
            yield from _table_columns(statement, table, expressions)
        case "CommentStmt":
            yield from _required_by_name(statement, node["objtype"], node["object"])
        case "DropStmt" if not node.get("missing_ok") or node["removeType"] in _ON_TABLES:
            for item in node.get("objects", ()):
                yield from _required_by_name(statement, node["removeType"], item)
        case "GrantStmt":
            in_schema = node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA"
            object_type = "OBJECT_SCHEMA" if in_schema else node["objtype"]
            for item in node.get("objects", ()):
                yield from _required_by_name(statement, object_type, item)
            yield from _required_grant_columns(statement)
        case "AlterOwnerStmt" | "AlterObjectSchemaStmt" if "object" in node:
            yield from _required_by_name(statement, node["objectType"], node["object"])
        case "RenameStmt" if "object" in node:
            yield from _required_by_name(statement, node["renameType"], node["object"])
        case "AlterEnumStmt" | "AlterDomainStmt":
            name = list_name(strings(node["typeName"]))
            yield Mention(statement.start, _named("type", name))
            yield from _schema_of(name, statement.start)
        case "AlterFunctionStmt":
            item = {"ObjectWithArgs": node["func"]}
            yield from _required_by_name(statement, "OBJECT_FUNCTION", item)
        case "CreateCastStmt" if "func" in node:
            item = {"ObjectWithArgs": node["func"]}
            yield from _required_by_name(statement, "OBJECT_FUNCTION", item)
        case "CreateSeqStmt" | "AlterSeqStmt":
            for item in node.get("options", ()):
                owner = strings(item["DefElem"].get("arg", {}).get("List", {}).get("items"))
                if item["DefElem"]["defname"] == "owned_by" and len(owner) > 1:
                    yield Mention(statement.start, relation(list_name(owner[:-1])))
                    yield Mention(statement.start, column(list_name(owner[:-1]), owner[-1]))
        case "GrantRoleStmt":
            for item in node.get("granted_roles", ()):
                name = item["AccessPriv"].get("priv_name", "")
                yield Mention(statement.start, Object("role", quote(name)))
        case "CreateTrigStmt" | "CreateEventTrigStmt":
            name = list_name(strings(node["funcname"]))
            yield Mention(statement.start, _named("function", name))
            yield from _schema_of(name, statement.start)
        case "CreateFunctionStmt":
            name = list_name(strings(node["funcname"]))
            yield from _schema_of(name, statement.start)


_ON_TABLES = {"OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE"}


def _required_by_alter(statement: Statement) -> Iterator[Mention]:
    node = statement.node
    table = range_name(node["relation"])
    for item in node.get("cmds", ()):
        command = item["AlterTableCmd"]
        constraint = command.get("def", {}).get("Constraint", {})
        columns = [*strings(constraint.get("keys")), *strings(constraint.get("fk_attrs"))]
        if command.get("subtype") in _COLUMN_CHANGES and "name" in command:
            columns.append(command["name"])
        yield from (Mention(statement.start, column(table, name)) for name in columns)
        if "indexname" in constraint:
            yield Mention(
                statement.start, _named("index", Name(table.schema, constraint["indexname"]))
            )
        if constraint.get("contype") == "CONSTR_CHECK":
            yield from _table_columns(statement, table, [constraint.get("raw_expr")])


_COLUMN_CHANGES = {
    *("AT_AlterColumnType", "AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull"),
    *("AT_AddIdentity", "AT_SetIdentity", "AT_DropIdentity"),
    *("AT_SetStatistics", "AT_SetStorage", "AT_SetCompression"),
}


def _table_columns(
    statement: Statement, table: Name, expressions: Sequence[Any]
) -> Iterator[Mention]:
    """The columns that expressions of a table name: bare, or by a table's name or alias.

    A bare column inside a subquery may be the subquery's or the table's; the grammar cannot
    tell, so it is left to PostgreSQL.
    """
    tables = {table.name: table}
    in_subquery: set[int] = set()
    for expression in expressions:
        for kind, node in walk(expression):
            if kind == "RangeVar":
                alias = node.get("alias", {}).get("aliasname", node["relname"])
                tables[alias] = range_name(node)
            elif kind == "SubLink" and id(node) not in in_subquery:
                inner = walk(node.get("subselect"))
                in_subquery.update(id(i) for name, i in inner if name in {"ColumnRef", "SubLink"})
    for expression in expressions:
        for kind, node in walk(expression):
            parts = strings(node.get("fields")) if kind == "ColumnRef" else []
            if len(parts) == 2 and parts[0] in tables:
                yield Mention(statement.offset(node), column(tables[parts[0]], parts[1]))
            elif len(parts) == 1 and id(node) not in in_subquery:
                yield Mention(statement.offset(node), column(table, parts[0]))


def _required_grant_columns(statement: Statement) -> Iterator[Mention]:
    for item in statement.node.get("objects", ()):
        if "RangeVar" in item:
            for privilege in statement.node.get("privileges", ()):
                for name in strings(privilege.get("AccessPriv", {}).get("cols")):
                    table = range_name(item["RangeVar"])
                    yield Mention(statement.offset(item["RangeVar"]), column(table, name))


def _required_by_name(statement: Statement, object_type: str, item: Node) -> Iterator[Mention]:
    """The object that COMMENT, DROP or GRANT names in its own words."""
    offset = statement.start
    names = _written_names(item)
    if not names:
        return  # A type's: the walk over the tree meets it.
    name = list_name(names)
    match object_type:
        case (
            "OBJECT_TABLE"
            | "OBJECT_VIEW"
            | "OBJECT_MATVIEW"
            | "OBJECT_SEQUENCE"
            | "OBJECT_FOREIGN_TABLE"
        ):
            found = [relation(name)]
        case "OBJECT_COLUMN" if len(names) > 1:
            name = list_name(names[:-1])
            found = [relation(name), column(name, names[-1])]
        case "OBJECT_TABCONSTRAINT" | "OBJECT_POLICY" | "OBJECT_TRIGGER" | "OBJECT_RULE" if (
            len(names) > 1
        ):
            name = list_name(names[:-1])
            found = [relation(name)]
            # Dropping what may be missing needs only its table.
            if object_type == "OBJECT_POLICY" and statement.kind == "CommentStmt":
                found.append(Object("policy", f"{name.qualified()}.{quote(names[-1])}"))
        case _ if object_type in _NAMED_KINDS:
            found = [_named(_NAMED_KINDS[object_type], name)]
        case "OBJECT_SCHEMA":
            found, name = [Object("schema", quote(names[-1]))], Name("", "")
        case "OBJECT_ROLE":
            found, name = [Object("role", quote(names[-1]))], Name("", "")
        case _:
            return
    yield from (Mention(offset, thing) for thing in found)
    yield from _schema_of(name, offset)


_NAMED_KINDS = {
    "OBJECT_INDEX": "index",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "type",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_AGGREGATE": "function",
}


def _written_names(item: Node) -> list[str]:
    """The words of a name in a List, an ObjectWithArgs or a String."""
    if "ObjectWithArgs" in item:
        return strings(item["ObjectWithArgs"].get("objname"))
    if "String" in item:
        return [item["String"]["sval"]]
    return strings(item.get("List", {}).get("items"))
