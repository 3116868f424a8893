"""Operators on row-level security, policies and privileges: every way to let one caller in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofs.gates_mutation import change
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proofs.gates_mutation import Mutation
    from proofs.gates_text import Code

_CLAIM = "((SELECT auth.jwt()) ->> 'app_code')"

# What may stand where the tenant's claim stood, and what it is.
_OTHER_CLAIMS = {
    "user_metadata": "app_code = ((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')",
    "app_metadata": "app_code = ((SELECT auth.jwt()) -> 'app_metadata' ->> 'app_code')",
    "sub": "app_code = ((SELECT auth.jwt()) ->> 'sub')",
    "bare claim": "app_code = (auth.jwt() ->> 'app_code')",
    "claim inside the subquery": "app_code = (SELECT auth.jwt() ->> 'app_code')",
    "JSON instead of text": "to_jsonb(app_code) = ((SELECT auth.jwt()) -> 'app_code')",
    "claims setting": (
        "app_code = (current_setting('request.jwt.claims', TRUE)::JSONB ->> 'app_code')"
    ),
    "session setting": "app_code = current_setting('app.app_code', TRUE)",
    "itself": "app_code = app_code",
    "NOT NULL": "app_code IS NOT NULL",
    "any claim": f"{_CLAIM} IS NOT NULL",
    "either claim": f"app_code = {_CLAIM} OR app_code = ((SELECT auth.jwt()) ->> 'sub')",
    "fallback to the row": f"app_code = coalesce({_CLAIM}, app_code)",
    "case": f"lower(app_code) = lower({_CLAIM})",
    "prefix": f"app_code LIKE {_CLAIM} || '%'",
    "inequality": f"app_code <> {_CLAIM}",
    "order": f"app_code >= {_CLAIM}",
    "NULL is a tenant": f"app_code IS NOT DISTINCT FROM {_CLAIM}",
    "NULL is everybody's": f"app_code IS NULL OR app_code = {_CLAIM}",
    "other column": f"id::TEXT = {_CLAIM}",
    "role instead": "current_user = 'authenticated'",
    "signed in": "auth.role() = 'authenticated'",
    "a subquery": "EXISTS (SELECT 1 FROM public.applications)",
}


def policy_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a CREATE POLICY.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    node = code.statement.node
    name = node["policy_name"]
    yield change("statement: drop CREATE POLICY", name, code.remove())
    yield change("policy: rename", name, code.put(2, 3, f'"{name}_x"'))
    table = code.at(node["table"])
    yield change("name: drop the schema", name, code.cut(table, table + 2))
    others = ("workflow_definitions", "instance_tasks", "applications")
    for other in others:
        if other != node["table"]["relname"]:
            place = code.put(table + 2, table + 3, other)
            yield change("policy: other table", f"{name}: {other}", place)
    yield from _kind_mutations(code, name)
    yield from _command_mutations(code, name)
    roles = code.find("TO")
    yield change("policy: drop TO", name, code.cut(roles, roles + 2))
    for other in ("PUBLIC", "anon", "service_role", "authenticated, anon", "CURRENT_USER"):
        put = code.put(roles + 1, roles + 2, other)
        yield change("policy: other roles", f"{name}: {other}", put)
    if "qual" in node:
        yield from _expression_mutations(code, name, "USING")
    if "with_check" in node:
        yield from _expression_mutations(code, name, "WITH CHECK")


def _kind_mutations(code: Code, name: str) -> Iterator[Mutation]:
    if code.has("AS RESTRICTIVE"):
        at = code.find("AS RESTRICTIVE")
        yield change("policy: drop AS RESTRICTIVE", name, code.cut(at, at + 2))
        permissive = code.put(at + 1, at + 2, "PERMISSIVE")
        yield change("policy: PERMISSIVE instead of RESTRICTIVE", name, permissive)
    else:
        at = code.find("FOR")
        restrictive = code.insert(at, "AS RESTRICTIVE")
        yield change("policy: RESTRICTIVE instead of PERMISSIVE", name, restrictive)


def _command_mutations(code: Code, name: str) -> Iterator[Mutation]:
    at = code.find("FOR")
    yield change("policy: drop FOR", name, code.cut(at, at + 2))
    for command in ("ALL", "SELECT", "INSERT", "UPDATE", "DELETE"):
        if command != code.tokens[at + 1].text:
            fact = f"{name}: {command}"
            yield change("policy: other command", fact, code.put(at + 1, at + 2, command))


def _expression_mutations(code: Code, name: str, clause: str) -> Iterator[Mutation]:
    at = code.find(clause)
    opening = at + len(clause.split())
    closing = code.closing(opening)
    inner = (opening + 1, closing)
    old = code.text(*inner)
    fact = f"{name}: {clause}"
    yield change(f"policy: drop {clause}", name, code.cut(at, closing + 1))
    for word in ("TRUE", "FALSE", "NULL"):
        yield change("policy: a constant", f"{fact} {word}", code.put(*inner, word))
    yield change("policy: OR TRUE", fact, code.put(*inner, f"({old}) OR TRUE"))
    yield change("policy: AND FALSE", fact, code.put(*inner, f"({old}) AND FALSE"))
    yield change("policy: NOT", fact, code.put(*inner, f"NOT ({old})"))
    # Rows of these two never retire, so they have no is_active.
    never = code.statement.node["table"]["relname"] in {"instance_context", "workflow_history"}
    active = "created_at IS NOT NULL" if never else "is_active"
    yield change("policy: OR a column", fact, code.put(*inner, f"({old}) OR {active}"))
    metadata = f"({old}) OR {_OTHER_CLAIMS['user_metadata']}"
    yield change("policy: OR another claim", fact, code.put(*inner, metadata))
    for what, other in _OTHER_CLAIMS.items():
        yield change(f"policy: condition: {what}", fact, code.put(*inner, other))
    yield from _parts_of_expression(code, fact, opening, closing)
    yield from _columns_of_expression(code, fact)


def _parts_of_expression(code: Code, fact: str, opening: int, closing: int) -> Iterator[Mutation]:
    """Change single words of a condition: operators, constants, clauses."""
    for index in range(opening + 1, closing):
        place = (index, index + 1)
        match code.tokens[index].text:
            case "OR":
                yield change("policy: AND instead of OR", fact, code.put(*place, "AND"))
                left, right = code.cut(opening + 1, index + 1), code.cut(index, closing)
                yield change("policy: drop one side of OR", f"{fact}: left", left)
                yield change("policy: drop one side of OR", f"{fact}: right", right)
            case "NULL":
                yield change("policy: = NULL", fact, code.put(index - 1, index + 1, "= NULL"))
                yield change("policy: IS NOT NULL", fact, code.put(*place, "NOT NULL"))
            case "=":
                for other in ("<>", ">=", "LIKE"):
                    put = code.put(*place, other)
                    yield change("policy: other operator", f"{fact} {other}", put)
            case "->>":
                yield change("policy: other operator", f"{fact} ->", code.put(*place, "->"))
            case "'app_code'":
                yield change("policy: other claim name", fact, code.put(*place, "'APP_CODE'"))
            case "EXISTS":
                yield change("policy: NOT EXISTS", fact, code.put(*place, "NOT EXISTS"))
            case "WHERE":
                end = _end_of_subquery(code, index)
                yield change("policy: drop WHERE", fact, code.cut(index, end))
                yield change("policy: WHERE OR TRUE", fact, code.insert(end, "OR TRUE"))
                is_shared = "AND function_registry.app_code IS NULL"
                yield change("policy: narrow WHERE", fact, code.insert(end, is_shared))
            case "FOR":
                yield change("policy: drop FOR KEY SHARE", fact, code.cut(index, index + 3))


def _end_of_subquery(code: Code, where: int) -> int:
    """Where the condition of a subquery ends: at its lock, or at its parenthesis."""
    depth = 0
    for index in range(where, len(code.tokens)):
        word = code.tokens[index].text
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and word == "FOR"):
            return index
    raise LookupError("the subquery does not end")


def _columns_of_expression(code: Code, fact: str) -> Iterator[Mutation]:
    """Change the columns that a condition compares with each other, and the table it looks into."""
    where = code.statement.node.get("with_check" if "CHECK" in fact else "qual")
    for kind, node in walk(where):
        fields = strings(node.get("fields")) if kind == "ColumnRef" else []
        if len(fields) == 2:
            at = code.at(node)
            plain = f"{fact}: {'.'.join(fields)}"
            yield change("policy: drop a qualifier", plain, code.cut(at, at + 2))
            other = "instance_tasks" if fields[0] == "function_registry" else "function_registry"
            yield change("policy: compare with itself", plain, code.put(at, at + 1, other))
            column = code.put(at + 2, at + 3, "app_code")
            yield change("policy: other column", plain, column)
        if kind == "RangeVar":
            at = code.at(node)
            yield change("name: drop the schema", fact, code.cut(at, at + 2))


_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def grant_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a GRANT or REVOKE.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    is_grant = code.statement.node.get("is_grant", False)
    word = "GRANT" if is_grant else "REVOKE"
    table = code.statement.node["objects"][0]["RangeVar"]
    yield change(f"statement: drop {word}", table["relname"], code.remove())
    on = code.find("ON")
    at = code.at(table)
    yield change("name: drop the schema", word, code.cut(at, at + 2))
    for other in ("workflow_definitions", "workflow_history", "function_registry"):
        if other != table["relname"]:
            fact = f"{word}: {other}"
            yield change("privileges: other table", fact, code.put(at + 2, at + 3, other))
    to = code.find("TO" if is_grant else "FROM")
    end = len(code.tokens) if is_grant else code.find("CASCADE")
    roles = [(first, min(last, end)) for first, last in code.items(to + 1)]
    for place in roles:
        fact = f"{word}: {code.text(*place)}"
        yield change(f"privileges: drop a role from {word}", fact, code.cut_item(*place))
    if is_grant:
        yield from _granted_mutations(code, on, roles)
    else:
        yield from _revoked_mutations(code, on)


def _granted_mutations(code: Code, on: int, roles: list[tuple[int, int]]) -> Iterator[Mutation]:
    granted = code.items(1, on)
    held = [code.text(*place) for place in granted]
    for place in granted:
        fact = code.text(*place)
        yield change("privileges: drop one from GRANT", fact, code.cut_item(*place))
    for privilege in _PRIVILEGES:
        if privilege not in held:
            wider = code.insert(on, f", {privilege}")
            yield change("privileges: add one to GRANT", privilege, wider)
    yield change("privileges: GRANT ALL", "ALL", code.put(1, on, "ALL"))
    by_column = code.put(1, 2, "SELECT (id)")
    yield change("privileges: a column instead of the table", "SELECT (id)", by_column)
    for role in ("anon", "PUBLIC", "authenticator", "CURRENT_USER"):
        wider = code.insert(roles[-1][1], f", {role}")
        yield change("privileges: add a role to GRANT", role, wider)
    for place in roles:
        fact = f"{code.text(*place)} to anon"
        yield change("privileges: other role in GRANT", fact, code.put(*place, "anon"))
    option = code.insert(len(code.tokens), "WITH GRANT OPTION")
    yield change("privileges: WITH GRANT OPTION", "GRANT", option)


def _revoked_mutations(code: Code, on: int) -> Iterator[Mutation]:
    for privilege in ("TRUNCATE", "INSERT, UPDATE, DELETE"):
        narrower = code.put(1, on, privilege)
        yield change("privileges: REVOKE less", privilege, narrower)
    option = code.insert(1, "GRANT OPTION FOR")
    yield change("privileges: REVOKE GRANT OPTION only", "REVOKE", option)
    cascade = code.find("CASCADE")
    yield change(
        "privileges: REVOKE RESTRICT", "REVOKE", code.put(cascade, cascade + 1, "RESTRICT")
    )
    yield change("privileges: REVOKE without CASCADE", "REVOKE", code.cut(cascade, cascade + 1))


def row_security_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate ALTER TABLE … ENABLE ROW LEVEL SECURITY.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    if not code.has("ENABLE"):
        # What a later migration adds to a table.
        return
    table = code.statement.node["relation"]
    name = table["relname"]
    yield change("statement: drop ENABLE ROW LEVEL SECURITY", name, code.remove())
    at = code.find("ENABLE")
    for word in ("DISABLE", "FORCE", "NO FORCE"):
        fact = f"{name}: {word}"
        yield change("row security: other switch", fact, code.put(at, at + 1, word))
    place = code.at(table)
    yield change("name: drop the schema", "row security", code.cut(place, place + 2))
    for other in ("applications", "workflow_definitions", "instance_tasks"):
        if other != name:
            put = code.put(place + 2, place + 3, other)
            yield change("row security: other table", f"{name}: {other}", put)
    for word in ("DISABLE", "FORCE"):
        more = code.follow(f"ALTER TABLE public.{name} {word} ROW LEVEL SECURITY")
        yield change("row security: a second switch", f"{name}: {word}", more)
    if_exists = code.insert(place, "IF EXISTS")
    yield change("row security: IF EXISTS", name, if_exists)
