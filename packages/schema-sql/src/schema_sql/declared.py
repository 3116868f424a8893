"""Statements to the schema they declare: knows tables, keys, policies and grants; judges nothing.

The result is what a database holds after the statements ran once on an empty one, as far as
the grammar alone can tell. It is made for rules, the guard and the specification's tests.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from schema_sql.names import Name, list_name, range_name, role_name, serial_type, type_text
from schema_sql.statements import Node, Statement, strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ALL_TABLE_PRIVILEGES = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
)  # fmt: skip
"""What GRANT ALL means on a table; MAINTAIN since PostgreSQL 17."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that a statement declares.

    Attributes:
        statement: The statement that declares it.
        node: The parse node that declares it, for its position.
    """

    statement: Statement = field(repr=False, compare=False)
    node: Node = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Column(Part):
    """A column.

    Attributes:
        name: Its name.
        type: Its type in PostgreSQL's short words, such as ``timestamptz`` or ``varchar(20)[]``.
        not_null: NOT NULL is declared, or implied by the primary key or an identity.
        default: The default's parse tree, or None.
        generated: It is GENERATED: an identity or an expression.
    """

    name: str
    type: str
    not_null: bool = False
    default: Node | None = None
    generated: bool = False


@dataclass(frozen=True, kw_only=True)
class Key(Part):
    """A primary key, a unique constraint, or a unique index.

    Attributes:
        name: Its name, or "" where PostgreSQL chooses it.
        columns: Its columns, in order.
        primary: It is the primary key.
        deferrable: It is DEFERRABLE; no foreign key can refer to it then.
        by_index: It is a unique index and no constraint.
    """

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    deferrable: bool = False
    by_index: bool = False


@dataclass(frozen=True, kw_only=True)
class Check(Part):
    """A check constraint: its name ("" where PostgreSQL chooses it) and its expression's tree."""

    name: str
    expression: Node


@dataclass(frozen=True, kw_only=True)
class ForeignKey(Part):
    """A foreign key.

    Attributes:
        name: Its name, or "" where PostgreSQL chooses it.
        columns: The referencing columns, in order.
        target: The referenced table.
        target_columns: The referenced columns, in the same order; empty means its primary key.
        on_delete: PostgreSQL's letter: a (no action), r (restrict), c (cascade), n, d.
        on_update: The same.
    """

    name: str
    columns: tuple[str, ...]
    target: Name
    target_columns: tuple[str, ...]
    on_delete: str = "a"
    on_update: str = "a"


@dataclass(frozen=True, kw_only=True)
class IndexColumn:
    """One key of an index: a column's name, or "" for an expression, and its order."""

    name: str
    descending: bool = False
    nulls_first: bool = False
    operator_class: str = ""
    expression: Node | None = None


@dataclass(frozen=True, kw_only=True)
class Index(Part):
    """An index made by CREATE INDEX.

    Attributes:
        name: Its name, or "" where PostgreSQL chooses it.
        table: Its table.
        columns: Its keys, in order.
        included: The columns it carries by INCLUDE.
        unique: It is UNIQUE.
        predicate: Its WHERE clause's tree, or None.
        method: btree, gin, …
    """

    name: str
    table: Name
    columns: tuple[IndexColumn, ...]
    included: tuple[str, ...] = ()
    unique: bool = False
    predicate: Node | None = None
    method: str = "btree"


@dataclass(frozen=True, kw_only=True)
class Policy(Part):
    """A row-level security policy.

    Attributes:
        name: Its name.
        table: Its table.
        command: ALL, SELECT, INSERT, UPDATE or DELETE.
        permissive: It is PERMISSIVE, not RESTRICTIVE.
        roles: The roles it is for; PUBLIC for every role.
        using: The USING expression's tree, or None.
        check: The WITH CHECK expression's tree, or None.
    """

    name: str
    table: Name
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: Node | None
    check: Node | None


@dataclass(frozen=True, kw_only=True)
class Grant(Part):
    """A GRANT or REVOKE on a table.

    Attributes:
        table: The table.
        privileges: The privileges, sorted, upper case; a column list makes ``UPDATE (name)``.
        roles: The grantees; PUBLIC for every role.
        revoke: It takes away.
        everything: It says ALL.
    """

    table: Name
    privileges: tuple[str, ...]
    roles: tuple[str, ...]
    revoke: bool = False
    everything: bool = False


@dataclass(kw_only=True)
class Table:
    """A table, with everything that statements declare about it, in their order.

    Attributes:
        name: Its schema-qualified name.
        created: The CREATE TABLE statement.
        complete: The statement lists all columns; those of LIKE or of a type are not known.
        columns: By name, in order.
        row_security: The statement that enables row-level security, or None.
        comment: The table's comment, or None.
        column_comments: By column.
        acl: Privileges by role, as the GRANT and REVOKE statements leave them.
    """

    name: Name
    created: Statement
    complete: bool = True
    columns: dict[str, Column] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    policies: dict[str, Policy] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    row_security: Statement | None = None
    comment: str | None = None
    column_comments: dict[str, str] = field(default_factory=dict)
    acl: dict[str, set[str]] = field(default_factory=dict)
    # Of a table with thousands of indexes, each is looked for by its name.
    _index_names: set[str] = field(default_factory=set, init=False, repr=False)

    def add_index(self, index: Index) -> None:
        """Take in an index, unless there is one of its name: IF NOT EXISTS, so the first stands."""
        if index.name not in self._index_names:
            self.indexes.append(index)
            if index.name:
                self._index_names.add(index.name)

    def remove_indexes(self, which: Callable[[Index], bool]) -> list[Index]:
        """Remove the indexes of which something is true, and return them."""
        removed = [index for index in self.indexes if which(index)]
        self.indexes = [index for index in self.indexes if not which(index)]
        self._index_names.difference_update(index.name for index in removed)
        return removed

    @property
    def path(self) -> str:
        """The file that creates it."""
        return self.created.source.path

    @property
    def primary_key(self) -> Key | None:
        """The primary key, or None."""
        return next((key for key in self.keys if key.primary), None)

    def unique_keys(self) -> Iterable[Key]:
        """The keys that a foreign key can refer to: immediate, without predicate or expression."""
        yield from (key for key in self.keys if not key.deferrable)
        for index in self.indexes:
            if index.unique and index.predicate is None and all(c.name for c in index.columns):
                yield Key(
                    name=index.name,
                    columns=tuple(c.name for c in index.columns),
                    by_index=True,
                    statement=index.statement,
                    node=index.node,
                )


class DeclaredSchema:
    """Tables by name, folded from statements."""

    def __init__(self, statements: Iterable[Statement] = ()) -> None:
        self.tables: dict[Name, Table] = {}
        self._indexed: dict[str, set[Name]] = defaultdict(set)
        for statement in statements:
            self.add(statement)

    def add(self, statement: Statement) -> None:
        """Take in one statement; a kind that declares nothing about tables is passed over."""
        match statement.kind:
            case "CreateStmt":
                self._create_table(statement)
            case "AlterTableStmt":
                self._alter_table(statement)
            case "IndexStmt":
                self._create_index(statement)
            case "CreatePolicyStmt":
                self._create_policy(statement)
            case "GrantStmt":
                self._grant(statement)
            case "CommentStmt":
                self._comment(statement)
            case "DropStmt":
                self._drop(statement)

    def table(self, name: Name) -> Table | None:
        """A table by its name; an unqualified name is looked for in ``public``."""
        return self.tables.get(name.qualified())

    def _create_table(self, statement: Statement) -> None:
        name = range_name(statement.node["relation"]).qualified()
        if name in self.tables or "inhRelations" in statement.node:
            # IF NOT EXISTS: the first one stands. A partition's columns are its parent's.
            return
        complete = "ofTypename" not in statement.node and not any(
            "TableLikeClause" in element for element in statement.node.get("tableElts", ())
        )
        table = Table(name=name, created=statement, complete=complete)
        self.tables[name] = table
        for element in statement.node.get("tableElts", ()):
            ((kind, node),) = element.items()
            if kind == "ColumnDef":
                _add_column(table, statement, node)
            elif kind == "Constraint":
                _add_constraint(table, statement, node, ())
        # A key may stand above its columns.
        for key in table.keys:
            _mark_not_null(table, key)

    def _alter_table(self, statement: Statement) -> None:
        table = self.table(range_name(statement.node["relation"]))
        if table is None:
            return
        for item in statement.node.get("cmds", ()):
            command = item["AlterTableCmd"]
            definition = command.get("def", {})
            match command.get("subtype", "AT_AddColumn"):
                case "AT_AddColumn" if command_adds_column(command):
                    node = definition["ColumnDef"]
                    if node["colname"] not in table.columns:
                        _add_column(table, statement, node)
                case "AT_DropColumn":
                    _drop_column(table, command["name"])
                case "AT_SetNotNull" | "AT_DropNotNull" as change:
                    _replace_column(table, command["name"], not_null=change == "AT_SetNotNull")
                    if table.primary_key:
                        _mark_not_null(table, table.primary_key)
                case "AT_AlterColumnType":
                    type_name = type_text(definition["ColumnDef"]["typeName"])
                    _replace_column(table, command["name"], type=type_name)
                case "AT_ColumnDefault":
                    _replace_column(table, command["name"], default=definition or None)
                case "AT_AddConstraint":
                    _add_constraint(table, statement, definition["Constraint"], ())
                case "AT_DropConstraint":
                    _drop_constraint(table, command["name"])
                case "AT_EnableRowSecurity":
                    table.row_security = statement
                case "AT_DisableRowSecurity":
                    table.row_security = None

    def _create_index(self, statement: Statement) -> None:
        table = self.table(range_name(statement.node["relation"]))
        if table is not None:
            index = read_index(statement)
            table.add_index(index)
            self._indexed[index.name].add(table.name)

    def _create_policy(self, statement: Statement) -> None:
        policy = read_policy(statement)
        table = self.table(policy.table)
        if table is not None:
            table.policies[policy.name] = policy

    def _grant(self, statement: Statement) -> None:
        for grant in read_grants(statement):
            table = self.table(grant.table)
            if table is None:
                continue
            table.grants.append(grant)
            for role in grant.roles:
                held = table.acl.setdefault(role, set())
                if not grant.revoke:
                    held.update(grant.privileges)
                elif grant.everything:
                    held.clear()
                else:
                    # REVOKE UPDATE takes UPDATE (column) with it.
                    whole = tuple(f"{privilege} (" for privilege in grant.privileges)
                    held.difference_update(grant.privileges)
                    held.difference_update([p for p in held if p.startswith(whole)])

    def _comment(self, statement: Statement) -> None:
        node = statement.node
        names = strings(node.get("object", {}).get("List", {}).get("items"))
        text = node.get("comment")
        if node.get("objtype") == "OBJECT_TABLE":
            table = self.table(list_name(names))
            if table is not None:
                table.comment = text
        elif node.get("objtype") == "OBJECT_COLUMN" and len(names) > 1:
            table = self.table(list_name(names[:-1]))
            if table is not None:
                table.column_comments[names[-1]] = text or ""

    def _drop(self, statement: Statement) -> None:
        for item in statement.node.get("objects", ()):
            names = strings(item.get("List", {}).get("items"))
            match statement.node.get("removeType"):
                case "OBJECT_TABLE":
                    self.tables.pop(list_name(names).qualified(), None)
                case "OBJECT_POLICY":
                    table = self.table(list_name(names[:-1]))
                    if table is not None:
                        table.policies.pop(names[-1], None)
                case "OBJECT_INDEX":
                    for owner in self._indexed.pop(names[-1], ()):
                        if owner in self.tables:
                            self.tables[owner].remove_indexes(lambda i: i.name == names[-1])  # noqa: B023 - called here


def command_adds_column(command: Node) -> bool:
    """Whether an ALTER TABLE command adds a column: its subtype is the enum's zero, so left out."""
    return command.get("subtype", "AT_AddColumn") == "AT_AddColumn" and "def" in command


def read_index(statement: Statement) -> Index:
    """The index that a CREATE INDEX statement declares."""
    node = statement.node
    return Index(
        name=node.get("idxname", ""),
        table=range_name(node["relation"]).qualified(),
        columns=tuple(_index_column(item["IndexElem"]) for item in node.get("indexParams", ())),
        included=tuple(
            item["IndexElem"].get("name", "") for item in node.get("indexIncludingParams", ())
        ),
        unique=node.get("unique", False),
        predicate=node.get("whereClause"),
        method=node.get("accessMethod", "btree"),
        statement=statement,
        node=node["relation"],
    )


def _index_column(node: Node) -> IndexColumn:
    descending = node.get("ordering") == "SORTBY_DESC"
    nulls = node.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
    return IndexColumn(
        name=node.get("name", ""),
        descending=descending,
        # PostgreSQL's default: NULLS FIRST with DESC, NULLS LAST without.
        nulls_first=descending
        if nulls == "SORTBY_NULLS_DEFAULT"
        else nulls == "SORTBY_NULLS_FIRST",
        operator_class=".".join(strings(node.get("opclass"))),
        expression=node.get("expr"),
    )


def read_policy(statement: Statement) -> Policy:
    """The policy that a CREATE POLICY statement declares."""
    node = statement.node
    return Policy(
        name=node["policy_name"],
        table=range_name(node["table"]).qualified(),
        command=node.get("cmd_name", "all").upper(),
        permissive=node.get("permissive", False),
        roles=tuple(role_name(item["RoleSpec"]) for item in node.get("roles", ())),
        using=node.get("qual"),
        check=node.get("with_check"),
        statement=statement,
        node=node["table"],
    )


def read_grants(statement: Statement) -> Iterable[Grant]:
    """The grants that a GRANT or REVOKE statement makes on tables it names, one for each table."""
    node = statement.node
    if node.get("objtype") != "OBJECT_TABLE" or node.get("targtype") != "ACL_TARGET_OBJECT":
        return
    if node.get("grant_option") and not node.get("is_grant"):
        return  # REVOKE GRANT OPTION FOR leaves the privilege itself.
    privileges = {
        _privilege(item["AccessPriv"])
        for item in node.get("privileges", ())
        if "AccessPriv" in item
    }
    everything = "privileges" not in node
    for item in node.get("objects", ()):
        yield Grant(
            table=range_name(item["RangeVar"]).qualified(),
            privileges=ALL_TABLE_PRIVILEGES if everything else tuple(sorted(privileges)),
            roles=tuple(role_name(grantee["RoleSpec"]) for grantee in node.get("grantees", ())),
            revoke=not node.get("is_grant", False),
            everything=everything,
            statement=statement,
            node=item["RangeVar"],
        )


def _privilege(node: Node) -> str:
    name = node.get("priv_name", "all").upper()
    columns = strings(node.get("cols"))
    return f"{name} ({', '.join(columns)})" if columns else str(name)


def _add_column(table: Table, statement: Statement, node: Node) -> None:
    constraints = [item["Constraint"] for item in node.get("constraints", ())]
    kinds = {constraint["contype"]: constraint for constraint in constraints}
    # A column of a typed table has its type elsewhere.
    type_name = type_text(node["typeName"]) if "typeName" in node else ""
    serial = "typeName" in node and bool(serial_type(node["typeName"]))
    default = kinds.get("CONSTR_DEFAULT")
    table.columns[node["colname"]] = Column(
        name=node["colname"],
        type=type_name,
        not_null="CONSTR_NOTNULL" in kinds or "CONSTR_IDENTITY" in kinds or serial,
        default=default.get("raw_expr") if default else None,
        generated="CONSTR_IDENTITY" in kinds or "CONSTR_GENERATED" in kinds,
        statement=statement,
        node=node,
    )
    for constraint in constraints:
        _add_constraint(table, statement, constraint, (node["colname"],))
        # Behind a column's own constraint, DEFERRABLE is a node of its own.
        if constraint["contype"] == "CONSTR_ATTR_DEFERRABLE" and table.keys:
            last = table.keys[-1]
            if last.statement is statement and last.columns == (node["colname"],):
                table.keys[-1] = replace(last, deferrable=True)


def _add_constraint(
    table: Table, statement: Statement, node: Node, column: tuple[str, ...]
) -> None:
    place: dict[str, Any] = {"statement": statement, "node": node}
    name = node.get("conname", "")
    match node["contype"]:
        case "CONSTR_PRIMARY" | "CONSTR_UNIQUE" if "indexname" in node:
            _promote_index(table, node, place)
        case "CONSTR_PRIMARY" | "CONSTR_UNIQUE":
            key = Key(
                name=name,
                columns=tuple(strings(node.get("keys"))) or column,
                primary=node["contype"] == "CONSTR_PRIMARY",
                deferrable=node.get("deferrable", False),
                **place,
            )
            table.keys.append(key)
            _mark_not_null(table, key)
        case "CONSTR_CHECK":
            table.checks.append(Check(name=name, expression=node["raw_expr"], **place))
        case "CONSTR_FOREIGN":
            table.foreign_keys.append(
                ForeignKey(
                    name=name,
                    columns=tuple(strings(node.get("fk_attrs"))) or column,
                    target=range_name(node["pktable"]).qualified(),
                    target_columns=tuple(strings(node.get("pk_attrs"))),
                    on_delete=node.get("fk_del_action", "a"),
                    on_update=node.get("fk_upd_action", "a"),
                    **place,
                )
            )
        case "CONSTR_NOTNULL" if "keys" in node:
            for name in strings(node["keys"]):
                _replace_column(table, name, not_null=True)


def _promote_index(table: Table, node: Node, place: dict[str, Any]) -> None:
    """ADD CONSTRAINT … USING INDEX: the index becomes the constraint and takes its name."""
    for index in table.remove_indexes(lambda index: index.name == node["indexname"]):
        key = Key(
            name=node.get("conname", index.name),
            columns=tuple(column.name for column in index.columns),
            primary=node["contype"] == "CONSTR_PRIMARY",
            **place,
        )
        table.keys.append(key)
        _mark_not_null(table, key)


def _drop_column(table: Table, name: str) -> None:
    """A column, and the keys and indexes that PostgreSQL drops with it."""
    table.columns.pop(name, None)
    table.column_comments.pop(name, None)
    table.keys = [key for key in table.keys if name not in key.columns]
    table.foreign_keys = [key for key in table.foreign_keys if name not in key.columns]
    table.remove_indexes(
        lambda index: name in (*(column.name for column in index.columns), *index.included)
    )


def _drop_constraint(table: Table, name: str) -> None:
    table.keys = [key for key in table.keys if key.name != name]
    table.checks = [check for check in table.checks if check.name != name]
    table.foreign_keys = [key for key in table.foreign_keys if key.name != name]


def _replace_column(table: Table, name: str, **changes: Any) -> None:
    column = table.columns.get(name)
    if column is not None:
        table.columns[name] = Column(**{**vars(column), **changes})


def _mark_not_null(table: Table, key: Key) -> None:
    """A primary key's columns are NOT NULL."""
    for column in key.columns if key.primary else ():
        _replace_column(table, column, not_null=True)
