"""The gates' own guards, broken on purpose: what must turn red when the tests are wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from proofs.gates_suite import SCENARIOS, TENANT_TABLES, World, first_broken_promise, seed
from proofs.report import ROOT
from schema_database import DatabaseError, apply_as_one_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from schema_database import Cluster, Template


@dataclass(frozen=True)
class Guarded:
    """One fault in the tests and whether they noticed.

    Attributes:
        fault: what was wrong with the tests.
        noticed: what turned red, or empty.
    """

    fault: str
    noticed: str


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
    """
    with cluster.clone(template) as database:
        with psycopg.connect(database.url, autocommit=True) as owner:
            apply_as_one_transaction(owner, migration)
            owner.execute(seed())
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


@dataclass(frozen=True)
class _Emptied:
    """A list that the tests draw from, emptied in a copy of them.

    Attributes:
        what: what is wrong then.
        module: where.
        old: a line of it.
        new: what stands there instead.
        tests: what pytest is to run.
    """

    what: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]


_TENANCY = "tests/database/test_tenancy.py"

_LISTS = (
    _Emptied(
        "the list of scenes is empty",
        "tests/database/scenarios.py",
        "    SCENARIOS.append(",
        "    str(",
        (_TENANCY,),
    ),
    _Emptied(
        "the list of tokens that must open nothing is empty",
        "tests/database/scenarios.py",
        "@scenario_of(OPENS_NOTHING, OFF, TRUE)\n",
        "OPENS_NOTHING.clear()\n\n\n@scenario_of(OPENS_NOTHING, OFF, TRUE)\n",
        (_TENANCY, "-k", "token"),
    ),
    _Emptied(
        "the list of tables is empty",
        "tests/database/tenants.py",
        "PARENTS = {",
        "TABLES = ()\nPARENTS = {",
        (_TENANCY,),
    ),
    _Emptied(
        "a scene names no sabotage that it must notice",
        "tests/database/scenarios.py",
        "@scenario_of(TABLES, OFF, TRUE, FORGOT)",
        "@scenario_of(TABLES)",
        (_TENANCY,),
    ),
    _Emptied(
        "the specification names no table",
        "tests/spec/specification.py",
        "TABLES = {\n",
        "TABLES: dict[str, TableSpec] = {}\n_UNUSED = {\n",
        ("tests/spec",),
    ),
)

FAULTS = len(_WORLDS) + len(TENANT_TABLES) + 3 + len(_LISTS)
"""How many faults are tried."""

_COPIED = ("tests", "packages/schema", "supabase")


def emptied_suites() -> Iterator[Guarded]:
    """Run pytest on copies of the tests in which a list they draw from is empty.

    Raises:
        DatabaseError: the copy cannot be collected even as it is, so that red would mean nothing.
    """
    everything = ("--collect-only", "tests/spec", _TENANCY)
    if _pytest_status(everything) != 0:
        raise DatabaseError("a copy of the tests cannot be collected", "run `nox -s test`")
    for emptied in _LISTS:
        status = _pytest_status(emptied.tests, emptied)
        # 1 is failed tests, 2 an error at collection: each is red.
        yield Guarded(emptied.what, f"pytest's exit status is {status}" if status else "")


def _pytest_status(arguments: tuple[str, ...], emptied: _Emptied | None = None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part in _COPIED:
            shutil.copytree(ROOT / part, root / part)
        shutil.copy(ROOT / "pyproject.toml", root)
        if emptied is not None:
            module = root / emptied.module
            text = module.read_text(encoding="utf-8")
            if emptied.old not in text:
                raise LookupError(f"{emptied.module} has no {emptied.old!r}")
            module.write_text(text.replace(emptied.old, emptied.new, 1), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *arguments],
            cwd=root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
        ).returncode
