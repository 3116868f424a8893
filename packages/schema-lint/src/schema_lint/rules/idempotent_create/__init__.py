"""Every object is created so that a second run passes.

What: CREATE without IF NOT EXISTS or OR REPLACE; where the kind of object has neither, CREATE
    outside a guard. DROP … IF EXISTS of the same object above it in the file will do as well, and
    so will a DO block's IF, or its exception handler: what they ask is not checked.
Why: A migration that stopped half-way is run again; it then fails at the first object that exists.
Instead: CREATE TABLE IF NOT EXISTS, CREATE OR REPLACE VIEW, and for a type or a role
    DO $$ BEGIN IF NOT EXISTS (SELECT …) THEN CREATE TYPE …; END IF; END $$.
When to allow: In a file that a tool is known to run at most once, such as a squashed baseline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import is_temporary
from schema_sql.names import list_name, range_name
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile, Statement

ID = "idempotent-create"

_IF_NOT_EXISTS = {
    "CreateStmt": "TABLE",
    "CreateForeignTableStmt": "FOREIGN TABLE",
    "CreateTableAsStmt": "TABLE",
    "IndexStmt": "INDEX",
    "CreateSeqStmt": "SEQUENCE",
    "CreateSchemaStmt": "SCHEMA",
    "CreateExtensionStmt": "EXTENSION",
    "CreateForeignServerStmt": "SERVER",
    "CreateUserMappingStmt": "USER MAPPING",
    "CreateStatsStmt": "STATISTICS",
}
_OR_REPLACE = {
    "ViewStmt": "VIEW",
    "CreateFunctionStmt": "FUNCTION",
    "CreateTrigStmt": "TRIGGER",
    "RuleStmt": "RULE",
}
_NEITHER = {
    "CompositeTypeStmt": "TYPE",
    "CreateEnumStmt": "TYPE",
    "CreateRangeStmt": "TYPE",
    "CreateDomainStmt": "DOMAIN",
    "CreateRoleStmt": "ROLE",
    "CreatePublicationStmt": "PUBLICATION",
    "CreateSubscriptionStmt": "SUBSCRIPTION",
    "CreateEventTrigStmt": "EVENT TRIGGER",
    "CreateFdwStmt": "FOREIGN DATA WRAPPER",
    "CreateCastStmt": "CAST",
    "CreateConversionStmt": "CONVERSION",
    "CreateOpClassStmt": "OPERATOR CLASS",
    "CreateOpFamilyStmt": "OPERATOR FAMILY",
    "CreateAmStmt": "ACCESS METHOD",
    "DefineStmt": "object",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each CREATE that fails or doubles its object when it runs again."""
    facts = workspace.facts(file)
    for statement in facts.statements(*_IF_NOT_EXISTS, *_OR_REPLACE, *_NEITHER):
        node = statement.node
        fields = node.get("base", node)
        if statement.conditional or fields.get("if_not_exists") or node.get("replace"):
            continue
        relation = fields.get("relation") or fields.get("into", {}).get("rel", {})
        if is_temporary(relation):
            continue  # It ends with its session.
        dropped = _dropped_as(statement)
        if dropped and facts.dropped_before(statement, *dropped):
            continue
        yield statement.finding(ID, *_words(statement))


def _words(statement: Statement) -> tuple[str, str]:
    kind = statement.kind
    if kind == "IndexStmt" and "idxname" not in statement.node:
        return (
            "CREATE INDEX without a name makes one more index at every run",
            "name it, and write CREATE INDEX IF NOT EXISTS",
        )
    if kind in _IF_NOT_EXISTS:
        word = _IF_NOT_EXISTS[kind]
        if kind == "CreateTableAsStmt" and statement.node["objtype"] == "OBJECT_MATVIEW":
            word = "MATERIALIZED VIEW"
        if kind == "IndexStmt" and statement.node.get("unique"):
            word = "UNIQUE INDEX"
        return f"CREATE {word} fails when it exists", f"write CREATE {word} IF NOT EXISTS"
    if kind in _OR_REPLACE:
        word = _OR_REPLACE[kind]
        if statement.node.get("is_procedure"):
            word = "PROCEDURE"
        return f"CREATE {word} fails when it exists", f"write CREATE OR REPLACE {word}"
    return (
        f"CREATE {_NEITHER[kind]} fails when it exists, and has no IF NOT EXISTS",
        "guard it: DO $$ BEGIN IF NOT EXISTS (SELECT …) THEN CREATE …; END IF; END $$;",
    )


def _dropped_as(statement: Statement) -> tuple[str, ...]:  # noqa: PLR0911 - one name per kind
    """How a DROP names what this statement creates; empty where DROP is no remedy."""
    node = statement.node
    match statement.kind:
        case "CreateStmt":
            name = range_name(node["relation"]).qualified()
            return ("TABLE", name.schema, name.name)
        case "CreateTableAsStmt":
            name = range_name(node["into"]["rel"]).qualified()
            return (node["objtype"].removeprefix("OBJECT_"), name.schema, name.name)
        case "ViewStmt":
            name = range_name(node["view"]).qualified()
            return ("VIEW", name.schema, name.name)
        case "CreateSeqStmt":
            name = range_name(node["sequence"]).qualified()
            return ("SEQUENCE", name.schema, name.name)
        case "IndexStmt":
            # An index lives in the schema of its table.
            name = range_name(node["relation"]).qualified()
            return ("INDEX", name.schema, node.get("idxname", ""))
        case "CreateTrigStmt" | "RuleStmt":
            name = range_name(node["relation"]).qualified()
            kind, own = ("TRIGGER", "trigname") if "trigname" in node else ("RULE", "rulename")
            return (kind, name.schema, name.name, node[own])
        case "CreateFunctionStmt":
            name = list_name(strings(node["funcname"])).qualified()
            kind = "PROCEDURE" if node.get("is_procedure") else "FUNCTION"
            return (kind, name.schema, name.name)
        case "CreateEnumStmt" | "CreateRangeStmt":
            name = list_name(strings(node["typeName"])).qualified()
            return ("TYPE", name.schema, name.name)
        case "CompositeTypeStmt":
            name = range_name(node["typevar"]).qualified()
            return ("TYPE", name.schema, name.name)
        case "CreateDomainStmt":
            name = list_name(strings(node["domainname"])).qualified()
            return ("DOMAIN", name.schema, name.name)
        case "CreateRoleStmt":
            return ("ROLE", node["role"])
        case "CreatePublicationStmt":
            return ("PUBLICATION", node["pubname"])
        case "CreateEventTrigStmt":
            return ("EVENT_TRIGGER", node["trigname"])
    return ()
