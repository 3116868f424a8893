"""Faults in what the build adds to the fragments: the guard, the locks and the end of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofs.gates_copies import Fault, replaced
from proofs.report import MIGRATION, ROOT
from schema_database import DatabaseError
from schema_sql.source import read_source
from schema_sql.statements import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_sql.source import Source
    from schema_sql.statements import Statement


_CONVERGENCE = "tests/database/test_convergence.py::test_"
_DRIFT = "tests/database/test_drift.py::test_"
_REPAIR = "tests/database/test_repair.py::test_one_run_restores_what_is_declared"
_PLATFORM = "tests/database/test_platform.py::test_"

_LOCKED = f"{_CONVERGENCE}run_gives_up_when_a_table_is_locked"
_SESSION = f"{_CONVERGENCE}session_is_left_as_it_was"
_AT_ONCE = f"{_CONVERGENCE}runs_at_the_same_time_all_succeed"
_LARGER = (
    f"{_CONVERGENCE}run_as_part_of_a_larger_transaction_changes_no_setting_but_the_lock_timeout"
)
_TWICE = f"{_CONVERGENCE}second_run_changes_nothing"
_COLUMNS = f"{_DRIFT}no_column_escapes"


def _one_drift(name: str) -> str:
    return f"{_DRIFT}drift_is_refused_by_name[{name}-explicit]"


def _one_disorder(name: str) -> str:
    return f"{_REPAIR}[{name}-legacy]"


_OWN_STATEMENTS = {
    "SET LOCAL lock_timeout": _LOCKED,
    "SELECT pg_catalog.pg_advisory_xact_lock": _AT_ONCE,
    "DO $guard$": f"{_DRIFT}several_drifts_are_one_exception",
    "DO $existing$": _LOCKED,
    "DO $access$": _one_disorder("permissive-policy-added"),
}
"""How each statement that no fragment has begins, and the test that must miss it."""


@dataclass(frozen=True)
class _Change:
    """A piece of the file that becomes another, and the test that must turn red."""

    what: str
    old: str
    new: str
    test: str


_CHANGES = (
    _Change("it waits for ever", "lock_timeout = '5s'", "lock_timeout = 0", _LOCKED),
    _Change("its timeout outlives it", "SET LOCAL lock_timeout", "SET lock_timeout", _SESSION),
    _Change("its lock outlives it", "pg_advisory_xact_lock(", "pg_advisory_lock(", _SESSION),
    _Change(
        "its lock is shared", "pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(", _AT_ONCE
    ),
    _Change(
        "it does not ask for what the platform provides",
        "WHERE NOT needed.found;",
        "WHERE FALSE;",
        f"{_PLATFORM}all_that_is_missing_is_one_exception",
    ),
    _Change(
        "the guard compares no columns",
        "JOIN columns AS declared ON declared.attrelid = pairs.twin",
        "JOIN columns AS declared ON FALSE",
        _COLUMNS,
    ),
    _Change(
        "the guard compares no types", "format_type(atttypid, atttypmod),", "'type',", _COLUMNS
    ),
    _Change(
        "the guard does not compare NOT NULL",
        "CASE WHEN attnotnull AND NOT EXISTS",
        "CASE WHEN FALSE AND NOT EXISTS",
        _COLUMNS,
    ),
    _Change(
        "the guard compares no defaults",
        "' DEFAULT ' || pg_get_expr(adbin, adrelid)",
        "''",
        _COLUMNS,
    ),
    _Change(
        "the guard compares no collations",
        "AND attcollation <> typcollation",
        "AND FALSE",
        _one_drift("type-text-COLLATE-C"),
    ),
    _Change(
        "the guard takes identity columns",
        "CASE WHEN attidentity <> ''",
        "CASE WHEN FALSE",
        _one_drift("identity"),
    ),
    _Change(
        "the guard takes generated columns",
        "CASE WHEN attgenerated <> ''",
        "CASE WHEN FALSE",
        _one_drift("generated"),
    ),
    _Change(
        "the guard compares no constraints",
        "JOIN constraints AS declared ON declared.conrelid = pairs.twin",
        "JOIN constraints AS declared ON FALSE",
        f"{_DRIFT}no_constraint_escapes",
    ),
    _Change(
        "the guard takes left-over foreign keys",
        "JOIN foreign_keys AS extra ON extra.conrelid = pairs.live",
        "JOIN foreign_keys AS extra ON FALSE",
        _one_drift("left-over-key-that-cascades"),
    ),
    _Change(
        "the guard compares no indexes",
        "  LEFT JOIN indexes AS actual ON actual.indexrelid = taken.oid\n"
        "    WHERE twin.relnamespace",
        "  LEFT JOIN indexes AS actual ON actual.indexrelid = taken.oid\n"
        "    WHERE FALSE AND twin.relnamespace",
        f"{_DRIFT}no_index_escapes",
    ),
    _Change(
        "the guard takes invalid indexes",
        "CASE WHEN NOT indisvalid",
        "CASE WHEN FALSE",
        _one_drift("index-invalid"),
    ),
    _Change(
        "the guard takes an unlogged table",
        "WHERE relkind <> 'r' OR relpersistence <> 'p'",
        "WHERE relkind <> 'r'",
        _one_drift("unlogged-table"),
    ),
    _Change(
        "the guard takes a child of another table",
        "JOIN pg_inherits ON inhrelid = live",
        "JOIN pg_inherits ON FALSE",
        _one_drift("child-of-another-table"),
    ),
    _Change(
        "the guard takes a parent of another table",
        "JOIN pg_inherits ON inhparent = live",
        "JOIN pg_inherits ON FALSE",
        _one_drift("parent-of-another-table"),
    ),
    _Change(
        "the guard takes foreign keys that are switched off",
        "tgenabled IN ('D', 'R')",
        "FALSE",
        _one_drift("foreign-keys-switched-off"),
    ),
    _Change(
        "the guard's search path stays",
        "  PERFORM set_config('search_path', caller_path, TRUE),\n"
        "    set_config('quote_all_identifiers', caller_quoting, TRUE);",
        "  PERFORM set_config('quote_all_identifiers', caller_quoting, TRUE);",
        _LARGER,
    ),
    _Change(
        "the guard's way of quoting stays",
        "set_config('quote_all_identifiers', caller_quoting, TRUE)",
        "set_config('quote_all_identifiers', 'off', TRUE)",
        _LARGER,
    ),
    _Change(
        "what a role may pass on stays",
        "AND pg_roles.oid <> relowner AND is_grantable\n",
        "AND FALSE\n",
        _one_disorder("API-role-that-passed-its-grant-on"),
    ),
    _Change(
        "policies that are not declared stay",
        "WHERE schemaname = 'public' AND tablename = ANY (tables)\n",
        "WHERE FALSE\n",
        _one_disorder("permissive-policy-added"),
    ),
    _Change(
        "FORCE ROW LEVEL SECURITY stays",
        "AND relforcerowsecurity\n",
        "AND FALSE\n",
        _one_disorder("row-security-forced"),
    ),
    _Change(
        "grants to roles that are not declared stay",
        "      AND pg_roles.oid <> relowner\n",
        "      AND FALSE\n",
        _one_disorder("foreign-role"),
    ),
    _Change(
        "the owner's privileges are not put back",
        "AND relacl IS NOT NULL AND EXISTS",
        "AND FALSE AND EXISTS",
        _one_disorder("owner's-privileges-revoked"),
    ),
)


def faults_in_what_is_shipped() -> list[Fault]:
    """Return faults in the migration's own statements, each with the test that must turn red.

    Raises:
        SourceError: the migration cannot be read.
        DatabaseError: it is not as the faults expect it.
    """
    source = read_source(ROOT / MIGRATION, MIGRATION)
    return [
        *_dropped(source),
        *(
            Fault(
                each.what,
                MIGRATION,
                replaced(MIGRATION, source.text, each.old, each.new),
                (each.test,),
            )
            for each in _CHANGES
        ),
        Fault("the guard's twins stay", MIGRATION, _with_twins(source.text), (_TWICE,)),
    ]


def _dropped(source: Source) -> Iterator[Fault]:
    """Yield the file without each of the statements that no fragment has."""
    own = {"VariableSetStmt", "SelectStmt", "DoStmt"}
    for statement in parse(source).statements:
        if statement.kind in own:
            beginning = _beginning(statement)
            without = replaced(MIGRATION, source.text, f"{statement.text.strip()};", "")
            test = (_OWN_STATEMENTS[beginning],)
            yield Fault(f"no `{beginning}`", MIGRATION, without, test)


def _beginning(statement: Statement) -> str:
    text = statement.text.strip()
    found = [beginning for beginning in _OWN_STATEMENTS if text.startswith(beginning)]
    if not found:
        raise DatabaseError(
            f"{MIGRATION} has a statement that no fault drops: {text.splitlines()[0]}",
            "name in proofs/gates_shipped.py the test that must miss it",
        )
    return found[0]


def _with_twins(text: str) -> str:
    start = text.index("  DROP TABLE\n    pg_temp.")
    return text[:start] + text[text.index("END\n$guard$;") :]
