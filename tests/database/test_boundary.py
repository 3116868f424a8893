"""Where tenancy does not hold though every table is as declared, `verify` says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from schema_database import Level, PrivilegeRegime, compare, read_snapshot
from schema_database.boundary_rules import judge
from spec.specification import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_database import Cluster, Database, Finding, Snapshot

NAMES = [f"public.{table}" for table in sorted(TABLES)]

LOOK = "CREATE VIEW public.look AS SELECT * FROM public.workflow_instances"
SUM = "CREATE MATERIALIZED VIEW public.totals AS SELECT count(*) FROM public.workflow_instances"
ATOMIC = (
    "CREATE FUNCTION public.runs() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
    " BEGIN ATOMIC SELECT count(*) FROM public.workflow_instances; END"
)
PLPGSQL = (
    "CREATE FUNCTION public.hidden() RETURNS int LANGUAGE plpgsql SECURITY DEFINER"
    " AS 'BEGIN RETURN 1; END'"
)
JWT = "CREATE OR REPLACE FUNCTION auth.jwt() RETURNS JSONB LANGUAGE sql STABLE"
TOUCH = (
    "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql {} AS 'BEGIN {} RETURN NEW;"
    " END'"
)


@dataclass(frozen=True)
class Case:
    """A database in which something is as no migration declares it.

    Attributes:
        name: what happened, in a word or two.
        sql: what made it so; run by a superuser, in a transaction that is rolled back.
        differences: the ids of what must be found, and of nothing else.
        notes: the ids of what must be noted, and of nothing else.
        since: the first PostgreSQL that knows such a thing.
    """

    name: str
    sql: str
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    since: int = 15


def _member(sql: str, *found: str, since: int = 15) -> Case:
    return Case(sql, sql, tuple(f"role-membership {each}" for each in found), since=since)


ROLES = [
    _member("GRANT service_role TO authenticated", "authenticated in service_role"),
    _member("GRANT service_role TO anon", "anon in service_role"),
    _member("GRANT authenticated TO anon", "anon in authenticated"),
    _member(
        "CREATE ROLE staff; GRANT staff TO authenticated; GRANT service_role TO staff",
        "authenticated in service_role",
    ),
    _member(
        "GRANT service_role TO authenticated WITH INHERIT FALSE, SET TRUE",
        "authenticated in service_role",
        since=16,
    ),
    _member(
        "GRANT service_role TO authenticated WITH INHERIT TRUE, SET FALSE",
        "authenticated in service_role",
        since=16,
    ),
    _member(
        "GRANT service_role TO authenticated WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
        "authenticated in service_role",
        since=16,
    ),
    _member("GRANT service_role TO authenticated WITH INHERIT FALSE, SET FALSE", since=16),
    *(
        _member(f"GRANT {role} TO {caller}", f"{caller} in {role}")
        for caller in ("anon", "authenticated", "authenticator", "service_role")
        for role in ("pg_write_all_data", "pg_execute_server_program", "pg_write_server_files")
    ),
    _member("GRANT pg_read_all_data TO authenticated", "authenticated in pg_read_all_data"),
    _member("GRANT pg_read_all_data TO authenticator", "authenticator in pg_read_all_data"),
    _member("GRANT pg_read_all_data TO service_role"),
    _member(
        "GRANT pg_monitor TO authenticated",
        "authenticated in pg_monitor",
    ),
    *(
        _member(f"CREATE ROLE staff {power}; GRANT staff TO anon", "anon in staff")
        for power in ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION")
    ),
    _member("CREATE ROLE staff SUPERUSER; GRANT staff TO service_role", "service_role in staff"),
    _member("CREATE ROLE staff; GRANT staff TO authenticated"),
    # The first step is the fault; what postgres may do besides follows from it.
    _member(
        "REVOKE authenticated FROM postgres CASCADE; GRANT postgres TO authenticated",
        "authenticated in postgres",
    ),
    _member("GRANT postgres TO authenticator", "authenticator in postgres"),
    Case(
        "a role with a privilege on our tables",
        "CREATE ROLE staff; GRANT SELECT ON public.workflow_history TO staff;"
        "GRANT staff TO authenticated",
        (
            "drift table public.workflow_history: grant SELECT to staff",
            "role-membership authenticated in staff",
        ),
    ),
    _member("CREATE ROLE staff SUPERUSER; GRANT staff TO authenticator", "authenticator in staff"),
    Case(
        "authenticator inherits",
        "ALTER ROLE authenticator INHERIT; REVOKE authenticated FROM authenticator;"
        "GRANT authenticated TO authenticator",
        ("role-membership authenticator inherits authenticated",),
        since=16,
    ),
    Case(
        "a role for tokens",
        "CREATE ROLE clerk; GRANT clerk TO authenticator",
        notes=("role-membership authenticator in clerk",),
    ),
    Case(
        "a role for tokens that is a way to all",
        "CREATE ROLE clerk; GRANT clerk TO authenticator; GRANT service_role TO clerk",
        ("role-membership clerk in service_role",),
        ("role-membership authenticator in clerk",),
    ),
    Case(
        "a login",
        "CREATE ROLE reporter LOGIN; GRANT authenticated TO reporter",
        notes=("member reporter",),
    ),
    *(
        Case(
            f"{role} {word}",
            f"ALTER ROLE {role} {word}",
            (f"role-attribute {role} {word}",),
        )
        for role, words in {
            "anon": ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION", "LOGIN"),
            "authenticated": ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION", "LOGIN"),
            "authenticator": ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION"),
            "service_role": ("CREATEROLE", "REPLICATION", "LOGIN", "NOBYPASSRLS"),
        }.items()
        for word in words
    ),
]

CLAIMS = [
    Case(
        "as Supabase Auth writes it",
        f"""{JWT} AS $$
  select
    coalesce(
        nullif(current_setting('request.jwt.claim', true), ''), -- the old one
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$; CREATE ROLE supabase_auth_admin; ALTER FUNCTION auth.jwt() OWNER TO supabase_auth_admin""",
    ),
    *(
        Case(f"claims {name}", f"{JWT} AS $${body}$$", ("claim-function auth.jwt() body",))
        for name, body in {
            "fixed": 'SELECT \'{"app_code": "b"}\'::JSONB',
            "of another setting": "SELECT coalesce(nullif(current_setting('request.jwt.claim',"
            " TRUE), ''), nullif(current_setting('request.claims', TRUE), ''))::JSONB",
            "in the other order": "SELECT coalesce(nullif(current_setting('request.jwt.claims',"
            " TRUE), ''), nullif(current_setting('request.jwt.claim', TRUE), ''))::JSONB",
        }.items()
    ),
    *(
        Case(
            f"jwt {change}",
            f"ALTER FUNCTION auth.jwt() {change}",
            (f"claim-function auth.jwt() {word}",),
            tuple(notes),
        )
        for change, word, *notes in (
            ("VOLATILE", "volatility"),
            ("IMMUTABLE", "volatility"),
            ("STRICT", "strict"),
            ("SECURITY DEFINER", "security", "platform-functions SECURITY DEFINER"),
            ("SET search_path = public", "settings"),
        )
    ),
    Case(
        "jwt in plpgsql",
        f"{JWT.replace('LANGUAGE sql', 'LANGUAGE plpgsql')} AS 'BEGIN RETURN NULL; END'",
        ("claim-function auth.jwt() body", "claim-function auth.jwt() language"),
    ),
    Case(
        "jwt of a stranger",
        "CREATE ROLE stranger; ALTER FUNCTION auth.jwt() OWNER TO stranger",
        ("claim-function auth.jwt() owner",),
    ),
    Case(
        "jwt of a caller",
        "ALTER FUNCTION auth.jwt() OWNER TO authenticated",
        ("owner FUNCTION auth.jwt()",),
    ),
    Case(
        "jwt missing",
        "DROP FUNCTION auth.jwt() CASCADE",
        ("claim-function auth.jwt()", "*drift"),
    ),
]

ACCESS = [
    Case(
        "public closed",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC, anon, authenticated, service_role",
        tuple(f"usage-missing public {role}" for role in ("anon", "authenticated", "service_role")),
    ),
    Case(
        "auth closed",
        "REVOKE USAGE ON SCHEMA auth FROM PUBLIC, authenticated",
        ("usage-missing auth authenticated",),
    ),
    Case(
        "jwt closed",
        "REVOKE EXECUTE ON FUNCTION auth.jwt() FROM PUBLIC, authenticated",
        ("execute-missing auth.jwt() authenticated",),
    ),
    *(
        Case(
            f"create in {schema}",
            f"GRANT CREATE ON SCHEMA {schema} TO authenticated",
            (f"schema-create {schema} authenticated",),
        )
        for schema in ("public", "auth", "extensions")
    ),
    Case(
        "create for everyone",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        tuple(f"schema-create public {role}" for role in ("anon", "authenticated", "service_role")),
    ),
    Case(
        "create schemas",
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO anon', current_database());"
        " END $$",
        ("schema-create DATABASE anon",),
    ),
    Case(
        "create where nobody looks",
        "CREATE SCHEMA aside; GRANT CREATE ON SCHEMA aside TO authenticated",
    ),
    Case(
        "create in a schema on the path",
        "CREATE SCHEMA aside; GRANT CREATE ON SCHEMA aside TO anon;"
        "ALTER ROLE authenticator SET search_path = aside, public",
        ("schema-create aside anon",),
    ),
    Case(
        "table of a caller",
        "GRANT CREATE ON SCHEMA public TO service_role;"
        "ALTER TABLE public.workflow_history OWNER TO service_role;"
        "REVOKE CREATE ON SCHEMA public FROM service_role",
        ("owner TABLE public.workflow_history", "*drift"),
    ),
    Case(
        "schema of a caller",
        "ALTER SCHEMA auth OWNER TO authenticated",
        ("owner SCHEMA auth", "schema-create auth authenticated"),
    ),
    *(
        Case(grant, f"GRANT {grant}", tuple(f"system-privilege {each}" for each in found))
        for grant, *found in (
            (
                "EXECUTE ON FUNCTION pg_read_file(text) TO authenticated",
                "EXECUTE pg_read_file(text) to authenticated",
            ),
            ("SELECT ON pg_authid TO PUBLIC", "SELECT pg_authid to PUBLIC"),
            ("SELECT ON pg_statistic TO anon", "SELECT pg_statistic to anon"),
            ("EXECUTE ON FUNCTION pg_reload_conf() TO postgres",),
            ("SELECT ON pg_class TO authenticated",),
        )
    ),
    Case(
        "a parameter for a caller",
        "GRANT SET ON PARAMETER session_replication_role TO authenticated",
        ("parameter-privilege SET session_replication_role to authenticated",),
    ),
]


def _setting(target: str, name: str, value: str, found: str | None) -> Case:
    sql = f"""DO $$ BEGIN EXECUTE format('ALTER {target} SET %s = {value}', $q${name}$q$,
      current_database()); END $$"""
    sql = sql.replace("%s = ", "%1$s = ").replace("DATABASE", "DATABASE %2$I")
    return Case(f"{target} {name} {value}", sql, (f"setting {found}",) if found else ())


CLAIM_VALUE = "''{\"app_code\": \"b\"}''"

SETTINGS = [
    *(
        _setting(target, name, value, f"{name} for {who}")
        for name, value in {
            "request.jwt.claims": CLAIM_VALUE,
            "request.jwt.claim": CLAIM_VALUE,
            "role": "''service_role''",
            "row_security": "off",
            "session_replication_role": "replica",
        }.items()
        for target, who in {
            "ROLE authenticated": "authenticated in every database",
            "ROLE authenticator": "authenticator in every database",
            "ROLE ALL": "every role in every database",
            "DATABASE": "every role in this database",
            "ROLE anon IN DATABASE": "anon in this database",
        }.items()
    ),
    _setting("ROLE authenticated", "statement_timeout", "''8s''", None),
    _setting("ROLE authenticator", "session_replication_role", "origin", None),
    _setting("ROLE anon", "row_security", "on", None),
    _setting("ROLE authenticator", "search_path", "public, extensions", None),
    _setting(
        "DATABASE",
        "search_path",
        "public, pg_catalog",
        "search_path for every role in this database",
    ),
    _setting(
        "ROLE authenticator",
        "pgrst.db_anon_role",
        "''service_role''",
        "pgrst.db_anon_role for authenticator in every database",
    ),
    _setting("ROLE authenticator", "pgrst.db_anon_role", "''anon''", None),
    Case(
        "claims in the server's files, as far as a session can tell",
        "SET LOCAL request.jwt.claims = '{}'",
        ("setting request.jwt.claims for every role in postgresql.conf",),
    ),
    Case(
        "a pre-request function",
        "ALTER ROLE authenticator SET pgrst.db_pre_request = 'public.check'",
        notes=("setting pgrst.db_pre_request for authenticator in every database",),
    ),
]

REACHING = [
    Case("view of the owner's", LOOK, notes=("definer-view public.look",)),
    Case(
        "view for callers",
        f"{LOOK}; GRANT SELECT ON public.look TO authenticated",
        ("definer-view public.look",),
    ),
    Case(
        "view for everyone",
        f"{LOOK}; GRANT SELECT ON public.look TO PUBLIC",
        ("definer-view public.look",),
    ),
    Case(
        "view by column",
        f"{LOOK}; GRANT SELECT (id) ON public.look TO anon",
        ("definer-view public.look",),
    ),
    Case(
        "view to write history through",
        "CREATE VIEW public.look AS SELECT * FROM public.workflow_history;"
        "GRANT SELECT, DELETE ON public.look TO service_role",
        ("definer-view public.look",),
    ),
    Case(
        "view to read by the engine",
        f"{LOOK}; GRANT SELECT ON public.look TO service_role",
        notes=("definer-view public.look",),
    ),
    Case(
        "view of its caller's",
        "CREATE VIEW public.look WITH (security_invoker = on) AS"
        " SELECT * FROM public.workflow_instances; GRANT SELECT ON public.look TO authenticated",
    ),
    Case(
        "view on a view",
        f"CREATE SCHEMA hidden; {LOOK.replace('public.look', 'hidden.look')};"
        "CREATE VIEW public.more AS SELECT * FROM hidden.look;"
        "GRANT SELECT ON public.more TO authenticated",
        ("definer-view public.more",),
        ("definer-view hidden.look",),
    ),
    Case(
        "view in a closed schema",
        f"CREATE SCHEMA hidden; {LOOK.replace('public.look', 'hidden.look')};"
        "GRANT SELECT ON hidden.look TO authenticated",
        notes=("definer-view hidden.look",),
    ),
    Case(
        "view of something else",
        "CREATE TABLE public.other (id INT); CREATE VIEW public.look AS SELECT * FROM public.other;"
        "GRANT SELECT ON public.look TO authenticated",
    ),
    Case(
        "a rule on a view of its caller's",
        "CREATE VIEW public.look WITH (security_invoker = on) AS SELECT 1 AS id;"
        "CREATE RULE gone AS ON DELETE TO public.look DO INSTEAD"
        " DELETE FROM public.workflow_instances; GRANT DELETE ON public.look TO authenticated",
        ("rule public.look",),
    ),
    Case(
        "a rule on another table",
        "CREATE TABLE public.other (id INT);"
        "CREATE RULE gone AS ON INSERT TO public.other DO ALSO DELETE FROM public.workflow_history;"
        "GRANT INSERT ON public.other TO authenticated",
        ("rule public.other",),
    ),
    Case(
        "view in a closed schema, reached through another",
        f"CREATE SCHEMA hidden; {LOOK.replace('public.look', 'hidden.look')};"
        "GRANT SELECT ON hidden.look TO authenticated;"
        "CREATE VIEW public.more WITH (security_invoker = on) AS SELECT * FROM hidden.look;"
        "GRANT SELECT ON public.more TO authenticated",
        ("definer-view hidden.look",),
    ),
    Case("copies of the owner's", SUM, notes=("materialized-view public.totals",)),
    Case(
        "copies for callers",
        f"{SUM}; GRANT SELECT ON public.totals TO anon",
        ("materialized-view public.totals",),
    ),
    Case(
        "copies behind a view and a function",
        f"{SUM}; CREATE VIEW public.look AS SELECT * FROM public.totals;"
        "CREATE FUNCTION public.total() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " BEGIN ATOMIC SELECT count FROM public.look; END",
        ("definer-function public.total()",),
        ("definer-view public.look", "materialized-view public.totals"),
    ),
    Case("function for everyone", ATOMIC, ("definer-function public.runs()",)),
    Case(
        "function for the owner",
        f"{ATOMIC}; REVOKE EXECUTE ON FUNCTION public.runs() FROM PUBLIC",
    ),
    Case("function of its caller's", ATOMIC.replace(" SECURITY DEFINER", "")),
    Case(
        "view on a function",
        f"{ATOMIC}; REVOKE EXECUTE ON FUNCTION public.runs() FROM PUBLIC;"
        "CREATE VIEW public.look AS SELECT public.runs();"
        "GRANT SELECT ON public.look TO authenticated",
        ("definer-view public.look",),
    ),
    Case("a body that hides it", PLPGSQL, ("unread-function public.hidden()",)),
    Case(
        "a body that the engine may run",
        f"{PLPGSQL}; REVOKE EXECUTE ON FUNCTION public.hidden() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION public.hidden() TO service_role",
        notes=("unread-function public.hidden()",),
    ),
    Case(
        "a text of SQL that hides it",
        "CREATE FUNCTION public.hidden() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM public.workflow_instances'",
        ("unread-function public.hidden()",),
    ),
    Case(
        "a body that the owner alone may run",
        f"{PLPGSQL}; REVOKE EXECUTE ON FUNCTION public.hidden() FROM PUBLIC",
    ),
    Case(
        "a body in a closed schema",
        f"CREATE SCHEMA hidden; {PLPGSQL.replace('public.hidden', 'hidden.hidden')}",
    ),
    Case(
        "a body in a closed schema, reached through a view",
        f"CREATE SCHEMA hidden; {PLPGSQL.replace('public.hidden', 'hidden.hidden')};"
        "ALTER FUNCTION hidden.hidden() OWNER TO postgres;"
        "CREATE VIEW public.look AS SELECT hidden.hidden();"
        "GRANT SELECT ON public.look TO authenticated",
        ("unread-function hidden.hidden()",),
    ),
    Case(
        "a body in a closed schema, asked by a policy",
        f"CREATE SCHEMA hidden; {PLPGSQL.replace('public.hidden', 'hidden.hidden')};"
        "ALTER FUNCTION hidden.hidden() OWNER TO postgres;"
        "CREATE TABLE public.other (id INT); CREATE POLICY p ON public.other"
        " USING (id = hidden.hidden())",
    ),
    Case(
        "a body for a role that a caller may become",
        f"{PLPGSQL}; REVOKE EXECUTE ON FUNCTION public.hidden() FROM PUBLIC; CREATE ROLE staff;"
        "GRANT EXECUTE ON FUNCTION public.hidden() TO staff;"
        "ALTER ROLE authenticated NOINHERIT; GRANT staff TO authenticated",
        ("unread-function public.hidden()",),
    ),
    Case(
        "a body that no privilege binds",
        "CREATE FUNCTION public.pid() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
        ("unread-function public.pid()",),
    ),
    *(
        Case(
            f"a body with {text}",
            "CREATE FUNCTION public.exec(q TEXT) RETURNS VOID LANGUAGE plpgsql AS"
            f" $f$ BEGIN {text}; END $f$",
            (
                *(["dynamic-sql public.exec(text)"] if dynamic else []),
                *(["function-setting public.exec(text)"] if sets else []),
            ),
        )
        for text, sets, dynamic in (
            ("EXECUTE q", False, True),
            ("EXECUTE format('SELECT %s', q)", False, True),
            ("PERFORM set_config(q, 'x', TRUE)", False, True),
            ("PERFORM set_config('role', q, TRUE)", True, False),
            ("PERFORM set_config ( 'request.jwt.claims', q, TRUE)", True, False),
            ("SET LOCAL ROLE service_role", True, False),
            ("SET request.jwt.claims = '{}'", True, False),
            ("SET SESSION AUTHORIZATION postgres", True, False),
            ("PERFORM set_config('response.headers', q, TRUE)", False, False),
            ("PERFORM current_setting('request.jwt.claims')", False, False),
            ("PERFORM \"set_config\"('role', q, TRUE)", True, False),
            ("PERFORM pg_catalog.\"set_config\" /* a /* b */ c */ ('role', q, TRUE)", True, False),
            ("PERFORM set_config -- a\n(\n-- b's\n'role', q, TRUE)", True, False),
            ("PERFORM set_config(E'request.jwt.claims', q, TRUE)", True, False),
            (r"PERFORM set_config(E'\x72ole', q, TRUE)", False, True),
            ("PERFORM set_config(U&'r\\006fle', q, TRUE)", False, True),
            ("PERFORM set_config($$role$$, q, TRUE)", True, False),
            ("PERFORM set_config('ro' || 'le', q, TRUE)", False, True),
            ("PERFORM '/*', set_config('role', q, TRUE), '*/'", True, False),
            ("PERFORM $$it's$$, set_config('role', q, TRUE)", True, False),
            ('SET LOCAL "role" = service_role', True, False),
            ("SET/**/ROLE service_role", True, False),
            ('SET "request"."jwt"."claims" = \'{}\'', True, False),
            ("SET \"request.jwt.claims\" = '{}'", True, False),
            ("IF q IS NULL THEN SET ROLE service_role; END IF", True, False),
            ("EXECUTE 'SET ROLE service_role'", True, True),
            ("EXECUTE 'SELECT set_config(''role'', $1, TRUE)' USING q", True, True),
            ("EXECUTE/**/q", False, True),
            ("DO $$ BEGIN EXECUTE current_setting('my.sql'); END $$", False, True),
            ("/* we EXECUTE nothing, and set_config('role', q) */ NULL", False, False),
            ("-- SET ROLE is for others\nNULL", False, False),
            ("RAISE 'cannot execute this'", False, False),
            ("UPDATE public.members SET role = q", False, False),
        )
    ),
    *(
        Case(
            f"a parsed body of {rights} with {call}",
            f"CREATE FUNCTION public.become(q TEXT) RETURNS TEXT LANGUAGE sql {rights}"
            f" BEGIN ATOMIC SELECT {call}; END",
            found,
        )
        for rights in ("SECURITY INVOKER", "SECURITY DEFINER")
        for call, found in {
            "set_config('request.jwt.claims', q, TRUE)": ("function-setting public.become(text)",),
            "set_config(q, 'x', TRUE)": ("dynamic-sql public.become(text)",),
            "set_config('response.headers', q, TRUE)": (),
        }.items()
    ),
    *(
        Case(
            f"SQL of {role}'s own",
            "CREATE FUNCTION public.exec_sql(q TEXT) RETURNS VOID LANGUAGE plpgsql AS"
            " 'BEGIN EXECUTE q; END'; REVOKE EXECUTE ON FUNCTION public.exec_sql(TEXT) FROM PUBLIC,"
            " anon, authenticated, service_role;"
            f"GRANT EXECUTE ON FUNCTION public.exec_sql(TEXT) TO {role}",
            () if role == "service_role" else ("dynamic-sql public.exec_sql(text)",),
            ("dynamic-sql public.exec_sql(text)",) if role == "service_role" else (),
        )
        for role in ("anon", "authenticated", "service_role")
    ),
    Case(
        "an aggregate",
        "CREATE AGGREGATE public.total(int) (SFUNC = int4pl, STYPE = int)",
    ),
    *(
        Case(
            f"view of {rights} with {call}",
            f"CREATE VIEW public.become WITH (security_invoker = {rights}) AS SELECT {call} AS a;"
            "GRANT SELECT ON public.become TO authenticated",
            ("view-setting public.become",) if found else (),
        )
        for rights in ("on", "off")
        for call, found in {
            "set_config('request.jwt.claims', '{}', TRUE)": True,
            "pg_catalog.\"set_config\"(E'role', 'service_role', TRUE)": True,
            "set_config(current_setting('my.name'), 'x', TRUE)": True,
            "set_config('response.headers', '[]', TRUE)": False,
            "current_setting('request.jwt.claims', TRUE)": False,
        }.items()
    ),
    Case(
        "a view that sets claims for its owner alone",
        "CREATE VIEW public.become AS SELECT set_config('role', 'service_role', TRUE)",
    ),
    Case(
        "a view that sets claims in a closed schema, reached through another",
        "CREATE SCHEMA hidden; CREATE VIEW hidden.become AS SELECT set_config('role', 'x', TRUE);"
        "ALTER VIEW hidden.become OWNER TO postgres;"
        "GRANT SELECT ON hidden.become TO authenticated;"
        "CREATE VIEW public.more WITH (security_invoker = on) AS SELECT * FROM hidden.become;"
        "GRANT SELECT ON public.more TO authenticated",
        ("view-setting hidden.become",),
    ),
    Case(
        "a rule that sets claims",
        "CREATE TABLE public.other (id INT); CREATE RULE become AS ON INSERT TO public.other"
        " DO ALSO SELECT set_config('request.jwt.claims', '{}', TRUE);"
        "GRANT INSERT ON public.other TO authenticated",
        ("view-setting public.other",),
    ),
    Case("a body with its caller's rights", PLPGSQL.replace(" SECURITY DEFINER", "")),
    Case(
        "the platform's own",
        f"CREATE SCHEMA storage; GRANT USAGE ON SCHEMA storage TO anon;"
        f"{PLPGSQL.replace('public.hidden', 'storage.hidden')};"
        "CREATE ROLE supabase_storage_admin;"
        "ALTER FUNCTION storage.hidden() OWNER TO supabase_storage_admin",
        notes=("platform-functions SECURITY DEFINER",),
    ),
    Case(
        "the platform's own, with our tables in it",
        "CREATE SCHEMA storage; GRANT USAGE ON SCHEMA storage TO anon;"
        "CREATE FUNCTION storage.hidden() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM public.workflow_instances';"
        "CREATE ROLE supabase_storage_admin;"
        "ALTER FUNCTION storage.hidden() OWNER TO supabase_storage_admin",
        ("unread-function storage.hidden()",),
    ),
    Case(
        "a function that sets claims",
        f"{PLPGSQL.replace(' SECURITY DEFINER', '')};"
        "ALTER FUNCTION public.hidden() SET request.jwt.claims = '{}'",
        ("function-setting public.hidden()",),
    ),
    Case(
        "a function that sets the role",
        f"{PLPGSQL.replace(' SECURITY DEFINER', '')};"
        "ALTER FUNCTION public.hidden() SET role = 'service_role'",
        ("function-setting public.hidden()",),
    ),
    Case(
        "a foreign table",
        "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER there FOREIGN DATA WRAPPER away;"
        "CREATE FOREIGN TABLE public.far (id INT) SERVER there;"
        "GRANT SELECT ON public.far TO authenticated",
        ("foreign-table public.far",),
    ),
    Case(
        "a foreign table of the owner's",
        "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER there FOREIGN DATA WRAPPER away;"
        "CREATE FOREIGN TABLE public.far (id INT) SERVER there",
    ),
    Case(
        "a foreign server",
        "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER there FOREIGN DATA WRAPPER away;"
        "GRANT USAGE ON FOREIGN SERVER there TO authenticated",
        ("foreign-server there",),
    ),
    Case(
        "a trigger elsewhere that names our tables",
        "CREATE TABLE public.other (id INT); GRANT INSERT ON public.other TO authenticated;"
        + TOUCH.format("SECURITY DEFINER", "DELETE FROM public.workflow_history;")
        + "; CREATE TRIGGER gone AFTER INSERT ON public.other"
        " FOR EACH ROW EXECUTE FUNCTION public.touch()",
        ("definer-trigger gone on public.other",),
    ),
    Case(
        "a trigger elsewhere",
        "CREATE TABLE public.other (id INT); GRANT INSERT ON public.other TO authenticated;"
        + TOUCH.format("SECURITY DEFINER", "")
        + "; CREATE TRIGGER gone AFTER INSERT ON public.other"
        " FOR EACH ROW EXECUTE FUNCTION public.touch()",
        notes=("unread-triggers SECURITY DEFINER",),
    ),
    Case(
        "a trigger of ours",
        TOUCH.format("", "") + "; CREATE TRIGGER touched BEFORE UPDATE ON public.instance_tasks"
        " FOR EACH ROW EXECUTE FUNCTION public.touch()",
        notes=("drift table public.instance_tasks: trigger touched",),
    ),
    Case(
        "a trigger of ours with its owner's rights",
        TOUCH.format("SECURITY DEFINER", "")
        + "; CREATE TRIGGER touched BEFORE UPDATE ON public.instance_tasks"
        " FOR EACH ROW EXECUTE FUNCTION public.touch()",
        ("drift table public.instance_tasks: trigger touched",),
    ),
    Case(
        "a trigger's function of a caller",
        TOUCH.format("", "") + "; CREATE TRIGGER touched BEFORE UPDATE ON public.instance_tasks"
        " FOR EACH ROW EXECUTE FUNCTION public.touch();"
        "ALTER FUNCTION public.touch() OWNER TO authenticated",
        ("owner FUNCTION public.touch()",),
        ("drift table public.instance_tasks: trigger touched",),
    ),
    Case(
        "published by name",
        "CREATE PUBLICATION sent FOR TABLE public.workflow_history",
        notes=("publication sent",),
    ),
    Case(
        "published by schema",
        "CREATE PUBLICATION sent FOR TABLES IN SCHEMA public",
        notes=("publication sent",),
    ),
    Case("published all", "CREATE PUBLICATION sent FOR ALL TABLES", notes=("publication sent",)),
    Case("published something else", "CREATE PUBLICATION supabase_realtime"),
]

SHADOWS = [
    Case(
        "an operator",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
        ("shadow operator public.=(text,text)",),
    ),
    Case(
        "an operator for types of its own",
        "CREATE TYPE public.point3 AS (x INT);"
        "CREATE FUNCTION public.same(public.point3, public.point3) RETURNS boolean LANGUAGE sql"
        " RETURN TRUE; CREATE OPERATOR public.= (LEFTARG = public.point3,"
        " RIGHTARG = public.point3, FUNCTION = public.same)",
    ),
    Case(
        "an operator that PostgreSQL has not",
        "CREATE OPERATOR public.=~~= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
    ),
    Case(
        "a function",
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql RETURN NULL::timestamptz",
        ("shadow function public.now()",),
    ),
    Case(
        "a function with more arguments",
        "CREATE FUNCTION extensions.lower(text, int) RETURNS text LANGUAGE sql RETURN $1",
    ),
    Case(
        "a function with an argument that may be left out",
        "CREATE FUNCTION extensions.upper(text, int DEFAULT 0) RETURNS text LANGUAGE sql RETURN $1",
        ("shadow function extensions.upper(text,integer)",),
    ),
    Case(
        "a function where nobody looks",
        "CREATE SCHEMA aside;"
        "CREATE FUNCTION aside.now() RETURNS timestamptz LANGUAGE sql RETURN NULL::timestamptz",
    ),
    Case(
        "a function in a schema on the path",
        "CREATE SCHEMA aside;"
        "CREATE FUNCTION aside.now() RETURNS timestamptz LANGUAGE sql RETURN NULL::timestamptz;"
        "ALTER ROLE authenticated SET search_path = 'aside', 'public'",
        ("shadow function aside.now()",),
    ),
    Case(
        "a function in a caller's own schema",
        "CREATE SCHEMA authenticated;"
        "CREATE FUNCTION authenticated.now() RETURNS timestamptz LANGUAGE sql"
        " RETURN NULL::timestamptz",
        ("shadow function authenticated.now()",),
    ),
    Case("a type", "CREATE DOMAIN public.uuid AS pg_catalog.uuid", ("shadow domain public.uuid",)),
    Case(
        "a relation",
        "CREATE VIEW public.pg_policies AS SELECT 1 AS a",
        ("shadow view public.pg_policies",),
    ),
    Case(
        "a cast",
        "CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT",
        ("cast cast (text AS uuid)",),
    ),
    Case("a cast that is asked for", "CREATE CAST (text AS uuid) WITH INOUT"),
]

LEGITIMATE = [
    Case(
        "replica identity",
        "ALTER TABLE public.instance_tasks REPLICA IDENTITY FULL",
        notes=("drift table public.instance_tasks: replica identity",),
    ),
    Case(
        "narrower still",
        "ALTER TABLE public.instance_tasks FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY less ON public.instance_tasks AS RESTRICTIVE TO authenticated"
        " USING (is_active)",
        notes=(
            "drift policy less on public.instance_tasks",
            "drift table public.instance_tasks: row-level security for the owner",
        ),
    ),
    Case(
        "what a later migration adds",
        "ALTER TABLE public.instance_tasks ADD COLUMN extra INT;"
        "CREATE INDEX more ON public.instance_tasks (extra)",
    ),
]


@pytest.fixture(scope="module")
def database(
    cluster: Cluster, stubs: list[tuple[str, str]], migrations: list[tuple[str, str]]
) -> Iterator[Database]:
    """Return a database with all migrations, in which nothing is committed."""
    template = cluster.template(PrivilegeRegime.EXPLICIT, stubs, migrations)
    with cluster.clone(template) as found:
        yield found


@pytest.fixture(scope="module")
def expected(database: Database) -> Snapshot:
    """Return what the migrations make."""
    with psycopg.connect(database.url) as connection:
        return read_snapshot(connection, NAMES)


@pytest.fixture
def changing(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Return a superuser's transaction, which is rolled back: roles belong to all tests."""
    options = "-c statement_timeout=60s"
    with psycopg.connect(database.admin_url, options=options) as connection:
        if connection.info.parameter_status("is_superuser") != "on":
            pytest.skip("needs a superuser: unset DATABASE_URL, or name one in it")
        yield connection
        connection.rollback()


def _change(connection: psycopg.Connection[Any], sql: str) -> None:
    if "ROLE" in sql or sql.startswith("GRANT"):
        # Roles belong to the server, and tests beside this one could change them in another order,
        # which would be a deadlock. Nothing else uses this catalog, which belongs to it as well.
        connection.execute("LOCK TABLE pg_catalog.pg_replication_origin IN EXCLUSIVE MODE")
    connection.execute(sql)


def _ids(findings: list[Finding], level: Level) -> set[str]:
    return {finding.id for finding in findings if finding.level is level}


@pytest.mark.parametrize(
    "case",
    [*ROLES, *CLAIMS, *ACCESS, *SETTINGS, *REACHING, *SHADOWS, *LEGITIMATE],
    ids=lambda case: case.name.replace(" ", "-"),
)
def test_what_voids_tenancy_is_named(
    changing: psycopg.Connection[Any], expected: Snapshot, case: Case
) -> None:
    """Each hole is one finding by a name that stays the same, and nothing else is found."""
    if changing.info.server_version // 10000 < case.since:
        pytest.skip(f"PostgreSQL {case.since} is the first to know this")
    _change(changing, case.sql)

    found = compare(expected, read_snapshot(changing, NAMES), NAMES)

    differences = _ids(found, Level.DIFFERENCE)
    if "*drift" in case.differences:
        differences = {each for each in differences if not each.startswith("drift ")} | {"*drift"}
    assert differences == set(case.differences)
    assert _ids(found, Level.NOTE) == set(case.notes)
    assert all(finding.remedy for finding in found)


def test_a_fresh_supabase_has_no_finding(migrated_database: Database, expected: Snapshot) -> None:
    """Under both defaults of privileges: a false alarm teaches people to look away."""
    with psycopg.connect(migrated_database.url) as connection:
        actual = read_snapshot(connection, NAMES)

    assert compare(expected, actual, NAMES) == []


def test_a_server_that_is_no_supabase_is_named(expected: Snapshot) -> None:
    """The missing roles and auth.jwt() are named, and nothing that only follows from that."""
    nothing = replace(expected.boundary, roles={}, memberships=(), functions=())

    assert {finding.id for finding in judge(expected.boundary, nothing)} == {
        "claim-function auth.jwt()",
        "role-missing anon",
        "role-missing authenticated",
        "role-missing service_role",
    }


def test_any_login_may_look(changing: psycopg.Connection[Any], expected: Snapshot) -> None:
    """Neither a privilege on the tables is needed nor one on the catalogs."""
    _change(changing, "CREATE ROLE monitor; SET LOCAL ROLE monitor")
    changing.execute("SET LOCAL search_path = extensions, public, auth")

    actual = read_snapshot(changing, NAMES)

    assert compare(expected, actual, NAMES) == []
    assert changing.execute("SHOW search_path").fetchone() == ("extensions, public, auth",)


HOSTED = """
  CREATE ROLE supabase_auth_admin NOINHERIT CREATEROLE LOGIN;
  CREATE ROLE supabase_storage_admin NOINHERIT CREATEROLE LOGIN;
  CREATE ROLE supabase_replication_admin LOGIN REPLICATION;
  CREATE ROLE supabase_read_only_user LOGIN BYPASSRLS;
  CREATE ROLE supabase_realtime_admin NOINHERIT;
  CREATE ROLE dashboard_user CREATEDB CREATEROLE REPLICATION;
  CREATE ROLE pgbouncer LOGIN;
  ALTER ROLE anon INHERIT; ALTER ROLE authenticated INHERIT; ALTER ROLE service_role INHERIT;
  GRANT authenticator TO postgres, supabase_storage_admin;
  GRANT pg_read_all_data, pg_monitor, pg_signal_backend TO postgres;
  GRANT pg_read_all_data TO supabase_read_only_user;
  ALTER ROLE anon SET statement_timeout = '3s';
  ALTER ROLE authenticated SET statement_timeout = '8s';
  ALTER ROLE authenticator SET statement_timeout = '8s';
  ALTER ROLE authenticator SET session_preload_libraries = 'safeupdate';
  ALTER ROLE postgres SET search_path = "$user", public, extensions;
  ALTER ROLE supabase_admin SET search_path = "$user", public, auth, extensions;
  ALTER ROLE supabase_auth_admin SET search_path = 'auth';
  ALTER ROLE supabase_read_only_user SET default_transaction_read_only = 'on';
  ALTER FUNCTION auth.jwt() OWNER TO supabase_auth_admin;
  GRANT ALL ON SCHEMA auth, extensions TO dashboard_user;
  GRANT ALL ON SCHEMA auth TO supabase_auth_admin;
  CREATE PUBLICATION supabase_realtime;
  CREATE SCHEMA storage; CREATE SCHEMA graphql_public;
  CREATE SCHEMA pgbouncer AUTHORIZATION pgbouncer;
  GRANT USAGE ON SCHEMA storage, graphql_public TO anon, authenticated, service_role;
  CREATE FUNCTION pgbouncer.get_auth(TEXT) RETURNS TEXT LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN NULL; END';
  CREATE FUNCTION graphql_public.graphql(TEXT) RETURNS JSONB LANGUAGE sql AS 'SELECT NULL::jsonb';
  CREATE TABLE storage.objects (id UUID, name TEXT);
  GRANT ALL ON storage.objects TO anon, authenticated, service_role;
  CREATE FUNCTION storage.search(TEXT) RETURNS TEXT LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN NULL; END';
  CREATE FUNCTION storage.changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER changed AFTER INSERT ON storage.objects
    FOR EACH ROW EXECUTE FUNCTION storage.changed();
  ALTER FUNCTION storage.search(TEXT) OWNER TO supabase_storage_admin;
  ALTER FUNCTION storage.changed() OWNER TO supabase_storage_admin;
  CREATE FUNCTION extensions.grant_pg_cron_access() RETURNS event_trigger LANGUAGE plpgsql
    SECURITY DEFINER AS 'BEGIN END';
"""
"""What a hosted project has besides, in brief: supabase/postgres, migrations/, of 2025."""


def test_a_hosted_project_has_no_difference(
    changing: psycopg.Connection[Any], expected: Snapshot
) -> None:
    """The platform's own roles, memberships, settings and functions make one note."""
    _change(changing, HOSTED)

    found = compare(expected, read_snapshot(changing, NAMES), NAMES)

    assert [finding.id for finding in found] == ["platform-functions SECURITY DEFINER"]
