"""A function that runs as its owner is locked down.

What: SECURITY DEFINER without SET search_path; in public, one that is no trigger's without a REVOKE
    of EXECUTE FROM PUBLIC below it in the file. ALTER FUNCTION … SECURITY DEFINER.
Why: It passes row-level security. Without a fixed search_path the caller decides which tables and
    functions it meets; and everybody on the internet may call what lies in public, through rpc.
Instead: SECURITY INVOKER, which is the default. Or SET search_path = '', a schema that the Data API
    does not serve, and REVOKE ALL ON FUNCTION … FROM PUBLIC, anon.
When to allow: The function is meant for everybody, and the reason says why it is safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.names import list_name, role_name
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import FileFacts, Workspace
    from schema_sql.names import Name
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "definer-function"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each function that anybody can turn against its owner."""
    facts = workspace.facts(file)
    revoked = _revoked(facts)
    for statement in facts.statements("CreateFunctionStmt"):
        options = _options(statement.node.get("options", []))
        security = options.get("security")
        if security is None or not security["arg"].get("Boolean", {}).get("boolval"):
            continue
        name = list_name(strings(statement.node["funcname"])).qualified()
        setting = options.get("set", {}).get("arg", {}).get("VariableSetStmt", {})
        if setting.get("name") != "search_path":
            yield statement.finding(
                ID,
                f"{name} runs as its owner, on the caller's search_path",
                "add SET search_path = '', and write every name with its schema",
                security,
            )
        returns = strings(statement.node.get("returnType", {}).get("names"))[-1:]
        by_event = returns in (["trigger"], ["event_trigger"])
        if name.schema == "public" and not by_event and revoked.get(name, -1) < statement.start:
            yield statement.finding(
                ID,
                f"everybody may call {name}, which runs as its owner",
                f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC, anon;",
                security,
            )
    for statement in facts.statements("AlterFunctionStmt"):
        for word, option in _options(statement.node.get("actions", [])).items():
            if word == "security" and option["arg"].get("Boolean", {}).get("boolval"):
                message = "this makes the function run as its owner"
                yield statement.finding(ID, message, "say so where it is created", option)


def _options(items: list[Node]) -> dict[str, Node]:
    """The options of a function by name; of SET, the one of search_path before any other."""
    found: dict[str, Node] = {}
    for item in items:
        option = item["DefElem"]
        setting = option.get("arg", {}).get("VariableSetStmt", {})
        if option["defname"] not in found or setting.get("name") == "search_path":
            found[option["defname"]] = option
    return found


def _revoked(facts: FileFacts) -> dict[Name, int]:
    """Where the last REVOKE … FROM PUBLIC of each function stands."""
    found: dict[Name, int] = {}
    for statement in facts.statements("GrantStmt"):
        node = statement.node
        roles = {role_name(item["RoleSpec"]) for item in node.get("grantees", ())}
        if node.get("is_grant") or "PUBLIC" not in roles:
            continue
        for item in node.get("objects", ()):
            if "ObjectWithArgs" in item:
                name = list_name(strings(item["ObjectWithArgs"].get("objname")))
                found[name.qualified()] = statement.start
    return found
