"""Judges what surrounds the tables: says where tenancy does not hold though they are as declared.

Knows Supabase's roles and what makes policies void; must not know SQL's catalogs or the names of
the project's tables.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pglast.parser import ParseError, parse_sql_json

from schema_database.boundary import (
    CONFIGURATION,
    PREDEFINED,
    SERVICE,
    callers_of,
    path_schemas,
    reachable,
    read_path,
    request_roles,
)
from schema_database.findings import Finding, Level
from schema_database.supabase import API_ROLES, AUTHENTICATOR, PLATFORM_LOGINS, is_platform_admin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schema_database.boundary import Boundary, Routine, Setting, SettingRule

_FOR_THE_SERVICE = frozenset({"pg_monitor", "pg_read_all_data", "pg_read_all_stats"})
"""What service_role, which may read all tenants anyhow, gains nothing by."""

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})

_CLAIMS = re.compile(r"request\.jwt\.claims?")

_GOVERNING = re.compile(
    r"request\.(jwt\..+|headers|method|path)|role|session_authorization|row_security"
    r"|session_replication_role"
)
"""Settings that decide who a caller is or which checks there are.

PostgREST sets `request.jwt.claims` and `role` for each request: reference "Transaction-Scoped
Settings".
"""

_OF_POSTGREST = {
    "pgrst.db_anon_role": "anon",
    "pgrst.jwt_aud": None,
    "pgrst.jwt_role_claim_key": ".role",
    "pgrst.jwt_secret": None,
    "pgrst.jwt_secret_is_base64": None,
}
"""Settings of PostgREST that decide which tokens are accepted, with the harmless value.

PostgREST, "In-Database Configuration".
"""


def judge(expected: Boundary, actual: Boundary) -> list[Finding]:
    """Say where tenancy does not hold though the tables are as declared.

    Args:
        expected: of a database that holds the migrations' result, for what policies call.
        actual: of the database in question.

    Returns:
        The findings, in no particular order.
    """
    found = [
        *_roles(actual),
        *_memberships(actual),
        *_owners(actual),
        *_settings(actual),
        *_parameters(actual),
        *_system_privileges(actual),
        *_schemas(actual),
        *_servers(actual),
        *_functions(expected, actual),
        *_relations(actual),
        *_routines(actual),
        *_setting_rules(actual),
    ]
    found += [
        Finding(
            "cast" if each.kind == "cast" else "shadow",
            f"{each.kind} {each.name}",
            f"{each.kind} {each.name} may be taken for PostgreSQL's own {each.original}",
            f"drop it or give it another name or schema, after you know who made it (DROP"
            f" {each.kind.upper()})",
        )
        for each in actual.shadows
    ]
    found += [
        Finding(
            "publication",
            each.name,
            f"publication {each.name} sends rows of {_listed(each.tables)}, of all tenants",
            "nothing, if its subscribers may see all tenants: policies do not apply to it"
            " (Supabase Realtime applies them itself)",
            Level.NOTE,
        )
        for each in actual.publications
    ]
    found += [
        Finding(
            "subscription",
            each.name,
            f"subscription {each.name} writes into {_listed(each.tables)}",
            "nothing, if you trust its publisher with all tenants' rows",
            Level.NOTE,
        )
        for each in actual.subscriptions
    ]
    return found


def _roles(actual: Boundary) -> Iterator[Finding]:
    for name in sorted({*_requests(actual), AUTHENTICATOR}):
        role = actual.roles.get(name)
        if role is None:
            if name in API_ROLES:
                yield Finding(
                    "role-missing",
                    name,
                    f"role {name} is missing",
                    "Supabase creates it in every project: check that this is the database you"
                    " mean",
                )
            continue
        caller = name != AUTHENTICATOR
        service = name == SERVICE
        for has, word, harm in (
            (role.superuser, "SUPERUSER", "nothing is checked for it"),
            (role.bypass_rls and not service, "BYPASSRLS", "no policy applies to it"),
            (role.create_role, "CREATEROLE", "it may make itself a member of other roles"),
            (role.replication, "REPLICATION", "it may read every row of the server"),
            (
                role.login and caller,
                "LOGIN",
                "a login sends SQL of its own and can set any claim",
            ),
        ):
            if has:
                yield Finding(
                    "role-attribute",
                    f"{name} {word}",
                    f"role {name} has {word}: {harm}",
                    f"ALTER ROLE {_quoted(name)} NO{word}",
                )
        if service and not role.bypass_rls:
            yield Finding(
                "role-attribute",
                f"{name} NOBYPASSRLS",
                f"role {name} has no BYPASSRLS: the engine sees no tenant's rows",
                f"ALTER ROLE {name} BYPASSRLS",
            )


def _memberships(actual: Boundary) -> Iterator[Finding]:
    callers = _requests(actual)
    for start in sorted({*callers, AUTHENTICATOR}):
        for target, path in sorted(reachable(actual.memberships, start).items()):
            if start == AUTHENTICATOR and len(path) == 2 and target not in PREDEFINED:
                yield from _becomes(actual, target)
                continue
            if start == AUTHENTICATOR and path[1] in callers:
                continue  # Reported for that caller.
            if any(_harm(actual, start, step) for step in path[1:-1]):
                continue  # Reported for the first of them.
            harm = _harm(actual, start, target)
            if harm:
                yield Finding(
                    "role-membership",
                    f"{start} in {target}",
                    f"role {start} may act as {target}, which {harm} ({' → '.join(path)})",
                    f"REVOKE {_quoted(path[1])} FROM {_quoted(start)}",
                )
    yield from _logins(actual, callers)


def _becomes(actual: Boundary, target: str) -> Iterator[Finding]:
    """Judge a direct membership of authenticator in a caller."""
    inherited = any(
        each.inherit and each.member == AUTHENTICATOR and each.role == target
        for each in actual.memberships
    )
    if inherited:
        yield Finding(
            "role-membership",
            f"{AUTHENTICATOR} inherits {target}",
            f"role {AUTHENTICATOR} has the privileges of {target} before a token was read",
            f"ALTER ROLE {AUTHENTICATOR} NOINHERIT; REVOKE {_quoted(target)} FROM"
            f" {AUTHENTICATOR}; GRANT {_quoted(target)} TO {AUTHENTICATOR}",
        )
    if target in API_ROLES:
        return
    harm = _harm(actual, AUTHENTICATOR, target)
    yield Finding(
        "role-membership",
        f"{AUTHENTICATOR} in {target}",
        f"a token's role may be {target}" + (f", which {harm}" if harm else ""),
        f"REVOKE {_quoted(target)} FROM {AUTHENTICATOR}, if no token of yours has that role",
        Level.DIFFERENCE if harm else Level.NOTE,
    )


def _logins(actual: Boundary, callers: frozenset[str]) -> Iterator[Finding]:
    """Name logins that can set any claim, though nobody may have meant them to."""
    for name, role in sorted(actual.roles.items()):
        if not role.login or role.superuser or name in callers:
            continue
        if name in PLATFORM_LOGINS or is_platform_admin(name):
            continue
        acts = sorted(set(reachable(actual.memberships, name)) & set(API_ROLES))
        owners = {owner for _, owner in actual.owners}
        if acts and name not in owners:
            yield Finding(
                "member",
                name,
                f"login {name} may act as {_listed(acts)}: it sends SQL of its own, and sets any"
                " claim",
                "nothing, if everyone with its password may see all tenants; otherwise REVOKE the"
                " membership",
                Level.NOTE,
            )


def _harm(actual: Boundary, start: str, target: str) -> str | None:
    """Say what becomes of tenancy where one role may act as another; None where nothing does."""
    service = start == SERVICE
    role = actual.roles.get(target)
    owned = [what for what, owner in actual.owners if owner == target]
    if target in PREDEFINED:
        return None if service and target in _FOR_THE_SERVICE else PREDEFINED[target]
    if owned:
        return f"owns {_listed(owned)}"
    if role is not None:
        for has, harm in (
            (role.superuser, "is a superuser"),
            (role.bypass_rls and not service, "no policy applies to"),
            (role.create_role, "may make itself a member of other roles"),
            (role.replication, "may read every row of the server"),
        ):
            if has:
                return harm
    if target in actual.grantees and not (service and target in API_ROLES):
        return "has privileges on our tables"
    return None


def _owners(actual: Boundary) -> Iterator[Finding]:
    callers = {*_requests(actual), AUTHENTICATOR}
    for what, owner in actual.owners:
        if owner in callers:
            yield Finding(
                "owner",
                what,
                f"{what} belongs to {owner}, which requests run as: its owner may change it and"
                " bypasses its policies",
                f"ALTER {what} OWNER TO the role that runs your migrations",
            )
    trusted = {
        *(owner for what, owner in actual.owners if what.startswith(("TABLE", "DATABASE"))),
        *(name for name, role in actual.roles.items() if role.superuser),
    }
    for function in actual.functions:
        owner = function.owner
        # Supabase Auth makes them as supabase_auth_admin; older projects have other owners.
        if owner not in {*trusted, *callers, "postgres"} and not is_platform_admin(owner):
            yield Finding(
                "claim-function",
                f"{function.signature} owner",
                f"function {function.signature} belongs to {owner}, who may make it say anything",
                f"ALTER FUNCTION {function.signature} OWNER TO supabase_auth_admin",
            )


def _settings(actual: Boundary) -> Iterator[Finding]:
    concerned = {None, AUTHENTICATOR, *_callers(actual), *(owner for _, owner in actual.owners)}
    for setting in actual.settings:
        name, value, who = setting.name, setting.value, setting.role or "every role"
        subject = f"{name} for {who} in {setting.place}"
        undo = _reset(setting)
        if _GOVERNING.fullmatch(name) and not _is_default(name, value):
            what = (
                "every session begins with those claims"
                if _CLAIMS.fullmatch(name)
                else "sessions begin as a role, or without checks, that no token asked for"
            )
            # Claims may hold personal data.
            set_ = "set" if name.startswith("request.") else f"set to {value}"
            yield Finding("setting", subject, f"{name} is {set_} for {who}: {what}", undo)
        elif name in _OF_POSTGREST and value != _OF_POSTGREST[name]:
            yield Finding(
                "setting",
                subject,
                f"{name} is set for {who}: the database, not your project's settings, decides"
                " which tokens are accepted",
                undo,
            )
        elif name in {"pgrst.db_pre_request", "pgrst.db_pre_config"}:
            yield Finding(
                "setting",
                subject,
                f"{name} is {value} for {who}: this function runs before requests and may set"
                " claims",
                f"nothing, if it is yours; otherwise {undo}",
                Level.NOTE,
            )
        elif name == "search_path" and setting.role in concerned:
            path = read_path(value)
            if "pg_catalog" in path[1:]:
                yield Finding(
                    "setting",
                    subject,
                    f"search_path is {value} for {who}: what stands before pg_catalog hides"
                    " PostgreSQL's own operators and functions",
                    f"take pg_catalog out of it, or put it first; or {undo}",
                )


def _is_default(name: str, value: str) -> bool:
    return (name, value.lower()) in {
        ("role", "none"),
        ("row_security", "on"),
        ("session_replication_role", "origin"),
    } or (name.startswith("request.") and not value)


def _reset(setting: Setting) -> str:
    if setting.place == CONFIGURATION:
        return f"take {setting.name} out of postgresql.conf, or ALTER SYSTEM RESET {setting.name}"
    here = setting.place == "this database"
    if setting.role is None:
        where = "DATABASE this_database" if here else "ROLE ALL"
    else:
        where = f"ROLE {_quoted(setting.role)}" + (" IN DATABASE this_database" if here else "")
    return f'ALTER {where} RESET "{setting.name}"'


def _parameters(actual: Boundary) -> Iterator[Finding]:
    callers = {*_callers(actual), AUTHENTICATOR, "PUBLIC"}
    for each in actual.parameters:
        if each.grantee in callers:
            yield Finding(
                "parameter-privilege",
                f"{each.privilege} {each.parameter} to {each.grantee}",
                f"{each.grantee} may {each.privilege} the parameter {each.parameter}, which is"
                " for administrators",
                f"REVOKE {each.privilege} ON PARAMETER {each.parameter} FROM"
                f" {_quoted(each.grantee) if each.grantee != 'PUBLIC' else 'PUBLIC'}",
            )


def _system_privileges(actual: Boundary) -> Iterator[Finding]:
    for each in actual.system_privileges:
        yield Finding(
            "system-privilege",
            f"{each.privilege} {each.name} to {each.grantee}",
            f"{each.grantee} has {each.privilege} on {each.name}, which PostgreSQL keeps from it",
            f"REVOKE {each.privilege} ON {each.kind} {each.name} FROM"
            f" {each.grantee if each.grantee == 'PUBLIC' else _quoted(each.grantee)}",
        )


def _schemas(actual: Boundary) -> Iterator[Finding]:
    # A superuser may do anything, which is reported for the role itself.
    callers = {
        name
        for name in _callers(actual)
        if name in actual.roles and not actual.roles[name].superuser
    }
    owners = {owner for _, owner in actual.owners}
    called = {function.schema for function in actual.functions}
    looked_up = path_schemas(actual.settings, callers | owners)
    for schema in actual.schemas:
        needed = set(API_ROLES) if schema.name in actual.table_schemas else set()
        if schema.name in called:
            needed |= {"authenticated"}
        for role in sorted((needed & callers) - schema.usage):
            yield Finding(
                "usage-missing",
                f"{schema.name} {role}",
                f"role {role} may not use schema {schema.name}: its requests fail with 42501",
                f"GRANT USAGE ON SCHEMA {_quoted(schema.name)} TO {role}",
            )
        if schema.name in looked_up | called | actual.table_schemas:
            for role in sorted(schema.create & callers):
                yield Finding(
                    "schema-create",
                    f"{schema.name} {role}",
                    f"role {role} may create objects in schema {schema.name}, where others look"
                    " up names",
                    f"REVOKE CREATE ON SCHEMA {_quoted(schema.name)} FROM PUBLIC, {_quoted(role)}",
                )

    for role in sorted(actual.database_create & callers):
        yield Finding(
            "schema-create",
            f"DATABASE {role}",
            f"role {role} may create schemas, one with the name of another role among them, whose"
            " names are found first",
            f"REVOKE CREATE ON DATABASE this_database FROM PUBLIC, {_quoted(role)}",
        )


def _servers(actual: Boundary) -> Iterator[Finding]:
    for name, users in actual.servers:
        yield Finding(
            "foreign-server",
            name,
            f"{_listed(sorted(users))} may use the foreign server {name}, where no policy of this"
            " database applies",
            f"REVOKE USAGE ON FOREIGN SERVER {name} FROM PUBLIC, anon, authenticated, service_role",
        )


def _functions(expected: Boundary, actual: Boundary) -> Iterator[Finding]:
    found = {function.signature: function for function in actual.functions}
    for want in expected.functions:
        have = found.get(want.signature)
        subject = want.signature
        if have is None:
            yield Finding(
                "claim-function",
                subject,
                f"function {subject}, which policies call, is missing",
                "Supabase provides it in every project: check that this is the database you mean",
            )
            continue
        for word in sorted(want.attributes.keys() | have.attributes.keys()):
            is_, should = have.attributes.get(word), want.attributes.get(word)
            if is_ != should:
                yield Finding(
                    "claim-function",
                    f"{subject} {word}",
                    f"function {subject}: {word} is {is_ or 'absent'}, the platform's is"
                    f" {should or 'absent'}",
                    "restore the platform's function: every policy believes what it says",
                )
        if not same_body(want.body, have.body):
            yield Finding(
                "claim-function",
                f"{subject} body",
                f"function {subject} has another body than the platform's: {_shortened(have.body)}",
                "restore the platform's body: every policy believes what it says",
            )
        # Policies are TO authenticated; nobody else evaluates them.
        if "authenticated" in actual.roles and "authenticated" not in have.execute:
            yield Finding(
                "execute-missing",
                f"{subject} authenticated",
                f"role authenticated may not execute {subject}: its requests fail with 42501",
                f"GRANT EXECUTE ON FUNCTION {subject} TO authenticated",
            )


def same_body(one: str, other: str) -> bool:
    """Tell whether two function bodies are the same but for white space, case and comments.

    SQL is compared as PostgreSQL parses it; what is no SQL, as words.
    """
    try:
        return bool(_tree(one) == _tree(other))
    except (ParseError, RecursionError):
        return one.split() == other.split()


def _tree(sql: str) -> Any:
    return _without_places(json.loads(parse_sql_json(sql)))


def _without_places(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_places(value)
            for key, value in node.items()
            if not key.endswith(("location", "stmt_len", "list_start", "list_end"))
        }
    return [_without_places(each) for each in node] if isinstance(node, list) else node


_RELATION_CHECKS = {
    "view": "definer-view",
    "materialized view": "materialized-view",
    "foreign table": "foreign-table",
    "rule": "rule",
}


def _relations(actual: Boundary) -> Iterator[Finding]:
    for each in actual.relations:
        if each.invoker:
            continue
        used = sorted(
            f"{role} may {_listed(sorted(kept))}"
            for role, held in each.privileges.items()
            # service_role may read all tenants; what it may not is change history.
            if (kept := held & _WRITES if role == SERVICE or each.kind == "rule" else held)
        )
        check, reaches = _RELATION_CHECKS[each.kind], _listed(each.reaches)
        grants = "; ".join(used) if used else "no API role may use it"
        owner = each.owner
        if each.kind == "foreign table":
            if used:
                yield Finding(
                    check,
                    each.name,
                    f"foreign table {each.name} has its rows from server {each.server}, where no"
                    f" policy of this database applies ({grants})",
                    "REVOKE ALL ON it FROM anon, authenticated, service_role, or move it to a"
                    " schema that they may not use",
                )
            continue
        if each.kind == "view":
            fact = f"reaches {reaches} with the rights of {owner}, past the policies of its caller"
            remedy = (
                f"ALTER VIEW {each.name} SET (security_invoker = true), or revoke what callers have"
                " on it"
            )
        elif each.kind == "materialized view":
            fact = f"has copies of rows of {reaches}, which no policy protects"
            remedy = f"REVOKE ALL ON {each.name} FROM PUBLIC, anon, authenticated, service_role"
        else:
            fact = f"has a rule that reaches {reaches} with the rights of {owner}"
            remedy = "drop the rule, or revoke what callers have on what it belongs to"
        word = "relation" if each.kind == "rule" else each.kind
        fact = f"{word} {each.name} {fact} ({grants})"
        yield Finding(check, each.name, fact, remedy, Level.DIFFERENCE if used else Level.NOTE)


def _routines(actual: Boundary) -> Iterator[Finding]:
    platform: list[str] = []
    triggers: list[str] = []
    for each in actual.routines:
        subject = each.signature
        own = _is_platforms_own(each, actual)
        may = f"{_listed(sorted(each.execute))} may execute it"
        governing = sorted(
            name
            for name in (setting.partition("=")[0] for setting in each.settings)
            if _GOVERNING.fullmatch(name)
        )
        if each.trigger is None and (governing or each.sets_caller) and not own:
            what = _listed(governing) if governing else "the role or the claims, by its text,"
            yield Finding(
                "function-setting",
                subject,
                f"function {subject} sets {what} for what it runs ({may})",
                "take that out of it, or REVOKE EXECUTE on it FROM PUBLIC, anon, authenticated",
            )
        # It may read and write all tenants anyhow; only history is closed to it.
        level = Level.NOTE if each.execute == {SERVICE} else Level.DIFFERENCE
        harmless = not each.definer and each.trusted
        if each.dynamic and each.trigger is None and not own and (harmless or each.readable):
            yield Finding(
                "dynamic-sql",
                subject,
                f"function {subject} runs SQL, or sets settings, that it makes itself ({may}): a"
                " caller who can send SQL can set any claim",
                "REVOKE EXECUTE on it FROM PUBLIC, anon, authenticated; accept it if no caller's"
                " text becomes part of that SQL",
                level,
            )
        if harmless:
            continue
        revoke = (
            "make it SECURITY INVOKER, or REVOKE EXECUTE on it FROM PUBLIC, anon, authenticated;"
            " accept it if it asks for the tenant itself"
        )
        if each.trigger is not None:
            if each.names:
                yield Finding(
                    "definer-trigger",
                    each.trigger,
                    f"trigger {each.trigger} runs {subject} with the rights of {each.owner} when"
                    f" {_listed(sorted(each.execute))} write there, and its text names"
                    f" {_listed(each.names)}",
                    f"ALTER FUNCTION {subject} SECURITY INVOKER; accept it if it keeps tenants"
                    " apart itself",
                )
            elif not own:
                triggers.append(each.trigger)
        elif each.reaches:
            yield Finding(
                "definer-function",
                subject,
                f"function {subject} reaches {_listed(each.reaches)} with the rights of"
                f" {each.owner} ({may})",
                revoke,
                level,
            )
        elif each.readable:
            continue
        elif own and not each.names:
            if each.definer:
                platform.append(subject)
        else:
            named = f", names {_listed(each.names)}," if each.names else ""
            rights = each.owner if each.definer else "the server itself"
            yield Finding(
                "unread-function",
                subject,
                f"function {subject} runs with the rights of {rights}{named} and its"
                f" {each.language} body does not show what it reaches ({may})",
                revoke,
                level,
            )
    if platform:
        yield Finding(
            "platform-functions",
            "SECURITY DEFINER",
            f"{len(platform)} SECURITY DEFINER functions of the platform and of extensions were"
            " not looked into",
            "nothing, if you trust Supabase and your extensions with all tenants' rows",
            Level.NOTE,
        )
    if triggers:
        yield Finding(
            "unread-triggers",
            "SECURITY DEFINER",
            f"SECURITY DEFINER triggers on other tables were not looked into: {_listed(triggers)}",
            "read them, if you do not know what they write; none has our tables' names in it",
            Level.NOTE,
        )


def _setting_rules(actual: Boundary) -> Iterator[Finding]:
    for each in actual.setting_rules:
        if not _is_platforms_own(each, actual):
            what = "view" if each.kind == "view" else "a rule on"
            yield Finding(
                "view-setting",
                each.name,
                f"{what} {each.name} sets the role or the claims, or a setting whose name it"
                f" computes ({_listed(sorted(each.users))} may use it)",
                "take set_config out of it, or revoke what callers have on it",
            )


def _is_platforms_own(routine: Routine | SettingRule, actual: Boundary) -> bool:
    if routine.of_extension:
        return True
    return is_platform_admin(routine.owner) and routine.schema not in actual.table_schemas | {
        "public"
    }


def _quoted(name: str) -> str:
    """Return a name as it can be written in SQL."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words)) or "nothing"


def _shortened(text: str, length: int = 200) -> str:
    words = " ".join(text.split())
    return words if len(words) <= length else f"{words[: length - 1]}…"


def _requests(boundary: Boundary) -> frozenset[str]:
    return request_roles(boundary.roles, boundary.memberships)


def _callers(boundary: Boundary) -> frozenset[str]:
    return callers_of(boundary.roles, boundary.memberships)
