"""Names are lower case words that need no quotes.

What: A table, column, constraint, index, sequence, view, function, type or schema whose name is not
    of a to z, 0 to 9 and _, or is a reserved word. Policies may have any name.
Why: Such a name must be quoted wherever it is used, in SQL and in clients; unquoted it is another
    name, or a syntax error.
Instead: lower_case_words.
When to allow: The name is another system's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast.keywords import RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile, Statement

ID = "plain-identifiers"

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(RESERVED_KEYWORDS) | frozenset(TYPE_FUNC_NAME_KEYWORDS)


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each name that needs quotes."""
    facts = workspace.facts(file)
    for statement, name, node in _created(file, workspace):
        yield from _check_name(statement, name, node)
    for column in facts.columns:
        yield from _check_name(column.statement, column.name, column.node)
    for place in facts.constraints:
        yield from _check_name(place.statement, place.name, place.node)


def _check_name(statement: Statement, name: str, node: Node | None) -> Iterator[Finding]:
    if not name:
        return
    if not _PLAIN.fullmatch(name):
        message = f'"{name}" must be quoted wherever it is used'
        yield statement.finding(ID, message, "write lower_case_words", node)
    elif name in _RESERVED:
        message = f'"{name}" is a reserved word, and must be quoted wherever it is used'
        yield statement.finding(ID, message, "choose another name", node)


def _created(file: SqlFile, workspace: Workspace) -> Iterator[tuple[Statement, str, Node | None]]:
    """The names of the objects that statements create, but for columns and constraints."""
    facts = workspace.facts(file)
    relations = {
        "CreateStmt": "relation",
        "CreateSeqStmt": "sequence",
        "ViewStmt": "view",
        "CompositeTypeStmt": "typevar",
    }
    for kind, field in relations.items():
        for statement in facts.statements(kind):
            yield statement, statement.node[field]["relname"], statement.node[field]
    for statement in facts.statements("CreateTableAsStmt"):
        relation = statement.node["into"]["rel"]
        yield statement, relation["relname"], relation
    for statement in facts.statements("IndexStmt"):
        yield statement, statement.node.get("idxname", ""), None
    for statement in facts.statements("CreateSchemaStmt"):
        yield statement, statement.node.get("schemaname", ""), None
    for statement in facts.statements("CreateTrigStmt"):
        yield statement, statement.node["trigname"], None
    lists = {
        "CreateFunctionStmt": "funcname",
        "CreateEnumStmt": "typeName",
        "CreateRangeStmt": "typeName",
        "CreateDomainStmt": "domainname",
    }
    for kind, field in lists.items():
        for statement in facts.statements(kind):
            yield statement, strings(statement.node[field])[-1], None
    for statement in facts.statements("RenameStmt"):
        if statement.node["renameType"] != "OBJECT_POLICY":
            yield statement, statement.node["newname"], None
