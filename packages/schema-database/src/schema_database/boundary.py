"""What row-level security presumes outside of the tables that it protects, as plain values.

Knows what a role, a setting or a function is to it; must not know how they are read, nor which of
them are right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema_database.supabase import API_ROLES, AUTHENTICATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREDEFINED = {
    "pg_create_subscription": "writes into any of its tables by a subscription",
    "pg_execute_server_program": "runs programs on the server",
    "pg_monitor": "reads other sessions' statements, and the values in them",
    "pg_read_all_data": "reads every table",
    "pg_read_all_stats": "reads other sessions' statements, and the values in them",
    "pg_read_server_files": "reads the server's files",
    "pg_write_all_data": "writes every table",
    "pg_write_server_files": "writes the server's files",
}
"""PostgreSQL's own roles that pass over privileges or see what others do, and what each may do.

PostgreSQL documentation, "Predefined Roles"; 15 to 18.
"""


SERVICE = "service_role"
"""The role that may see all tenants, and bypasses policies, not privileges."""

CONFIGURATION = "postgresql.conf"
"""The place of a setting that comes from the server's own files."""


@dataclass(frozen=True)
class Role:
    """A role's attributes, as in pg_roles."""

    name: str
    superuser: bool
    bypass_rls: bool
    create_role: bool
    replication: bool
    login: bool


@dataclass(frozen=True)
class Membership:
    """One role's membership in another.

    Attributes:
        role: the group.
        member: who belongs to it.
        inherit: its privileges are the member's.
        set: the member may SET ROLE to it.
        admin: the member may grant it, to itself as well.
    """

    role: str
    member: str
    inherit: bool
    set: bool
    admin: bool


@dataclass(frozen=True)
class Setting:
    """A setting that sessions begin with.

    Attributes:
        name: its name.
        value: its value.
        role: the role it is for; None for every role.
        place: `this database`, `every database` or CONFIGURATION.
    """

    name: str
    value: str
    role: str | None
    place: str


@dataclass(frozen=True)
class ParameterPrivilege:
    """A privilege on a parameter of the server; `grantee` is PUBLIC or a role."""

    parameter: str
    privilege: str
    grantee: str


@dataclass(frozen=True)
class SystemPrivilege:
    """A privilege on one of PostgreSQL's own objects that PostgreSQL does not give.

    Attributes:
        kind: `TABLE` or `FUNCTION`.
        name: the object, qualified.
        privilege: such as `EXECUTE`.
        grantee: PUBLIC or an API role.
    """

    kind: str
    name: str
    privilege: str
    grantee: str


@dataclass(frozen=True)
class Schema:
    """A schema.

    Attributes:
        name: its name, unquoted.
        usage: the API roles that may use it.
        create: those that may create objects in it.
    """

    name: str
    usage: frozenset[str]
    create: frozenset[str]


@dataclass(frozen=True)
class Function:
    """A function that policies call.

    Attributes:
        signature: its name and argument types, qualified.
        schema: its schema's name, unquoted.
        owner: who may replace it.
        body: its text.
        attributes: language, volatility, security and so on, in the words of a report.
        execute: the API roles that may execute it.
    """

    signature: str
    schema: str
    owner: str
    body: str
    attributes: Mapping[str, str]
    execute: frozenset[str]


@dataclass(frozen=True)
class Relation:
    """A relation that callers may use, or that reaches our tables.

    Attributes:
        kind: `view`, `materialized view`, `foreign table`, or `rule`: a table or view that has a
            rule of its own.
        name: qualified.
        owner: whose rights it reads and writes with.
        reaches: our tables that it reaches, qualified.
        invoker: whether it uses its caller's rights.
        privileges: by API role, the privileges on rows that it has on this.
        server: the foreign server; None for the others.
    """

    kind: str
    name: str
    owner: str
    reaches: tuple[str, ...]
    invoker: bool
    privileges: Mapping[str, frozenset[str]]
    server: str | None = None


@dataclass(frozen=True)
class Routine:
    """A function that callers may call, directly or by a trigger.

    Attributes:
        signature: qualified.
        schema: its schema's name, unquoted.
        owner: whose rights a SECURITY DEFINER function has.
        language: what its body is written in.
        trusted: whether its language keeps to PostgreSQL's privileges.
        definer: whether it is SECURITY DEFINER.
        readable: whether PostgreSQL itself knows what its body refers to.
        sets_caller: whether its text sets the role or the claims.
        dynamic: whether its text runs SQL, or sets settings, that it makes itself.
        of_extension: whether an extension owns it.
        reaches: our tables that it reaches, by what PostgreSQL knows.
        names: our tables whose names stand in its text.
        settings: what it sets while it runs, as `name=value`.
        execute: the API roles that may execute it.
        trigger: the trigger that calls it, as `name on table`; None where callers do.
    """

    signature: str
    schema: str
    owner: str
    language: str
    trusted: bool
    definer: bool
    readable: bool
    sets_caller: bool
    dynamic: bool
    of_extension: bool
    reaches: tuple[str, ...]
    names: tuple[str, ...]
    settings: tuple[str, ...]
    execute: frozenset[str]
    trigger: str | None = None


@dataclass(frozen=True)
class SettingRule:
    """A view, or a rule on another relation, that sets the role, the claims or it knows not what.

    Attributes:
        name: of the view or of the relation that has the rule, qualified.
        schema: its schema's name, unquoted.
        owner: the relation's.
        kind: `view` or `rule`.
        of_extension: whether an extension owns it.
        users: the API roles that may make it run.
    """

    name: str
    schema: str
    owner: str
    kind: str
    of_extension: bool
    users: frozenset[str]


@dataclass(frozen=True)
class Shadow:
    """An object that may be found in the place of one of PostgreSQL's own."""

    kind: str
    name: str
    original: str


@dataclass(frozen=True)
class Channel:
    """A publication or a subscription of our tables."""

    name: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Boundary:
    """What was read of a database, at one moment.

    Attributes:
        roles: every role.
        memberships: every membership, that of the database's owner in pg_database_owner included.
        settings: of the server, this database and its roles.
        parameters: privileges on parameters.
        system_privileges: those of callers on PostgreSQL's own objects.
        owners: the tables, what holds them and what their policies call, each with its owner.
        grantees: roles that hold a privilege on our tables.
        table_schemas: the schemas of our tables.
        schemas: all but PostgreSQL's own.
        database_create: the API roles that may create schemas.
        servers: foreign servers that API roles may use, each with these.
        functions: what policies call.
        relations: views, rules and foreign tables.
        routines: functions with more than their caller's rights.
        shadows: what hides PostgreSQL's own objects.
        publications: those that have our tables.
        subscriptions: those that write into our tables.
    """

    roles: Mapping[str, Role]
    memberships: tuple[Membership, ...]
    settings: tuple[Setting, ...]
    parameters: tuple[ParameterPrivilege, ...]
    system_privileges: tuple[SystemPrivilege, ...]
    owners: tuple[tuple[str, str], ...]
    grantees: frozenset[str]
    table_schemas: frozenset[str]
    schemas: tuple[Schema, ...]
    database_create: frozenset[str]
    servers: tuple[tuple[str, frozenset[str]], ...]
    functions: tuple[Function, ...]
    relations: tuple[Relation, ...]
    routines: tuple[Routine, ...]
    shadows: tuple[Shadow, ...]
    publications: tuple[Channel, ...]
    subscriptions: tuple[Channel, ...]
    setting_rules: tuple[SettingRule, ...] = ()


def request_roles(roles: Mapping[str, Role], memberships: Iterable[Membership]) -> frozenset[str]:
    """Return the roles that requests run as: the API's, and others that authenticator may become.

    A token's claim `role` may name any role that authenticator is a member of. A role that
    policies do not bind is left out: that authenticator may become it is a finding by itself.

    Args:
        roles: every role.
        memberships: every membership.
    """
    named = {each.role for each in memberships if each.member == AUTHENTICATOR and each.set}
    return frozenset({*API_ROLES, *(name for name in named if _is_plain(name, roles.get(name)))})


def callers_of(roles: Mapping[str, Role], memberships: Iterable[Membership]) -> frozenset[str]:
    """Return the roles of requests, and what these may become on top: whose privileges count.

    Args:
        roles: every role.
        memberships: every membership.
    """
    known = tuple(memberships)
    found = set(request_roles(roles, known))
    for start in sorted(found - {SERVICE}):
        for name, path in reachable(known, start).items():
            # Behind a role that policies do not bind, nothing more can be lost.
            if all(_is_plain(step, roles.get(step)) for step in path[1:]):
                found.add(name)
    return frozenset(found)


def reachable(memberships: Iterable[Membership], start: str) -> dict[str, tuple[str, ...]]:
    """Return every role that one may act as, each with the shortest way to it.

    Args:
        memberships: every membership.
        start: the role, which is not among the result.
    """
    groups: dict[str, list[str]] = {}
    for each in memberships:
        if each.inherit or each.set or each.admin:
            groups.setdefault(each.member, []).append(each.role)
    found: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = [start]
    for name in queue:
        for group in sorted(groups.get(name, ())):
            if group not in found:
                found[group] = (*found[name], group)
                queue.append(group)
    del found[start]
    return found


def _is_plain(name: str, role: Role | None) -> bool:
    powers = role and (
        role.superuser or role.bypass_rls or role.create_role or role.replication or role.login
    )
    # PostgreSQL keeps names that begin with pg_ for its own.
    return role is not None and not powers and not name.startswith("pg_")


def path_schemas(settings: Iterable[Setting], roles: Iterable[str]) -> frozenset[str]:
    """Return the schemas that sessions of some roles look names up in, besides pg_catalog.

    Args:
        settings: those of the server, the database and its roles.
        roles: whose sessions.
    """
    names = set(roles)
    # What holds without a setting, and what Supabase's Data API adds.
    found = {"public", "extensions", *names}
    for setting in settings:
        if setting.role is not None and setting.role not in {*names, AUTHENTICATOR}:
            continue
        if setting.name in {"search_path", "pgrst.db_schemas", "pgrst.db_extra_search_path"}:
            found.update(read_path(setting.value))
    return frozenset(found - {"$user", "pg_catalog", "pg_temp"})


def read_path(value: str) -> list[str]:
    """Return the schemas of a search path, as PostgreSQL splits it."""
    found = re.findall(r'"((?:[^"]|"")*)"|([^",\s]+)', value)
    # An empty path is kept as "".
    names = (quoted.replace('""', '"') or plain.lower() for quoted, plain in found)
    return [name for name in names if name]
