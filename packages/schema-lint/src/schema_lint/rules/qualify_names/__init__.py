"""Every object is written with its schema.

What: A table, view, sequence or index without a schema, in every kind of statement; a function or
    type that is created or dropped without one; a call without one that is neither PostgreSQL's
    own nor an argument's type. Names in WITH, temporary tables and those of PostgreSQL's
    catalog are free.
Why: What a bare name means depends on the search_path of whoever runs the file; a table can land in
    another schema, or a policy can call another function.
Instead: public.tasks, auth.jwt().
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.workspace import place
from schema_sql.names import DEFAULT_SCHEMA
from schema_sql.objects import builtin_functions
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import FileFacts, Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile, Statement

ID = "qualify-names"

_RELATIONS = {"TABLE", "VIEW", "MATVIEW", "SEQUENCE", "INDEX", "FOREIGN_TABLE"}
_OTHERS = {"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TYPE", "DOMAIN"}
_ON_TABLES = {"POLICY", "TRIGGER", "RULE", "TABCONSTRAINT"}
_CREATED = {
    "CreateFunctionStmt": "funcname",
    "CreateEnumStmt": "typeName",
    "CreateRangeStmt": "typeName",
    "CreateDomainStmt": "domainname",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each name whose schema depends on who runs the file."""
    facts = workspace.facts(file)
    yield from _relations(facts)
    for kind, field in _CREATED.items():
        for statement in facts.statements(kind):
            names = strings(statement.node[field])
            if len(names) == 1:
                yield _bare(statement, names[0])
    for statement in facts.statements("CommentStmt", "DropStmt"):
        yield from _listed(statement)
    for statement, node in facts.nodes("FuncCall"):
        names = strings(node["funcname"])
        if len(names) == 1 and names[0] not in builtin_functions():
            schema = "public" if names[0] in workspace.functions else ""
            yield _bare(statement, names[0], node, schema)


def _bare(statement: Statement, name: str, node: Node | None = None, schema: str = "") -> Finding:
    remedy = f"write {schema or DEFAULT_SCHEMA}.{name}"
    if node is not None and "funcname" in node and not schema:
        remedy = f"write its schema, as in auth.{name}()"
    return statement.finding(ID, f"{name} is written without its schema", remedy, node)


def _relations(facts: FileFacts) -> Iterator[Finding]:
    temporary = {
        node["relname"] for _, node in facts.nodes("RangeVar") if node.get("relpersistence") == "t"
    }
    local: dict[int, set[str]] = {}
    for statement, node in facts.nodes("CommonTableExpr"):
        local.setdefault(id(statement), set()).add(node["ctename"])
    for statement, node in facts.nodes("RangeVar"):
        name = node["relname"]
        if (
            "schemaname" not in node
            and name not in temporary
            and name not in local.get(id(statement), ())
            # PostgreSQL's catalog comes first in every search_path.
            and not name.startswith("pg_")
            # The rows of a trigger's or rule's event.
            and not (statement.kind == "RuleStmt" and name in {"old", "new"})
        ):
            yield _bare(statement, name, place(node))


def _listed(statement: Statement) -> Iterator[Finding]:
    """What COMMENT and DROP name in a list of words."""
    if statement.kind == "CommentStmt":
        kind = statement.node["objtype"].removeprefix("OBJECT_")
        items = [statement.node["object"]]
    else:
        kind = statement.node["removeType"].removeprefix("OBJECT_")
        items = statement.node.get("objects", [])
    for item in items:
        names = strings(item.get("List", {}).get("items"))
        if "ObjectWithArgs" in item:
            names = strings(item["ObjectWithArgs"].get("objname"))
        elif "TypeName" in item:
            names = strings(item["TypeName"].get("names"))
        least = 1
        if kind in _ON_TABLES or kind == "COLUMN":
            names, least = names[:-1], 1
        elif kind not in _RELATIONS | _OTHERS:
            continue
        if len(names) == least:
            yield _bare(statement, names[-1])
