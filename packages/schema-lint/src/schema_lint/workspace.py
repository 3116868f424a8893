"""What rules look things up in: knows the files and the schema they declare; judges nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from schema_sql.declared import (
    DeclaredSchema,
    Policy,
    Table,
    command_adds_column,
    read_grants,
    read_policy,
)
from schema_sql.failures import internal_error
from schema_sql.names import Name, list_name, range_name, role_name
from schema_sql.statements import Node, SqlFile, Statement, strings, walk
from schema_targets.graph import components

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from schema_sql.declared import ForeignKey, Grant
    from schema_sql.source import Finding


@dataclass(frozen=True)
class ColumnPlace:
    """A column definition in CREATE TABLE or ALTER TABLE."""

    statement: Statement = field(repr=False)
    table: Name
    node: Node = field(repr=False)

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.node["colname"])


@dataclass(frozen=True)
class ConstraintPlace:
    """A constraint in CREATE TABLE or ALTER TABLE; ``column`` is "" but for a column's own."""

    statement: Statement = field(repr=False)
    table: Name
    node: Node = field(repr=False)
    column: str = ""

    @property
    def kind(self) -> str:
        """PRIMARY, UNIQUE, CHECK, FOREIGN, EXCLUSION, NOTNULL, DEFAULT, …."""
        return str(self.node["contype"]).removeprefix("CONSTR_")

    @property
    def name(self) -> str:
        """Its name, or "" where PostgreSQL chooses it."""
        return str(self.node.get("conname", ""))


@dataclass(frozen=True)
class Command:
    """One command of an ALTER TABLE."""

    statement: Statement = field(repr=False)
    table: Name
    node: Node = field(repr=False)

    @property
    def kind(self) -> str:
        """Its kind, such as AddColumn; a trigger's or rule's switch is one as well."""
        return str(self.node.get("subtype", "AT_AddColumn")).removeprefix("AT_")

    @property
    def definition(self) -> Node:
        """The fields of the column or constraint that it adds, or nothing."""
        for fields in self.node.get("def", {}).values():
            if isinstance(fields, dict):
                return fields
        return {}

    def finding_node(self) -> Node | None:
        """A node that has a place of its own, or None."""
        node = self.definition
        return node if "location" in node else None


_WITHOUT_SCHEMA = {
    *("SCHEMA", "EXTENSION", "PUBLICATION", "SUBSCRIPTION", "EVENT_TRIGGER", "LANGUAGE"),
    *("FDW", "FOREIGN_SERVER", "ACCESS_METHOD"),
}
_ON_TABLES = {"POLICY", "TRIGGER", "RULE"}


def dropped_names(statement: Statement) -> Iterator[tuple[str, ...]]:
    """The kind and full name of each object that a DROP statement names."""
    kind = statement.node["removeType"].removeprefix("OBJECT_")
    for item in statement.node.get("objects", ()):
        if "ObjectWithArgs" in item:
            names = strings(item["ObjectWithArgs"].get("objname"))
        elif "TypeName" in item:
            names = strings(item["TypeName"].get("names"))
        elif "String" in item:
            names = [item["String"]["sval"]]
        else:
            names = strings(item.get("List", {}).get("items"))
        if kind in _WITHOUT_SCHEMA or not names:
            yield (kind, *names[-1:])
        elif kind in _ON_TABLES:
            table = list_name(names[:-1]).qualified()
            yield (kind, table.schema, table.name, names[-1])
        else:
            name = list_name(names).qualified()
            yield (kind, name.schema, name.name)


_COLLECTED = frozenset(
    {
        *("RangeVar", "FuncCall", "A_Expr", "CommonTableExpr"),
        *("InsertStmt", "UpdateStmt", "DeleteStmt"),
    }
)
# Where the grammar fixes a field's type to RangeVar, libpg_query leaves the node's name out.
_RANGE_FIELDS = frozenset({"relation", "table", "view", "sequence", "typevar", "pktable", "rel"})


class FileFacts:
    """One file's statements and parts, sorted once for all rules.

    Attributes:
        columns: The columns that it defines, of permanent tables.
        constraints: The constraints that it defines, of permanent tables.
        commands: What its ALTER TABLE statements do to permanent tables.
        failures: The statements that could not be read.
    """

    def __init__(self, file: SqlFile) -> None:
        self.file = file
        self.failures: list[Finding] = []
        self._statements: dict[str, list[Statement]] = defaultdict(list)
        self._nodes: dict[str, list[tuple[Statement, Node]]] = {kind: [] for kind in _COLLECTED}
        self.columns: list[ColumnPlace] = []
        self.constraints: list[ConstraintPlace] = []
        self.commands: list[Command] = []
        for statement in file.every_statement:
            self._statements[statement.kind].append(statement)
            try:
                self._read(statement)
            except Exception as error:  # noqa: BLE001 - one statement must not hide the others
                self.failures.append(internal_error("the linter", file, error))

    def _read(self, statement: Statement) -> None:
        if statement.kind != "DoStmt":
            self._read_nodes(statement)
        if statement.kind == "CreateStmt":
            self._read_create(statement)
        elif statement.kind == "AlterTableStmt":
            self._read_alter(statement)

    def statements(self, *kinds: str) -> Iterable[Statement]:
        """The statements of some kinds, those in DO blocks too; of one kind, in order."""
        return chain.from_iterable(self._statements.get(kind, ()) for kind in kinds)

    def nodes(self, kind: str) -> Iterable[tuple[Statement, Node]]:
        """Every parse node of one of the kinds that rules ask for, with its statement."""
        return self._nodes[kind]

    def _read_nodes(self, statement: Statement) -> None:
        # Every statement of every file comes through here, once for all rules; the general walk
        # took three times as long.
        stack: list[Any] = [{statement.kind: statement.node}]
        while stack:
            value = stack.pop()
            if isinstance(value, list):
                stack += value
                continue
            for key, item in value.items():
                if isinstance(item, list):
                    stack.append(item)
                elif isinstance(item, dict):
                    stack.append(item)
                    if key in _COLLECTED:
                        self._nodes[key].append((statement, item))
                    elif key in _RANGE_FIELDS and "relname" in item:
                        self._nodes["RangeVar"].append((statement, item))

    def dropped_before(
        self, statement: Statement, kind: str, *names: str, or_in_it: bool = False
    ) -> bool:
        """Whether a DROP … IF EXISTS of an object stands above a statement in this file.

        Args:
            statement: The statement that creates it.
            kind: The object's kind in PostgreSQL's word, such as ``POLICY`` or ``TABCONSTRAINT``.
            names: Its full name: schema, table and name, as far as its kind has them.
            or_in_it: A command of the statement itself may drop it.
        """
        first = self._drops.get((kind, *names))
        return first is not None and first < statement.start + or_in_it

    @cached_property
    def _drops(self) -> dict[tuple[str, ...], int]:
        """The byte offset of the first DROP … IF EXISTS of each object."""
        found: dict[tuple[str, ...], int] = {}
        for statement in self.statements("DropStmt"):
            if statement.node.get("missing_ok"):
                for names in dropped_names(statement):
                    found.setdefault(names, statement.start)
        for statement in self.statements("DropRoleStmt"):
            if statement.node.get("missing_ok"):
                for item in statement.node["roles"]:
                    found.setdefault(("ROLE", role_name(item["RoleSpec"])), statement.start)
        for command in self.commands:
            if command.node.get("missing_ok") and command.kind in {"DropConstraint", "DropColumn"}:
                kind = "TABCONSTRAINT" if command.kind == "DropConstraint" else "COLUMN"
                table = command.table
                key = (kind, table.schema, table.name, command.node["name"])
                found.setdefault(key, command.statement.start)
        return found

    def _read_create(self, statement: Statement) -> None:
        if is_temporary(statement.node["relation"]):
            return  # It is gone when the session ends: no rule about tables concerns it.
        table = range_name(statement.node["relation"]).qualified()
        for element in statement.node.get("tableElts", ()):
            ((kind, node),) = element.items()
            if kind == "ColumnDef":
                self._read_column(statement, table, node)
            elif kind == "Constraint":
                self.constraints.append(ConstraintPlace(statement, table, node))

    def _read_alter(self, statement: Statement) -> None:
        if is_temporary(statement.node["relation"]):
            return
        table = range_name(statement.node["relation"]).qualified()
        for item in statement.node.get("cmds", ()):
            command = Command(statement, table, item["AlterTableCmd"])
            self.commands.append(command)
            if command_adds_column(command.node) and "ColumnDef" in command.node["def"]:
                self._read_column(statement, table, command.definition)
            elif command.kind == "AddConstraint":
                self.constraints.append(ConstraintPlace(statement, table, command.definition))

    def _read_column(self, statement: Statement, table: Name, node: Node) -> None:
        self.columns.append(ColumnPlace(statement, table, node))
        for item in node.get("constraints", ()):
            place = ConstraintPlace(statement, table, item["Constraint"], node["colname"])
            self.constraints.append(place)


class Workspace:
    """Files that belong together, and the schema they declare.

    Attributes:
        files: The files to judge, in the order in which they would run.
        schema: What they and the externals declare; externals come first.
        failures: The statements that could not be read.
    """

    def __init__(self, files: Iterable[SqlFile], externals: Iterable[SqlFile] = ()) -> None:
        self.files = tuple(files)
        self.schema = DeclaredSchema()
        self.failures: list[Finding] = []
        self.protected: set[Name] = set()
        self.functions: set[str] = set()
        self._dropped_columns: dict[Name, set[str]] = defaultdict(set)
        for file in externals:
            self._read(file, self.schema.add)
        for file in self.files:
            self._read(file, self.schema.add, self._read_changes)
        self._not_null: dict[Name, frozenset[str]] = {}
        self._facts: FileFacts | None = None
        self._tables: dict[str, list[Table]] = defaultdict(list)
        for table in self.schema.tables.values():
            if not is_temporary(table.created.node["relation"]):
                self._tables[table.path].append(table)

    def _read(self, file: SqlFile, *readers: Callable[[Statement], None]) -> None:
        for statement in file.every_statement:
            for read in readers:
                try:
                    read(statement)
                except Exception as error:  # noqa: BLE001 - one must not hide the others
                    self.failures.append(internal_error("the linter", file, error))

    def _read_changes(self, statement: Statement) -> None:
        if statement.kind == "CreateFunctionStmt":
            self.functions.add(list_name(strings(statement.node["funcname"])).name)
        if statement.kind != "AlterTableStmt":
            return
        for item in statement.node.get("cmds", ()):
            subtype = item["AlterTableCmd"].get("subtype")
            name = range_name(statement.node["relation"]).qualified()
            if subtype == "AT_EnableRowSecurity":
                self.protected.add(name)
            elif subtype == "AT_DisableRowSecurity":
                self.protected.discard(name)
            elif subtype == "AT_DropColumn":
                self._dropped_columns[name].add(item["AlterTableCmd"]["name"])

    def dropped_columns(self, table: Name) -> AbstractSet[str]:
        """The columns of a table that some statement drops."""
        return self._dropped_columns.get(table.qualified(), set())

    def facts(self, file: SqlFile) -> FileFacts:
        """The statements and parts of a file; kept until the next file is asked for."""
        if self._facts is None or self._facts.file is not file:
            self._facts = FileFacts(file)
            self.failures += self._facts.failures
        return self._facts

    def tables(self, file: SqlFile) -> Iterable[Table]:
        """The permanent tables that a file creates, as all files together declare them."""
        return self._tables.get(file.path, ())

    def table(self, name: Name) -> Table | None:
        """A table by its name, or None where no file declares it."""
        return self.schema.table(name)

    def not_null(self, name: Name) -> frozenset[str] | None:
        """The columns of a table that are never NULL, or None where no file declares the table."""
        table = self.table(name)
        if table is None:
            return None
        if table.name not in self._not_null:
            columns = (name for name, column in table.columns.items() if column.not_null)
            self._not_null[table.name] = frozenset(columns)
        return self._not_null[table.name]

    def foreign_key(self, place: ConstraintPlace) -> ForeignKey | None:
        """The foreign key that a constraint declares, or None where it is dropped again."""
        return self._foreign_keys.get(id(place.node))

    @cached_property
    def _foreign_keys(self) -> dict[int, ForeignKey]:
        """Every foreign key, by the identity of the node that declares it."""
        tables = self.schema.tables.values()
        return {id(key.node): key for table in tables for key in table.foreign_keys}

    @cached_property
    def policy_edges(self) -> dict[Name, list[Name]]:
        """For each table, the tables that its policies read whenever it is read."""
        return {
            table.name: [name for p in table.policies.values() for name, _ in policy_reads(p)]
            for table in self.schema.tables.values()
        }

    def may_lead_back(self, table: Name, read: Name) -> bool:
        """Whether the policies of a table that is read may lead back to the one that reads it.

        Quick to ask where they do not, which is the rule; where they may, look for the way.
        """
        groups = self._policy_groups
        return read == table or (table in groups and groups[table] == groups.get(read))

    @cached_property
    def _policy_groups(self) -> dict[Name, int]:
        """For each table, the number of those whose policies, altered ones too, may lead to it."""
        edges = {name: list(reads) for name, reads in self.policy_edges.items()}
        for file in self.files:
            for policy in self.policies(file):
                edges.setdefault(policy.table, []).extend(n for n, _ in policy_reads(policy))
        found = enumerate(components(edges, sorted(edges)))
        return {name: number for number, group in found for name in group}

    def policies(self, file: SqlFile) -> Iterator[Policy]:
        """The policies that a file creates or alters; of an altered one, what is altered."""
        facts = self.facts(file)
        for statement in facts.statements("CreatePolicyStmt"):
            yield read_policy(statement)
        for statement in facts.statements("AlterPolicyStmt"):
            yield self._altered(statement)

    def _altered(self, statement: Statement) -> Policy:
        """A policy with what ALTER POLICY says of it; what it does not say is judged elsewhere."""
        node = statement.node
        name = range_name(node["table"]).qualified()
        table = self.table(name)
        known = table.policies.get(node["policy_name"]) if table else None
        return Policy(
            name=node["policy_name"],
            table=name,
            # Of an unknown policy no rule may ask what only a permissive one must have.
            command=known.command if known else "SELECT",
            permissive=known.permissive if known else False,
            roles=tuple(role_name(item["RoleSpec"]) for item in node.get("roles", ())),
            using=node.get("qual"),
            check=node.get("with_check"),
            statement=statement,
            node=node["table"],
        )

    def grants(self, file: SqlFile) -> Iterator[Grant]:
        """The GRANT and REVOKE statements of a file on tables that they name."""
        for statement in self.facts(file).statements("GrantStmt"):
            yield from read_grants(statement)


def is_temporary(relation: Node) -> bool:
    """Whether a RangeVar names a temporary table: by TEMPORARY or by its schema."""
    return relation.get("relpersistence") == "t" or relation.get("schemaname") == "pg_temp"


def place(node: object) -> Node:
    """A node with the first position below a parse tree's value; without one where it has none."""
    found: int | None = None
    stack = [node]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            location = value.get("location", -1)
            if location >= 0 and (found is None or location < found):
                found = location
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return {} if found is None else {"location": found}


def policy_reads(policy: Policy) -> Iterator[tuple[Name, Node]]:
    """The tables that a policy reads whenever its own table is read, with their nodes."""
    if policy.command in {"ALL", "SELECT"} and policy.using is not None:
        for fields in _tables_read(policy.using):
            yield range_name(fields).qualified(), fields


def _tables_read(node: Any) -> Iterator[Node]:
    """The RangeVar nodes in the FROM clauses of the subqueries below a tree, each once."""
    covered: set[int] = set()
    for kind, fields in walk(node):
        if kind == "SubLink" and id(fields) not in covered:
            tables = fields.get("subselect", {}).get("SelectStmt", {}).get("fromClause", [])
            for inner, place in walk(tables):
                if inner == "SubLink":
                    covered.add(id(place))
                elif inner == "RangeVar":
                    yield place
