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
_REPAIRS = "tests/database/test_repair.py::test_"
_REPAIR = f"{_REPAIRS}one_run_restores_what_is_declared"
_PLATFORM = "tests/database/test_platform.py::test_"

_LOCKED = f"{_CONVERGENCE}run_gives_up_when_a_table_is_locked"
_SESSION = f"{_CONVERGENCE}session_is_left_as_it_was"
_AT_ONCE = f"{_CONVERGENCE}runs_at_the_same_time_all_succeed"
_LARGER = f"{_CONVERGENCE}run_as_part_of_a_larger_transaction_leaves_its_names_alone"
_TWICE = f"{_CONVERGENCE}second_run_changes_nothing"
_COLUMNS = f"{_DRIFT}no_column_escapes"
_FAST = f"{_DRIFT}clean_re_run_needs_no_reference_tables"
_MEANWHILE = f"{_DRIFT}what_changes_while_the_run_waits_is_seen"
_UNSAFE = f"{_DRIFT}session_in_which_the_file_would_mean_something_else_is_refused"
_MARKED = f"{_DRIFT}run_behind_a_later_migration_is_refused"
_CLOSED = f"{_REPAIRS}no_grant_has_another_grantor_than_the_owner"


def _one_drift(name: str) -> str:
    return f"{_DRIFT}drift_is_refused_by_name[{name}-explicit]"


def _one_disorder(name: str) -> str:
    return f"{_REPAIR}[{name}-legacy]"


_OWN_STATEMENTS = {
    "SET LOCAL client_min_messages": f"{_CONVERGENCE}re_run_says_nothing",
    "SET LOCAL lock_timeout": _LOCKED,
    "SELECT pg_catalog.pg_advisory_xact_lock": _AT_ONCE,
    "DO $guard$": f"{_DRIFT}several_drifts_are_one_exception",
    "COMMENT ON CONSTRAINT": _MARKED,
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
        "WHERE NOT met;",
        "WHERE FALSE;",
        f"{_PLATFORM}all_that_is_missing_is_one_exception",
    ),
    _Change(
        "it does not ask for its callers' way into a schema",
        "('auth', 'authenticated'),",
        "",
        f"{_PLATFORM}lack_is_named_with_its_remedy[no-way-into-auth-for-callers-explicit]",
    ),
    _Change(
        "it does not ask whether callers may call auth.jwt()",
        "has_function_privilege(to_regrole('authenticated')::OID, oid, 'EXECUTE')",
        "TRUE",
        f"{_PLATFORM}lack_is_named_with_its_remedy[auth.jwt-that-callers-may-not-call-explicit]",
    ),
    _Change(
        "it takes an old snapshot",
        "current_setting('transaction_isolation') = 'read committed'",
        "TRUE",
        f"{_UNSAFE}[migrated-repeatable-read-explicit]",
    ),
    _Change(
        "it takes other schemas' operators",
        "'pg_catalog' = (SELECT name FROM unnest(schemas)",
        "'pg_catalog' <> (SELECT name || 'x' FROM unnest(schemas)",
        f"{_UNSAFE}[migrated-catalog-last-explicit]",
    ),
    _Change("it does not look for a later migration", "AND mark <> ALL", "AND mark = ALL", _MARKED),
    _Change(
        "the guard does not look again at locked tables",
        "EXIT WHEN pg_current_snapshot()::TEXT = snapshot_before;",
        "EXIT;",
        _MEANWHILE,
    ),
    _Change(
        "tables are not taken all at once",
        "EXIT WHEN look > 2 OR existing = '{}';",
        "EXIT;",
        _LOCKED,
    ),
    _Change(
        "the guard always makes reference tables",
        "expected CONSTANT TEXT := '",
        "expected CONSTANT TEXT := 'x",
        _FAST,
    ),
    _Change(
        "the guard expects whatever it finds",
        "needs_reference := look IN (1, 3) AND digest IS DISTINCT FROM expected;",
        "needs_reference := FALSE;",
        _COLUMNS,
    ),
    _Change(
        "the guard compares nothing",
        "AND actual.shape IS DISTINCT FROM declared.shape\n        -- A",
        "AND FALSE\n        -- A",
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
        "AND typcollation <> attcollation",
        "AND FALSE",
        _one_drift("type-text-COLLATE-C"),
    ),
    _Change(
        "the guard takes identity columns",
        "CASE attidentity WHEN",
        "CASE 'x' WHEN",
        _one_drift("identity"),
    ),
    _Change(
        "the guard takes generated columns",
        "CASE attgenerated WHEN 's' THEN ' STORED'",
        "CASE attgenerated WHEN 's' THEN ''",
        _one_drift("generated"),
    ),
    _Change(
        "the guard compares no constraints",
        "AND contype IN ('p', 'u', 'c', 'f')",
        "AND contype IN ('x')",
        f"{_DRIFT}no_constraint_escapes",
    ),
    _Change(
        "the guard takes left-over foreign keys",
        "WHERE target IS NOT NULL AND (relname",
        "WHERE FALSE AND (relname",
        _one_drift("left-over-key-without-action"),
    ),
    _Change(
        "the guard takes a second key for one relationship",
        "(own.target = extra.target\n              AND",
        "(FALSE AND",
        _one_drift("left-over-key-without-action"),
    ),
    _Change(
        "the guard takes keys that set what must not change",
        "OR (own.columns && extra.set_columns",
        "OR (FALSE AND own.columns && extra.set_columns",
        _one_drift("key-that-sets-the-tenant-by-an-update"),
    ),
    _Change(
        "the guard takes keys that set what is NOT NULL",
        "OR own.shape LIKE '% NOT NULL%'",
        "OR FALSE",
        _one_drift("key-that-sets-a-column-that-is-NOT-NULL"),
    ),
    _Change(
        "the guard takes keys that delete from a log",
        "(cascades AND (relname = ANY (append_only)",
        "(cascades AND (FALSE",
        _one_drift("log-that-changes-by-an-added-column"),
    ),
    _Change(
        "the guard takes keys that change a log",
        "OR own.relname = ANY (append_only))))))",
        "OR FALSE)))))",
        _one_drift("log-that-changes-with-an-actor"),
    ),
    _Change(
        "the guard takes indexes of another shape",
        "WHERE actual.shape IS DISTINCT FROM declared.shape AND NOT EXISTS",
        "WHERE FALSE AND NOT EXISTS",
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
        "WHERE relpersistence <> 'p'",
        "WHERE FALSE",
        _one_drift("unlogged-table"),
    ),
    _Change(
        "the guard takes a child of another table",
        "WHERE oid IN (inhrelid, inhparent)",
        "WHERE oid = inhparent",
        _one_drift("child-of-another-table"),
    ),
    _Change(
        "the guard takes a parent of another table",
        "WHERE oid IN (inhrelid, inhparent)",
        "WHERE oid = inhrelid",
        _one_drift("parent-of-another-table"),
    ),
    _Change(
        "the guard takes rules",
        "FROM pg_rewrite WHERE ev_class = ours.oid",
        "FROM pg_rewrite WHERE FALSE",
        _one_drift("rule"),
    ),
    _Change(
        "the guard takes an owner as whom callers act",
        "to_regrole(quote_ident(caller)), relowner, 'MEMBER')\n        )",
        "to_regrole(quote_ident(caller)), relowner, 'MEMBER') AND FALSE\n        )",
        _one_drift("owned-by-authenticated"),
    ),
    _Change(
        "a runner as which callers act makes the tables",
        "NOT EXISTS (SELECT FROM unnest(callers)",
        "NOT EXISTS (SELECT FROM unnest(callers[1:0])",
        f"{_PLATFORM}runner_as_whom_an_api_role_can_act_is_refused",
    ),
    _Change(
        "the guard takes foreign keys that are switched off",
        "tgenabled IN ('D', 'R')",
        "FALSE",
        _one_drift("foreign-keys-switched-off"),
    ),
    _Change(
        "reference tables outlive the guard",
        "      RAISE SQLSTATE 'UNDO0';\n    EXCEPTION",
        "    EXCEPTION",
        f"{_CONVERGENCE}second_run_changes_nothing",
    ),
    _Change(
        "what another than the owner granted stays",
        "WHERE grantor <> relowner AND NOT EXISTS",
        "WHERE FALSE AND NOT EXISTS",
        _CLOSED,
    ),
    _Change(
        "policies that are not declared stay",
        "WHERE polpermissive AND",
        "WHERE FALSE AND",
        _one_disorder("permissive-policy-added"),
    ),
    _Change(
        "policies that only narrow access are dropped",
        "WHERE polpermissive AND",
        "WHERE",
        f"{_REPAIRS}what_only_narrows_access_stays",
    ),
    _Change(
        "grants to roles that are not declared stay",
        "WHERE grantor = relowner AND grantee <> relowner\n",
        "WHERE FALSE\n",
        _one_disorder("foreign-role"),
    ),
    _Change(
        "privileges of the API's roles are not put back",
        "pg_get_userbyid(relowner) AND privileges IS DISTINCT FROM (",
        "pg_get_userbyid(relowner) AND FALSE AND privileges = (",
        f"{_REPAIRS}what_an_event_trigger_opens_behind_the_fragments_is_closed",
    ),
    _Change(
        "row-level security that was switched off stays off",
        "FROM ours WHERE NOT relrowsecurity",
        "FROM ours WHERE FALSE",
        f"{_REPAIRS}what_an_event_trigger_opens_behind_the_fragments_is_closed",
    ),
    _Change(
        "names in public are called",
        "SET LOCAL search_path = pg_catalog, pg_temp; -- unqualified names mean PostgreSQL's own\n"
        "  timeout",
        "timeout",
        f"{_REPAIRS}no_better_match_in_public_is_called",
    ),
    _Change(
        "the owner's privileges are not put back",
        "WHERE relacl IS NOT NULL AND EXISTS",
        "WHERE FALSE AND EXISTS",
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
    ]


def _dropped(source: Source) -> Iterator[Fault]:
    """Yield the file without each of the statements that no fragment has."""
    own = {"VariableSetStmt", "SelectStmt", "DoStmt"}
    for statement in parse(source).statements:
        if statement.kind in own or statement.node.get("objtype") == "OBJECT_TABCONSTRAINT":
            beginning = _beginning(statement)
            without = replaced(MIGRATION, source.text, f"{statement.text.strip()};", "")
            test = (_OWN_STATEMENTS[beginning],)
            what = " ".join(statement.text.split()[:4]) if test[0] == _MARKED else beginning
            yield Fault(f"no `{what}`", MIGRATION, without, test)


def _beginning(statement: Statement) -> str:
    text = statement.text.strip()
    found = [beginning for beginning in _OWN_STATEMENTS if text.startswith(beginning)]
    if not found:
        raise DatabaseError(
            f"{MIGRATION} has a statement that no fault drops: {text.splitlines()[0]}",
            "name in proofs/gates_shipped.py the test that must miss it",
        )
    return found[0]
