"""What tenants, strangers and the engine may do and may not, one small scene for each.

Each scene names the sabotages under which it must fail: a test of row-level security that cannot
fail proves nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from database.callers import Caller
from database.sabotage import Sabotage
from database.tenants import (
    NOTE,
    PARENTS,
    SHARED,
    TABLES,
    A,
    B,
    function_of,
    insert,
    insert_new,
    row_id,
)
from spec.specification import TABLES as SPECIFIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg import Connection

    from database.callers import Outcome

DENIED = "42501"
NO_PARENT = "23503"
UNKNOWN = "00000000-0000-4000-8000-00000000dead"

HISTORY = "workflow_history"
REGISTRY = "function_registry"
CHANGEABLE = tuple(table for table in TABLES if table != HISTORY)

OFF = Sabotage.ROW_SECURITY_OFF
TRUE = Sabotage.POLICIES_TRUE
NONE = Sabotage.NO_POLICIES
UNRESTRICTED = Sabotage.NO_RESTRICTIVE_POLICIES
ALL = Sabotage.GRANTED_TO_ALL
NOBODY = Sabotage.GRANTED_TO_NONE
FORGOT = Sabotage.NO_SET_ROLE


@dataclass(frozen=True)
class World:
    """A database with two tenants in a transaction that is rolled back after the scene.

    Attributes:
        connection: the owner's, inside that transaction.
        acting: whether callers act as their role; False is Sabotage.NO_SET_ROLE.
    """

    connection: Connection[Any]
    acting: bool = True

    def caller(self, role: str, claims: str | None = None) -> Caller:
        """Return somebody with a role and the text of a token."""
        return Caller(self.connection, role if self.acting else None, claims)

    def tenant(self, app: str) -> Caller:
        """Return a signed-in user of an application."""
        return self.caller("authenticated", json.dumps({"app_code": app}))

    @property
    def a(self) -> Caller:
        """A user of the first application."""
        return self.tenant(A)

    @property
    def b(self) -> Caller:
        """A user of the second application."""
        return self.tenant(B)

    @property
    def engine(self) -> Caller:
        """The workflow engine, with the service key."""
        return self.caller("service_role", json.dumps({"role": "service_role"}))

    @property
    def owner(self) -> Caller:
        """The tables' owner, who sees what is really there."""
        return Caller(self.connection, None)


@dataclass(frozen=True)
class Scenario:
    """One promise.

    Attributes:
        name: the promise, as words for a test's id.
        story: the promise, as a sentence.
        play: runs it; an AssertionError is a broken promise.
        fails_under: sabotages that break it.
    """

    name: str
    story: str
    play: Callable[[World], None]
    fails_under: tuple[Sabotage, ...]


SCENARIOS: list[Scenario] = []


def scenario(*fails_under: Sabotage) -> Callable[[Callable[[World], None]], None]:
    """Register a scene."""

    def register(play: Callable[[World], None]) -> None:
        _add(play.__name__, play.__doc__, play, fails_under)

    return register


def scenario_of(
    cases: Iterable[Any], *fails_under: Sabotage
) -> Callable[[Callable[[World, Any], None]], None]:
    """Register a scene once for each case.

    Args:
        cases: what the scene is played with; none at all would prove nothing without a word.
        fails_under: sabotages that break the promise.

    Returns:
        What registers the scene.

    Raises:
        AssertionError: where it is registered, because there is no case.
    """

    def register(play: Callable[[World, Any], None]) -> None:
        listed = tuple(cases)
        assert listed, f"{play.__name__} has no case"
        for case in listed:
            words = case if isinstance(case, str) else "-".join(map(str, case))
            name = f"{play.__name__}-{words}"
            _add(name, play.__doc__, partial(_with, play, case), fails_under)

    return register


def _with(play: Callable[[World, Any], None], case: Any, world: World) -> None:
    play(world, case)


def _add(
    name: str,
    story: str | None,
    play: Callable[[World], None],
    fails_under: tuple[Sabotage, ...],
) -> None:
    assert story, name
    assert fails_under, name
    SCENARIOS.append(Scenario(name.replace("_", "-").lower(), story, play, fails_under))


def _denied(outcome: Outcome, words: str = "") -> None:
    assert outcome.refused == DENIED, outcome
    assert words in outcome.message, outcome


def _changed(outcome: Outcome, count: int) -> None:
    assert not outcome.refused, outcome
    assert outcome.count == count, outcome


def _rows(outcome: Outcome) -> tuple[tuple[Any, ...], ...]:
    assert not outcome.refused, outcome
    return outcome.rows


def _update(table: str, app: str, value: str | None = None) -> str:
    """Return an UPDATE of the row that a tenant has from the beginning."""
    column = NOTE[table]
    new = value or f"{column} = '{{}}'"
    return f"UPDATE public.{table} SET {new} WHERE id = '{row_id(table, app)}'"


def _delete(table: str, app: str) -> str:
    return f"DELETE FROM public.{table} WHERE id = '{row_id(table, app)}'"


# ---- Reading


@scenario_of(TABLES, OFF, TRUE, FORGOT)
def reads_all_of_its_own_rows_and_no_other(world: World, table: str) -> None:
    """A tenant sees every row of its own, of others none, and in the registry the shared ones."""
    visible = {A, None} if table == REGISTRY else {A}
    really = _rows(world.owner.run(f"SELECT app_code, id FROM public.{table}"))
    expected = sorted(row for row in map(str, (r for r in really if r[0] in visible)))

    seen = _rows(world.a.run(f"SELECT app_code, id FROM public.{table}"))

    assert sorted(map(str, seen)) == expected
    assert {app for app, _ in seen} == visible
    assert {app for app, _ in really} > visible


@scenario_of(TABLES, NONE, NOBODY)
def finds_its_own_row(world: World, table: str) -> None:
    """A tenant finds its row by its id."""
    found = world.a.run(f"SELECT app_code FROM public.{table} WHERE id = '{row_id(table, A)}'")
    assert _rows(found) == ((A,),)


@scenario_of(TABLES, OFF, TRUE)
def finds_no_foreign_row_by_its_id(world: World, table: str) -> None:
    """Knowing another tenant's id is no way in."""
    found = world.a.run(f"SELECT app_code FROM public.{table} WHERE id = '{row_id(table, B)}'")
    assert _rows(found) == ()


@scenario_of(TABLES, OFF, TRUE)
def learns_nothing_from_errors(world: World, table: str) -> None:
    """A condition that fails on foreign rows is never run on them."""
    probe = (
        f"SELECT id FROM public.{table} WHERE 1 / (CASE app_code WHEN '{B}' THEN 0 ELSE 1 END) = 1"
    )
    _rows(world.a.run(probe))


@scenario_of(TABLES, OFF)
def cannot_step_around_row_security(world: World, table: str) -> None:
    """Turning row_security off in the session is an error, not a way around it."""
    world.connection.execute("SET LOCAL row_security = off")
    _denied(world.a.run(f"SELECT id FROM public.{table}"), "row-level security")


@scenario_of(TABLES, OFF, TRUE)
def copies_out_only_its_own_rows(world: World, table: str) -> None:
    """COPY TO shows what SELECT shows, whole table or query."""
    for source in (f"public.{table} (app_code)", f"(SELECT app_code FROM public.{table})"):
        rows = _rows(world.a.copy_out(f"COPY {source} TO STDOUT"))
        assert (A,) in rows
        assert (B,) not in rows


@scenario_of(TABLES, OFF)
def cannot_copy_in(world: World, table: str) -> None:
    """COPY FROM is refused where row-level security holds, rather than let rows past it."""
    columns = "(app_code, function_code)" if table == REGISTRY else "(app_code)"
    outcome = world.a.copy_in(f"COPY public.{table} {columns} FROM STDIN", f"{A}\tx\n")
    assert outcome.refused == "0A000", outcome


@scenario(OFF, TRUE)
def joins_meet_no_foreign_row(world: World) -> None:
    """No join across the six tables leads to another tenant."""
    joined = world.a.run(
        "SELECT d.app_code, i.app_code, c.app_code, t.app_code, h.app_code, f.app_code"
        " FROM public.workflow_definitions AS d"
        " JOIN public.workflow_instances AS i ON i.workflow_definition_id = d.id"
        " JOIN public.instance_context AS c ON c.workflow_instance_id = i.id"
        " JOIN public.instance_tasks AS t ON t.workflow_instance_id = i.id"
        " JOIN public.workflow_history AS h ON h.task_id = t.id"
        " JOIN public.function_registry AS f USING (function_code)"
    )
    assert _rows(joined) == ((A,) * 6,)


@scenario_of(CHANGEABLE, OFF, TRUE)
def locks_no_foreign_row(world: World, table: str) -> None:
    """SELECT FOR UPDATE can neither see nor block another tenant's rows, nor shared ones."""
    for strength in ("UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"):
        locked = world.a.run(f"SELECT app_code FROM public.{table} FOR {strength}")
        assert set(_rows(locked)) == {(A,)}, strength


# ---- Writing


@scenario_of(TABLES, NONE, NOBODY)
def inserts_its_own_row_and_gets_it_back(world: World, table: str) -> None:
    """A tenant adds a row of its own, and RETURNING shows it with its defaults."""
    added = world.a.run(f"{insert_new(table, A)} RETURNING app_code, id, created_at")
    (row,) = _rows(added)
    assert row[0] == A
    assert None not in row


@scenario_of(TABLES, OFF, TRUE)
def cannot_insert_for_another_tenant(world: World, table: str) -> None:
    """A row that is another tenant's in every respect is refused all the same."""
    # Its function is shared, so that nothing but the tenant is wrong.
    changes = {"function_code": SHARED} if table == "instance_tasks" else {}
    _denied(world.a.run(insert_new(table, B, **changes)), "row-level security")


@scenario_of(TABLES, OFF, TRUE)
def cannot_insert_without_a_tenant(world: World, table: str) -> None:
    """A row of nobody's is refused, in the registry too, where it would be everybody's."""
    _denied(world.a.run(insert_new(table, A, app_code=None)), "row-level security")


@scenario_of(CHANGEABLE, NONE, NOBODY)
def updates_its_own_row(world: World, table: str) -> None:
    """A tenant changes its row."""
    _changed(world.a.run(_update(table, A)), 1)


@scenario_of(CHANGEABLE, OFF, TRUE)
def updates_no_foreign_row(world: World, table: str) -> None:
    """An UPDATE of another tenant's row, or of all rows, does not reach it."""
    _changed(world.a.run(_update(table, B)), 0)
    own = world.a.run(f"UPDATE public.{table} SET {NOTE[table]} = '{{}}' RETURNING app_code")
    assert set(_rows(own)) == {(A,)}


@scenario_of(CHANGEABLE, OFF, TRUE)
def cannot_give_its_row_to_another_tenant(world: World, table: str) -> None:
    """A row stays with its tenant."""
    # A row of its own that nothing refers to, so that no foreign key is in the way.
    (((row,),),) = (_rows(world.a.run(f"{insert_new(table, A)} RETURNING id")),)
    changes = f"app_code = '{B}'"
    for (child, column), parent in PARENTS.items():
        if child == table:
            changes += f", {column} = '{row_id(parent, B)}'"
    moved = world.a.run(f"UPDATE public.{table} SET {changes} WHERE id = '{row}'")
    _denied(moved, "row-level security")


@scenario_of(CHANGEABLE, NONE, NOBODY)
def deletes_its_own_row(world: World, table: str) -> None:
    """A tenant deletes a row of its own that nothing refers to."""
    added = world.a.run(f"{insert_new(table, A)} RETURNING id")
    ((row,),) = _rows(added)
    _changed(world.a.run(f"DELETE FROM public.{table} WHERE id = '{row}'"), 1)


@scenario_of(CHANGEABLE, OFF, TRUE)
def deletes_no_foreign_row(world: World, table: str) -> None:
    """A DELETE of another tenant's row does not reach it."""
    ((row,),) = _rows(world.owner.run(f"{insert_new(table, B)} RETURNING id"))
    _changed(world.a.run(f"DELETE FROM public.{table} WHERE id = '{row}'"), 0)
    _changed(world.a.run(_delete(table, B)), 0)


@scenario_of(CHANGEABLE, NONE, NOBODY)
def upserts_its_own_row(world: World, table: str) -> None:
    """INSERT … ON CONFLICT DO UPDATE changes the tenant's own row."""
    sql = insert(table, A, id=row_id(table, A))
    column = NOTE[table]
    outcome = world.a.run(f"{sql} ON CONFLICT (id) DO UPDATE SET {column} = '{{}}'")
    _changed(outcome, 1)


@scenario_of(CHANGEABLE, OFF, TRUE)
def cannot_upsert_onto_a_foreign_row(world: World, table: str) -> None:
    """ON CONFLICT DO UPDATE with another tenant's key is refused."""
    sql = insert_new(table, A, id=row_id(table, B))
    outcome = world.a.run(f"{sql} ON CONFLICT (id) DO UPDATE SET {NOTE[table]} = '{{}}'")
    _denied(outcome, "row-level security")


@scenario_of(CHANGEABLE, OFF, TRUE)
def merges_into_no_foreign_row(world: World, table: str) -> None:
    """MERGE matches and deletes none but the tenant's own rows."""
    merged = world.a.run(
        f"MERGE INTO public.{table} AS t USING (VALUES ('{row_id(table, B)}'::uuid)) AS s (id)"
        f" ON t.id = s.id WHEN MATCHED THEN UPDATE SET {NOTE[table]} = '{{}}'"
    )
    _changed(merged, 0)


@scenario(OFF, TRUE)
def copies_no_foreign_content(world: World) -> None:
    """INSERT … SELECT finds nothing of another tenant's to copy."""
    copied = world.a.run(
        "INSERT INTO public.workflow_definitions (app_code, workflow_code, name, model_structure)"
        f" SELECT '{A}', 'stolen', name, model_structure FROM public.workflow_definitions"
        f" WHERE app_code = '{B}'"
    )
    _changed(copied, 0)


@scenario(NONE)
def two_tenants_use_the_same_workflow_code(world: World) -> None:
    """Workflow codes and versions are each tenant's own affair."""
    for caller, app in ((world.a, A), (world.b, B)):
        _changed(caller.run(insert_new("workflow_definitions", app, workflow_code="same")), 1)


# ---- Claims

OPENS_NOTHING = {
    "no-claims-at-all": None,
    "empty-setting": "",
    "no-app-code": {"sub": "a", "role": "authenticated"},
    "null": {"app_code": None},
    "empty-string": {"app_code": ""},
    "array": {"app_code": [A]},
    "object": {"app_code": {"app_code": A}},
    "number": {"app_code": 1},
    "true": {"app_code": True},
    "upper-case": {"app_code": A.upper()},
    "with-a-blank": {"app_code": f"{A} "},
    "with-another-behind": {"app_code": f"{A},{B}"},
    "like-pattern": {"app_code": "app_%"},
    "sql": {"app_code": f"{A}' OR '1'='1"},
    "other-key-case": {"App_Code": A},
    "user-metadata": {"user_metadata": {"app_code": A}},
    "app-metadata": {"app_metadata": {"app_code": A}},
    "json-null": "null",
    "json-string": json.dumps(A),
    "json-array": json.dumps([{"app_code": A}]),
}
"""Tokens that name no tenant, however close they come."""


@scenario_of(OPENS_NOTHING, OFF, TRUE)
def token_that_names_no_tenant_opens_nothing(world: World, case: str) -> None:
    """Whoever has no app_code in the token sees shared functions and writes nothing."""
    claims = OPENS_NOTHING[case]
    text = claims if claims is None or isinstance(claims, str) else json.dumps(claims)
    caller = world.caller("authenticated", text)
    for table in TABLES:
        seen = _rows(caller.run(f"SELECT app_code FROM public.{table}"))
        assert seen == (((None,),) if table == REGISTRY else ()), table
        _denied(caller.run(insert_new(table, A)), "row-level security")
    for table in CHANGEABLE:
        _changed(caller.run(_update(table, A)), 0)
        _changed(caller.run(_delete(table, A)), 0)


@scenario_of(
    ("array", "object", "upper-case", "user-metadata", "with-a-blank"), Sabotage.TRUSTING_CLAIMS
)
def token_is_read_to_the_letter(world: World, case: str) -> None:
    """Only the top-level app_code counts, as it is: what users write of themselves does not."""
    caller = world.caller("authenticated", json.dumps(OPENS_NOTHING[case]))
    for table in CHANGEABLE:
        seen = _rows(caller.run(f"SELECT id FROM public.{table} WHERE app_code IS NOT NULL"))
        assert seen == (), table


@scenario(Sabotage.TRUSTING_CLAIMS)
def user_metadata_adds_nothing_to_a_token(world: World) -> None:
    """A user who writes another tenant into their own metadata stays where they are."""
    claims = {"app_code": A, "user_metadata": {"app_code": B}}
    caller = world.caller("authenticated", json.dumps(claims))
    for table in TABLES[1:]:
        assert set(_rows(caller.run(f"SELECT app_code FROM public.{table}"))) == {(A,)}


@scenario_of(("{", "app_a", "{app_code: app_a}", "{'app_code': 'app_a'}"), OFF, TRUE)
def malformed_token_is_an_error(world: World, claims: str) -> None:
    """A token that is no JSON ends in an error, with no row shown."""
    caller = world.caller("authenticated", claims)
    for table in TABLES:
        outcome = caller.run(f"SELECT app_code FROM public.{table}")
        assert outcome.refused == "22P02", outcome
        assert outcome.rows == ()


@scenario(OFF, TRUE)
def token_of_the_other_tenant_opens_the_other_tenant(world: World) -> None:
    """Two tokens, one after the other on one connection, open each its own tenant."""
    for app in (A, B, A):
        for table in TABLES[1:]:
            seen = _rows(world.tenant(app).run(f"SELECT app_code FROM public.{table}"))
            assert set(seen) == {(app,)}


@scenario_of(
    [(table, verb) for table in TABLES for verb in sorted(SPECIFIED[table].privileges)],
    Sabotage.CLAIM_PER_ROW,
)
def token_is_read_once_a_statement(world: World, case: tuple[str, str]) -> None:
    """The plan reads the token in an InitPlan and filters rows by its result alone."""
    table, verb = case
    statements = {
        "SELECT": f"SELECT * FROM public.{table}",
        "UPDATE": f"UPDATE public.{table} SET {NOTE[table]} = '{{}}'",
        "DELETE": f"DELETE FROM public.{table}",
        "INSERT": insert_new(table, A),
    }
    ((plan,),) = _rows(world.a.run(f"EXPLAIN (VERBOSE, FORMAT JSON) {statements[verb]}"))
    nodes = list(_nodes(plan[0]["Plan"]))
    assert any(node.get("Parent Relationship") == "InitPlan" for node in nodes), plan
    for node in nodes:
        for condition in ("Filter", "Index Cond", "Recheck Cond"):
            assert "current_setting" not in node.get(condition, ""), node


def _nodes(plan: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


# ---- Parents are of the same tenant


@scenario_of(PARENTS, Sabotage.KEYS_WITHOUT_TENANT)
def cannot_attach_to_a_foreign_parent(world: World, edge: tuple[str, str]) -> None:
    """A row cannot hang on another tenant's parent; that one can still delete it."""
    table, column = edge
    parent = PARENTS[edge]
    ((victim,),) = _rows(world.b.run(f"{insert_new(parent, B)} RETURNING id"))

    # What a run's context hangs on is looked up by a policy first.
    for caller, refused in (
        (world.a, DENIED if table == "instance_context" else NO_PARENT),
        (world.engine, NO_PARENT),
    ):
        outcome = caller.run(insert_new(table, A, **{column: victim}))
        assert outcome.refused == refused, outcome
        unknown = caller.run(insert_new(table, A, **{column: UNKNOWN}))
        assert unknown.refused == refused
        # Nor does the error tell a foreign row from none.
        assert outcome.message.replace(str(victim), UNKNOWN) == unknown.message

    _changed(world.b.run(f"DELETE FROM public.{parent} WHERE id = '{victim}'"), 1)


@scenario_of([edge for edge in PARENTS if edge[0] != HISTORY], Sabotage.KEYS_WITHOUT_TENANT)
def cannot_move_to_a_foreign_parent(world: World, edge: tuple[str, str]) -> None:
    """Nor can a row be moved there later, by a tenant or by the engine."""
    table, column = edge
    changes = f"{column} = '{row_id(PARENTS[edge], B)}'"
    if table == "instance_context":
        # The other run has a version 1 already, and that is not what is tried here.
        changes += ", version = 2"
    sql = _update(table, A, changes)
    denied = DENIED if table == "instance_context" else NO_PARENT
    assert world.a.run(sql).refused == denied
    assert world.engine.run(sql).refused == NO_PARENT


_CONTEXT = {
    "insert": lambda run, version: insert_new(
        "instance_context", A, workflow_instance_id=run, version=version
    ),
    "insert or nothing": lambda run, version: (
        insert_new("instance_context", A, workflow_instance_id=run, version=version)
        + " ON CONFLICT DO NOTHING"
    ),
    "update": lambda run, version: (
        f"UPDATE public.instance_context SET workflow_instance_id = '{run}', version = {version}"
        f" WHERE id = '{row_id('instance_context', A)}'"
    ),
}


@scenario_of(_CONTEXT, UNRESTRICTED)
def context_is_no_oracle(world: World, attempt: str) -> None:
    """The unique key of a run's versions does not tell whether another's run exists."""
    for version, note in ((1, "taken"), (9, "free")):
        foreign, unknown = (
            world.a.run(_CONTEXT[attempt](run, version))
            for run in (row_id("workflow_instances", B), UNKNOWN)
        )
        assert foreign.refused == DENIED, (note, foreign)
        assert foreign == unknown, note


@scenario_of(PARENTS, NONE, NOBODY)
def attaches_to_its_own_parent(world: World, edge: tuple[str, str]) -> None:
    """A row hangs on a parent of its own tenant."""
    table, column = edge
    ((parent,),) = _rows(world.a.run(f"{insert_new(PARENTS[edge], A)} RETURNING id"))
    _changed(world.a.run(insert_new(table, A, **{column: parent})), 1)


# ---- One namespace of functions, of which each tenant sees its own and the shared ones

ATTEMPTS = {
    "insert": lambda code: insert_new("instance_tasks", A, function_code=code),
    "update": lambda code: _update("instance_tasks", A, f"function_code = '{code}'"),
    "upsert": lambda code: (
        insert("instance_tasks", A, id=row_id("instance_tasks", A))
        + f" ON CONFLICT (id) DO UPDATE SET function_code = '{code}'"
    ),
}


@scenario_of(ATTEMPTS, UNRESTRICTED, OFF)
def foreign_function_and_unknown_function_fail_alike(world: World, attempt: str) -> None:
    """A task can neither call another tenant's function nor find out that it exists."""
    foreign, unknown = (
        world.a.run(ATTEMPTS[attempt](code)) for code in (function_of(B), "no.such.function")
    )
    _denied(foreign, "row-level security")
    assert foreign == unknown


@scenario_of(ATTEMPTS, NONE, NOBODY)
def own_and_shared_functions_can_be_called(world: World, attempt: str) -> None:
    """A task names a function of its tenant or a shared one."""
    for code in (function_of(A), SHARED):
        _changed(world.a.run(ATTEMPTS[attempt](code)), 1)


@scenario(OFF, UNRESTRICTED)
def task_keeps_out_of_a_function_that_it_cannot_see(world: World) -> None:
    """A task that the engine gave to a foreign function cannot be rewritten by its tenant."""
    _changed(world.engine.run(ATTEMPTS["update"](function_of(B))), 1)
    _denied(world.a.run(_update("instance_tasks", A)), "row-level security")


@scenario(OFF, TRUE, UNRESTRICTED)
def function_codes_are_one_namespace(world: World) -> None:
    """A code that another tenant has is taken, and the attempt to take it over changes nothing."""
    sql = insert_new(REGISTRY, A, function_code=function_of(B))
    assert world.a.run(sql).refused == "23505"
    for code in (function_of(B), SHARED):
        capture = insert_new(REGISTRY, A, function_code=code)
        outcome = world.a.run(
            f"{capture} ON CONFLICT (function_code) DO UPDATE SET app_code = EXCLUDED.app_code"
        )
        _denied(outcome, "row-level security")


# ---- Shared functions are for reading

_SHARED_ROW = f"WHERE function_code = '{SHARED}'"


@scenario(NONE, NOBODY)
def shared_function_is_visible_to_all(world: World) -> None:
    """Every tenant sees the shared functions."""
    for caller in (world.a, world.b):
        found = caller.run(f"SELECT app_code FROM public.function_registry {_SHARED_ROW}")
        assert _rows(found) == ((None,),)


WRITES = {
    "update": f"UPDATE public.function_registry SET description = 'x' {_SHARED_ROW}",
    "capture": f"UPDATE public.function_registry SET app_code = '{A}' {_SHARED_ROW}",
    "capture-all": f"UPDATE public.function_registry SET app_code = '{A}' WHERE app_code IS NULL",
    "delete": f"DELETE FROM public.function_registry {_SHARED_ROW}",
    "lock": f"SELECT id FROM public.function_registry {_SHARED_ROW} FOR UPDATE",
}


@scenario_of(WRITES, UNRESTRICTED, OFF, TRUE)
def shared_function_cannot_be_touched(world: World, write: str) -> None:
    """A tenant cannot change, capture, delete or lock a shared function."""
    _changed(world.a.run(WRITES[write]), 0)
    really = world.owner.run(f"SELECT app_code FROM public.function_registry {_SHARED_ROW}")
    assert _rows(really) == ((None,),)


@scenario(OFF, TRUE)
def function_cannot_be_made_shared(world: World) -> None:
    """A tenant cannot put its own function before all others."""
    _denied(world.a.run(_update(REGISTRY, A, "app_code = NULL")), "row-level security")


@scenario(NOBODY)
def engine_keeps_the_shared_functions(world: World) -> None:
    """The service key adds, changes and removes shared functions."""
    _changed(world.engine.run(insert_new(REGISTRY, A, app_code=None)), 1)
    for write in ("update", "delete"):
        _changed(world.engine.run(WRITES[write]), 1)


# ---- The log is written once

_LOG = {
    "UPDATE": f"UPDATE public.{HISTORY} SET description = 'x'",
    "UPDATE-ROW": _update(HISTORY, A),
    "DELETE": f"DELETE FROM public.{HISTORY}",
    "TRUNCATE": f"TRUNCATE public.{HISTORY}",
    "LOCK-ROW": f"SELECT id FROM public.{HISTORY} FOR SHARE",
    "UPSERT": insert(HISTORY, A, id=row_id(HISTORY, A))
    + " ON CONFLICT (id) DO UPDATE SET description = 'x'",
    "MERGE": f"MERGE INTO public.{HISTORY} AS t USING (VALUES (1)) AS s (a) ON TRUE"
    " WHEN MATCHED THEN DELETE",
}


@scenario_of([(role, verb) for role in ("a", "engine") for verb in _LOG], ALL)
def log_cannot_be_rewritten(world: World, case: tuple[str, str]) -> None:
    """Neither a tenant nor the engine changes, deletes or locks what was logged."""
    caller, verb = case
    _denied(getattr(world, caller).run(_LOG[verb]), "permission denied for table")


@scenario_of(("a", "engine"), NOBODY)
def log_can_be_written_and_read(world: World, caller: str) -> None:
    """Tenant and engine append to the log and read it."""
    who = getattr(world, caller)
    _changed(who.run(insert_new(HISTORY, A)), 1)
    assert len(_rows(who.run(f"SELECT id FROM public.{HISTORY} WHERE app_code = '{A}'"))) == 2


@scenario(Sabotage.KEYS_CASCADE)
def log_outlives_what_it_is_about(world: World) -> None:
    """A run, a task or a definition with history cannot be deleted, not by the engine either."""
    for table in ("instance_tasks", "workflow_instances", "workflow_definitions"):
        outcome = world.engine.run(_delete(table, A))
        assert outcome.refused == NO_PARENT, table
    logged = world.owner.run(f"SELECT id FROM public.{HISTORY} WHERE app_code = '{A}'")
    assert len(_rows(logged)) == 1


@scenario(Sabotage.KEYS_CASCADE)
def owner_alone_can_mend_the_log(world: World) -> None:
    """What must be removed by law, the owner removes, row by row and nothing else with it."""
    _changed(world.owner.run(_update(HISTORY, A)), 1)
    _changed(world.owner.run(_delete("workflow_history", A)), 1)
    assert world.owner.run(_delete("workflow_instances", B)).refused == NO_PARENT


# ---- Who holds what

_VERBS = {
    "SELECT": lambda table: f"SELECT id FROM public.{table}",
    "INSERT": lambda table: insert_new(table, A),
    "UPDATE": lambda table: _update(table, A),
    "DELETE": lambda table: _delete(table, A),
    "TRUNCATE": lambda table: f"TRUNCATE public.{table} CASCADE",
}


@scenario_of([(table, verb) for table in TABLES for verb in _VERBS], ALL)
def anon_is_denied(world: World, case: tuple[str, str]) -> None:
    """Whoever is not signed in gets an error, even with a tenant's claim."""
    table, verb = case
    for claims in (None, json.dumps({"app_code": A, "role": "authenticated"})):
        caller = world.caller("anon", claims)
        _denied(caller.run(_VERBS[verb](table)), "permission denied for table")


@scenario_of([(table, role) for table in TABLES for role in ("a", "engine")], ALL)
def nobody_truncates(world: World, case: tuple[str, str]) -> None:
    """TRUNCATE, which row-level security does not hold back, is denied to every API role."""
    table, role = case
    for options in ("", " CASCADE"):
        outcome = getattr(world, role).run(f"TRUNCATE public.{table}{options}")
        _denied(outcome, "permission denied for table")


@scenario_of(
    [(table, verb) for table in TABLES for verb in sorted(SPECIFIED[table].privileges)], NOBODY
)
def engine_works_for_every_tenant(world: World, case: tuple[str, str]) -> None:
    """The service key reads and writes all tenants' rows."""
    table, verb = case
    for app in (A, B):
        ((row,),) = _rows(world.owner.run(f"{insert_new(table, app)} RETURNING id"))
        sql = {
            "SELECT": f"SELECT id FROM public.{table} WHERE id = '{row}'",
            "INSERT": insert_new(
                table,
                app,
                **({"function_code": f"{app}.x"} if table == REGISTRY else {}),
                **({"version": 3} if table in {"workflow_definitions", "instance_context"} else {}),
            ),
            "UPDATE": f"UPDATE public.{table} SET {NOTE[table]} = '{{}}' WHERE id = '{row}'",
            "DELETE": f"DELETE FROM public.{table} WHERE id = '{row}'",
        }[verb]
        _changed(world.engine.run(sql), 1)


_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_ROLES = ("anon", "authenticated", "service_role", "authenticator")


@scenario_of([(table, role) for table in TABLES for role in _ROLES], ALL)
def role_holds_exactly_what_is_declared(world: World, case: tuple[str, str]) -> None:
    """No privilege too many, on the table or on one of its columns, and none to pass on.

    The authenticator, as which the API logs in, has none before it takes on another role.
    """
    table, role = case
    names = list(_PRIVILEGES)
    if world.connection.info.server_version >= 17_00_00:
        names.append("MAINTAIN")
    asked = ", ".join(f"'{name}', '{name} WITH GRANT OPTION'" for name in names)
    held = _rows(
        world.owner.run(
            f"SELECT name FROM unnest(ARRAY[{asked}]) AS name"
            f" WHERE has_table_privilege('{role}', 'public.{table}', name)"
        )
    )
    declared = SPECIFIED[table].privileges if role in _ROLES[1:3] else frozenset()
    assert {name for (name,) in held} == declared
    columns = world.owner.run(
        "SELECT attname FROM pg_attribute WHERE attacl IS NOT NULL"
        f" AND attrelid = 'public.{table}'::regclass"
    )
    assert _rows(columns) == ()
