"""The gates' own guards, broken on purpose: what must turn red when the tests are wrong."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import psycopg

from proofs.gates_copies import Fault, Guarded, replaced
from proofs.gates_suite import SCENARIOS, TENANT_TABLES, World, first_broken_promise, seed
from proofs.report import ROOT
from schema_database import DatabaseError, apply_as_one_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from schema_database import Cluster, Template


class _OneTenant(World):
    """Everybody's token is the first application's."""

    def tenant(self, app: str) -> Any:
        del app
        return super().tenant("app_a")


class _NoClaims(World):
    """Nobody sends a token."""

    def caller(self, role: str, claims: str | None = None) -> Any:
        del claims
        return super().caller(role, None)


class _Engine(World):
    """Everybody acts with the service key."""

    def caller(self, role: str, claims: str | None = None) -> Any:
        del role
        return super().caller("service_role", claims)


class _Anonymous(World):
    """Nobody is signed in."""

    def caller(self, role: str, claims: str | None = None) -> Any:
        del role
        return super().caller("anon", claims)


def _forgetful(connection: Connection[Any]) -> World:
    return World(connection, acting=False)


_WORLDS: dict[str, Callable[[Connection[Any]], World]] = {
    "scenes forget SET ROLE and run as the owner": _forgetful,
    "every caller acts as service_role": _Engine,
    "every caller acts as anon": _Anonymous,
    "no caller sends a token": _NoClaims,
    "every token is the first tenant's": _OneTenant,
}


def tenancy_guards(cluster: Cluster, template: Template, migration: str) -> Iterator[Guarded]:
    """Play the scenes under conditions in which they must fail, on the true migration.

    Args:
        cluster: the server.
        template: a database before the migration.
        migration: its text.

    Yields:
        What became of each fault.

    Raises:
        DatabaseError: they fail as they are, so that red would mean nothing.
    """
    with cluster.clone(template) as database:
        with psycopg.connect(database.url, autocommit=True) as owner:
            apply_as_one_transaction(owner, migration)
            owner.execute(seed())
            if broken := first_broken_promise(owner, SCENARIOS):
                raise DatabaseError(f"the true schema breaks {broken}", "run `nox -s test`")
            for fault, world in _WORLDS.items():
                yield Guarded(fault, first_broken_promise(owner, SCENARIOS, world))
            for tables in (TENANT_TABLES, *((table,) for table in TENANT_TABLES)):
                which = "every table" if len(tables) > 1 else tables[0]
                fault = f"row-level security is off on {which}"
                yield Guarded(fault, _without_row_security(owner, tables))
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            fault = "scenes run as a superuser without SET ROLE"
            yield Guarded(fault, first_broken_promise(admin, SCENARIOS, _forgetful))
            try:
                noticed = first_broken_promise(admin, ())
            except ValueError as error:
                noticed = str(error)
            yield Guarded("this proof is given no scene to play", noticed)


def _without_row_security(owner: Connection[Any], tables: tuple[str, ...]) -> str:
    for table in tables:
        owner.execute(f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY")
    found = first_broken_promise(owner, SCENARIOS)
    for table in tables:
        owner.execute(f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY")
    return found


_SCENES = "tests/database/scenarios.py"
_ROWS = "tests/database/tenants.py"
_SPECIFICATION = "tests/spec/specification.py"
_TENANCY = "tests/database/test_tenancy.py"


def emptied_suites() -> list[Fault]:
    """Return a fault for each list that the tests draw from: the list is empty.

    Raises:
        DatabaseError: the tests do not have such a list any more.
    """
    scenes = _read(_SCENES)
    faults = [
        Fault(f"the cases of the scene {name} are none", _SCENES, text, (_TENANCY,))
        for name, text in _without_cases(scenes)
    ]
    for what, path, old, new, test in (
        ("the list of scenes is empty", _SCENES, "    SCENARIOS.append(", "    str(", _TENANCY),
        ("the list of tables is empty", _ROWS, "PARENTS = {", "TABLES = ()\nPARENTS = {", _TENANCY),
        (
            "a scene names no sabotage that it must notice",
            _SCENES,
            "@scenario_of(TABLES, OFF, TRUE, FORGOT)",
            "@scenario_of(TABLES)",
            _TENANCY,
        ),
        (
            "the specification names no table",
            _SPECIFICATION,
            "\nTABLES = {\n",
            "\nTABLES: dict[str, TableSpec] = {}\n_UNUSED = {\n",
            "tests/spec",
        ),
    ):
        faults.append(Fault(what, path, replaced(path, _read(path), old, new), (test,)))
    return faults


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _without_cases(module: str) -> list[tuple[str, str]]:
    """Return, for each scene that is played once for each case, the module without the cases."""
    lines = module.splitlines(keepends=True)
    found = []
    for node in ast.parse(module).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(func=ast.Name(id="scenario_of"), args=[cases, *_]):
                    start, end = _place(lines, cases)
                    found.append((node.name, f"{module[:start]}(){module[end:]}"))
    return found


def _place(lines: list[str], node: ast.expr) -> tuple[int, int]:
    """Return where an expression begins and ends in a module, which is plain ASCII there."""
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    return start, start + len(ast.get_source_segment("".join(lines), node) or "")


WORLDS = len(_WORLDS) + len(TENANT_TABLES) + 3
"""How many faults `tenancy_guards` tries."""
