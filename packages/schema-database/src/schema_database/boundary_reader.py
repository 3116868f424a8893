"""Reads from PostgreSQL 15 to 18 what `boundary` has; must not know what is right.

It reads nothing but catalogs, with a `search_path` of `pg_catalog` alone, which makes PostgreSQL
write all other names with their schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.types.json import Jsonb

from schema_database.boundary import (
    CONFIGURATION,
    Boundary,
    Channel,
    Function,
    Membership,
    ParameterPrivilege,
    Relation,
    Role,
    Routine,
    Schema,
    Setting,
    SettingRule,
    Shadow,
    SystemPrivilege,
    callers_of,
    path_schemas,
)
from schema_database.routine_text import runs_own_sql, sets_caller
from schema_database.supabase import CLAIM_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

_ROLES = """
    SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcanlogin FROM pg_roles
"""

# Before 16 a membership has no options: SET ROLE is always allowed, and inheriting is the member's.
_MEMBERSHIPS = """
    SELECT g.rolname, m.rolname,
      coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, m.rolinherit),
      coalesce((to_jsonb(a) ->> 'set_option')::boolean, true),
      a.admin_option
    FROM pg_auth_members a
    JOIN pg_roles g ON g.oid = a.roleid
    JOIN pg_roles m ON m.oid = a.member
    UNION ALL
    SELECT 'pg_database_owner', pg_get_userbyid(d.datdba), true, true, false
    FROM pg_database d WHERE d.datname = current_database()
"""

# A setting that the connection's own URL asks for is nobody else's.
_SETTINGS = """
    SELECT lower(split_part(entry, '=', 1)), substr(entry, strpos(entry, '=') + 1), r.rolname,
      CASE s.setdatabase WHEN 0 THEN 'every database' ELSE 'this database' END
    FROM pg_db_role_setting s
    CROSS JOIN LATERAL unnest(s.setconfig) AS entry
    LEFT JOIN pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase IN (
        0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
      AND (s.setrole = 0 OR r.oid IS NOT NULL)
    UNION ALL
    SELECT name, reset_val, NULL, %(configuration)s FROM pg_settings
    WHERE name IN ('row_security', 'session_replication_role')
      AND source IN ('configuration file', 'command line', 'environment variable', 'global')
"""

# Settings that no module has declared are in no view: what is set here and explained by nothing
# that is set for a database or a role comes from the server's files.
_PLACEHOLDERS = """
    SELECT name, current_setting(name, true)
    FROM unnest(ARRAY['request.jwt.claim', 'request.jwt.claims']) AS name
    WHERE current_setting(name, true) <> ''
"""

_PARAMETERS = """
    SELECT p.parname, a.privilege_type,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END
    FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) AS a
"""

# What initdb and extensions gave is in pg_init_privs, where it is not the default.
_SYSTEM_PRIVILEGES = """
    WITH objects AS (
      SELECT 'TABLE' AS kind, 'r'::"char" AS sort, 'pg_class'::regclass AS classid, c.oid,
        c.oid::regclass::text AS name, c.relowner AS owner, c.relacl AS acl
      FROM pg_class c
      WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relacl IS NOT NULL
      UNION ALL
      SELECT 'FUNCTION', 'f', 'pg_proc'::regclass, p.oid, p.oid::regprocedure::text, p.proowner,
        p.proacl
      FROM pg_proc p
      WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
    )
    SELECT DISTINCT o.kind, o.name, a.privilege_type,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END
    FROM objects o
    CROSS JOIN LATERAL aclexplode(o.acl) AS a
    WHERE (a.grantee = 0 OR pg_get_userbyid(a.grantee) = ANY (%(callers)s))
      AND NOT EXISTS (
        SELECT FROM aclexplode(coalesce(
          (SELECT i.initprivs FROM pg_init_privs i
            WHERE i.classoid = o.classid AND i.objoid = o.oid AND i.objsubid = 0),
          acldefault(o.sort, o.owner))) AS b
        WHERE b.grantee IN (0, a.grantee) AND b.privilege_type = a.privilege_type)
    ORDER BY 1, 2, 3, 4
"""

_TABLES = """
    SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname), n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND format('%%I.%%I', n.nspname, c.relname) = ANY (%(names)s)
    ORDER BY 2
"""

_GRANTEES = """
    SELECT DISTINCT pg_get_userbyid(a.grantee)
    FROM pg_class c
    CROSS JOIN LATERAL (
      SELECT c.relacl AS acl
      UNION ALL SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid) AS g
    CROSS JOIN LATERAL aclexplode(g.acl) AS a
    WHERE c.oid = ANY (%(tables)s::oid[]) AND a.grantee <> 0 AND a.grantee <> c.relowner
"""

_SCHEMAS = """
    SELECT n.nspname,
      ARRAY(SELECT r.rolname::text FROM pg_roles r
        WHERE r.rolname = ANY (%(callers)s) AND has_schema_privilege(r.oid, n.oid, 'USAGE')),
      ARRAY(SELECT r.rolname::text FROM pg_roles r
        WHERE r.rolname = ANY (%(callers)s) AND has_schema_privilege(r.oid, n.oid, 'CREATE'))
    FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
    ORDER BY 1
"""

_DATABASE_CREATE = """
    SELECT r.rolname FROM pg_roles r
    WHERE r.rolname = ANY (%(callers)s)
      AND has_database_privilege(r.oid, current_database(), 'CREATE')
"""

_SERVERS = """
    SELECT quote_ident(s.srvname), x.callers
    FROM pg_foreign_server s
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT r.rolname::text FROM pg_roles r
      WHERE r.rolname = ANY (%(callers)s) AND has_server_privilege(r.oid, s.oid, 'USAGE'))
      AS callers) AS x
    WHERE x.callers <> '{}'
    ORDER BY 1
"""

_POLICY_FUNCTIONS = """
    SELECT p.oid::regprocedure::text, n.nspname, pg_get_userbyid(p.proowner),
      coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
      jsonb_strip_nulls(jsonb_build_object(
        'language', l.lanname,
        'kind', CASE p.prokind WHEN 'f' THEN 'function' WHEN 'a' THEN 'aggregate'
          WHEN 'w' THEN 'window function' ELSE 'procedure' END,
        'returns', pg_get_function_result(p.oid),
        'volatility', CASE p.provolatile
          WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
        'security', CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END,
        'strict', CASE WHEN p.proisstrict THEN 'yes' END,
        'settings', array_to_string(p.proconfig, ', '))),
      ARRAY(SELECT r.rolname::text FROM pg_roles r
        WHERE r.rolname = ANY (%(callers)s) AND has_function_privilege(r.oid, p.oid, 'EXECUTE'))
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid::regprocedure::text = %(claim)s OR p.oid IN (
      SELECT d.refobjid FROM pg_policy y JOIN pg_depend d
        ON d.classid = 'pg_policy'::regclass AND d.objid = y.oid
        AND d.refclassid = 'pg_proc'::regclass
      WHERE y.polrelid = ANY (%(tables)s::oid[]))
    ORDER BY 1
"""

_OWNERS = """
    SELECT format('TABLE %%I.%%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(tables)s::oid[])
    UNION
    SELECT format('SCHEMA %%I', n.nspname), pg_get_userbyid(n.nspowner)
    FROM pg_namespace n
    WHERE n.oid IN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = ANY (%(tables)s::oid[]))
      OR n.nspname = ANY (%(schemas)s)
    UNION
    SELECT format('DATABASE %%I', d.datname), pg_get_userbyid(d.datdba)
    FROM pg_database d WHERE d.datname = current_database()
    UNION
    SELECT format('FUNCTION %%s', p.oid::regprocedure), pg_get_userbyid(p.proowner)
    FROM pg_proc p
    WHERE p.oid::regprocedure::text = ANY (%(functions)s)
      OR p.oid IN (SELECT t.tgfoid FROM pg_trigger t
        WHERE t.tgrelid = ANY (%(tables)s::oid[]) AND NOT t.tgisinternal)
    ORDER BY 1
"""

# What depends on our tables, step by step: a rule leads to the relation that has it, which is how
# PostgreSQL keeps a view; a function is here only where PostgreSQL itself keeps its parsed body.
_REACHED = """
    WITH RECURSIVE reaching (classid, objid, root, by_rule) AS (
      SELECT 'pg_class'::regclass::oid, root, root, false
      FROM unnest(%(tables)s::oid[]) AS root
      UNION
      SELECT
        CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
        coalesce(w.ev_class, d.objid), r.root,
        coalesce(w.ev_type <> '1', false)
      FROM reaching r
      JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid
      LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
      WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass,
        'pg_cast'::regclass)
    )
    SELECT r.classid::regclass::text, r.objid::bigint, bool_or(r.by_rule),
      array_agg(DISTINCT r.root::regclass::text)
    FROM reaching r
    WHERE r.classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
      AND NOT r.objid = ANY (%(tables)s::oid[])
    GROUP BY r.classid, r.objid
"""

# USAGE on a schema is asked for where a name is looked up; a view or a body that PostgreSQL has
# parsed has the object itself. And a rule that is not a view's own has its owner's rights even
# where the view has its caller's.
_RELATIONS = """
    WITH r AS (
      SELECT * FROM jsonb_to_recordset(%(pg_class)s) AS x (oid oid, by_rule boolean, roots text[])
      UNION ALL
      SELECT f.ftrelid, false, '{}' FROM pg_foreign_table f
    )
    SELECT
      CASE WHEN c.relkind = 'm' THEN 'materialized view' WHEN c.relkind = 'f' THEN 'foreign table'
        WHEN c.relkind = 'v' AND NOT (o.invoker AND r.by_rule) THEN 'view' ELSE 'rule' END,
      format('%%I.%%I', n.nspname, c.relname), pg_get_userbyid(c.relowner), r.roots,
      o.invoker AND NOT r.by_rule,
      (SELECT coalesce(jsonb_object_agg(x.rolname, x.held), '{}') FROM (
        SELECT a.rolname, array_agg(k) AS held
        FROM pg_roles a CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS k
        WHERE a.rolname = ANY (%(callers)s)
          AND (has_schema_privilege(a.oid, c.relnamespace, 'USAGE') OR EXISTS (
            SELECT FROM pg_depend d
            LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
              AND (w.ev_class <> c.oid OR d.classid = 'pg_proc'::regclass)))
          AND CASE k WHEN 'DELETE' THEN has_table_privilege(a.oid, c.oid, k)
            ELSE has_any_column_privilege(a.oid, c.oid, k) END
        GROUP BY a.rolname) AS x),
      s.srvname
    FROM r
    JOIN pg_class c ON c.oid = r.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
    LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_or(option_value::boolean), false) AS invoker
      FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker') AS o
    ORDER BY 2
"""

# Nobody calls a trigger's function but its trigger, whose table's writers need no privilege on it.
_ROUTINES = """
    WITH called AS (
      SELECT p.oid, NULL::text AS by_trigger, ARRAY(SELECT r.rolname::text FROM pg_roles r
        WHERE r.rolname = ANY (%(callers)s)
          AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
          -- What a policy asks for is a condition, whose answer no caller sees.
          AND (has_schema_privilege(r.oid, p.pronamespace, 'USAGE') OR EXISTS (
            SELECT FROM pg_depend d
            WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
              AND d.classid <> 'pg_policy'::regclass))) AS callers
      FROM pg_proc p
      JOIN pg_language l ON l.oid = p.prolang
      WHERE p.pronamespace <> 'pg_catalog'::regnamespace
        AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
        -- An aggregate has no body; it runs other functions.
        AND (p.prosecdef OR p.proconfig IS NOT NULL OR NOT (l.lanpltrusted OR p.prokind = 'a')
          OR coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~* 'set_config|\\mset\\M|execute')
      UNION ALL
      SELECT p.oid, format('%%I on %%s', t.tgname, t.tgrelid::regclass),
        ARRAY(SELECT r.rolname::text FROM pg_roles r
          WHERE r.rolname = ANY (%(callers)s)
            AND has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
            AND (has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')
              OR has_table_privilege(r.oid, c.oid, 'DELETE')))
      FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid
      JOIN pg_proc p ON p.oid = t.tgfoid AND p.prosecdef
      WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
        AND NOT t.tgrelid = ANY (%(tables)s::oid[])
    )
    SELECT p.oid::regprocedure::text, n.nspname, pg_get_userbyid(p.proowner), l.lanname,
      l.lanpltrusted OR p.prokind = 'a', p.prosecdef, p.prosqlbody IS NOT NULL,
      coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
      EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
        AND e.objid = p.oid AND e.deptype = 'e'),
      coalesce((SELECT x.roots FROM jsonb_to_recordset(%(pg_proc)s) AS x (oid oid, roots text[])
        WHERE x.oid = p.oid), '{}'),
      ARRAY(SELECT x.name FROM unnest(%(names)s::text[], %(plain)s::text[]) AS x (name, plain)
        WHERE p.prosqlbody IS NULL AND strpos(lower(p.prosrc), lower(x.plain)) > 0),
      coalesce(p.proconfig, '{}'), called.callers, called.by_trigger
    FROM called
    JOIN pg_proc p ON p.oid = called.oid
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE called.callers <> '{}'
    ORDER BY 1, called.by_trigger
"""

# A view is a rule for SELECT. As for relations, USAGE is asked for where a name is looked up.
_SETTING_RULES = """
    SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname, pg_get_userbyid(c.relowner),
      CASE WHEN w.ev_type = '1' THEN 'view' ELSE 'rule' END,
      EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
        AND e.objid = c.oid AND e.deptype = 'e'),
      pg_get_ruledef(w.oid), x.callers
    FROM pg_rewrite w
    JOIN pg_class c ON c.oid = w.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT CASE w.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE'
      WHEN '3' THEN 'INSERT' ELSE 'DELETE' END AS privilege) AS k
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT a.rolname::text FROM pg_roles a
      WHERE a.rolname = ANY (%(callers)s)
        AND (has_schema_privilege(a.oid, c.relnamespace, 'USAGE') OR EXISTS (
          SELECT FROM pg_depend d
          LEFT JOIN pg_rewrite o ON d.classid = 'pg_rewrite'::regclass AND o.oid = d.objid
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
            AND (o.ev_class <> c.oid OR d.classid = 'pg_proc'::regclass)))
        AND CASE k.privilege WHEN 'DELETE' THEN has_table_privilege(a.oid, c.oid, k.privilege)
          ELSE has_any_column_privilege(a.oid, c.oid, k.privilege) END
      ORDER BY 1) AS callers) AS x
    -- PostgreSQL computes what a materialized view holds when its owner refreshes it.
    WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND c.relkind <> 'm' AND x.callers <> '{}'
    ORDER BY 1, w.rulename
"""

_PATH = "SELECT n.oid::bigint FROM pg_namespace n WHERE n.nspname = ANY (%(path)s)"

# An object of types that PostgreSQL does not have is no competitor of PostgreSQL's own. Without
# MATERIALIZED the originals of all objects of the database are looked for, not those on the path.
_SHADOWS = """
    WITH own AS (SELECT oid FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace),
    members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
    candidates (classid, oid, kind, name, original) AS MATERIALIZED (
      SELECT 'pg_operator'::regclass, o.oid, 'operator', o.oid::regoperator::text,
        (SELECT 'pg_catalog.' || b.oprname FROM pg_operator b
          WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = o.oprname
            AND (b.oprleft = 0) = (o.oprleft = 0) LIMIT 1)
      FROM pg_operator o
      WHERE o.oprnamespace = ANY (%(path)s::oid[])
        AND (o.oprleft = 0 OR o.oprleft IN (SELECT oid FROM own))
        AND o.oprright IN (SELECT oid FROM own)
      UNION ALL
      SELECT 'pg_proc'::regclass, p.oid, 'function', p.oid::regprocedure::text,
        (SELECT b.oid::regprocedure::text FROM pg_proc b
          WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname
            AND b.pronargs >= p.pronargs - p.pronargdefaults
            AND (b.pronargs <= p.pronargs OR p.provariadic <> 0)
          ORDER BY b.oid LIMIT 1)
      FROM pg_proc p
      WHERE p.pronamespace = ANY (%(path)s::oid[]) AND NOT EXISTS (
        SELECT FROM unnest(p.proargtypes) AS a WHERE a NOT IN (SELECT oid FROM own))
      UNION ALL
      SELECT 'pg_type'::regclass, t.oid, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END,
        t.oid::regtype::text, 'pg_catalog.' || b.typname
      FROM pg_type t
      JOIN pg_type b ON b.typname = t.typname AND b.typnamespace = 'pg_catalog'::regnamespace
      WHERE t.typnamespace = ANY (%(path)s::oid[])
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
        AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
      UNION ALL
      SELECT 'pg_class'::regclass, c.oid,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
        c.oid::regclass::text, 'pg_catalog.' || b.relname
      FROM pg_class c
      JOIN pg_class b ON b.relname = c.relname AND b.relnamespace = 'pg_catalog'::regnamespace
      WHERE c.relnamespace = ANY (%(path)s::oid[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      UNION ALL
      SELECT 'pg_cast'::regclass, k.oid, 'cast',
        format('(%%s AS %%s)', k.castsource::regtype, k.casttarget::regtype), 'conversion'
      FROM pg_cast k
      -- FirstNormalObjectId: what is below it was there from the beginning.
      WHERE k.oid >= 16384 AND k.castcontext IN ('i', 'a')
        AND k.castsource IN (SELECT oid FROM own) AND k.casttarget IN (SELECT oid FROM own)
    )
    SELECT kind, name, original FROM candidates
    WHERE original IS NOT NULL
      AND (classid::oid, oid) NOT IN (SELECT classid, objid FROM members)
    ORDER BY 1, 2
"""

_PUBLICATIONS = """
    SELECT quote_ident(p.pubname), ARRAY(
      SELECT c.oid::regclass::text FROM pg_class c
      WHERE c.oid = ANY (%(tables)s::oid[]) AND (p.puballtables
        OR EXISTS (SELECT FROM pg_publication_rel m WHERE m.prpubid = p.oid AND m.prrelid = c.oid)
        OR EXISTS (SELECT FROM pg_publication_namespace m
          WHERE m.pnpubid = p.oid AND m.pnnspid = c.relnamespace)) ORDER BY 1)
    FROM pg_publication p ORDER BY 1
"""

_SUBSCRIPTIONS = """
    SELECT quote_ident(s.subname), array_agg(m.srrelid::regclass::text ORDER BY 1)
    FROM pg_subscription_rel m JOIN pg_subscription s ON s.oid = m.srsubid
    WHERE m.srrelid = ANY (%(tables)s::oid[]) GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class _Reader:
    connection: Connection[TupleRow]
    parameters: dict[str, Any]

    def __call__(self, query: LiteralString) -> list[TupleRow]:
        return self.connection.execute(query, self.parameters).fetchall()


def read_boundary(connection: Connection[TupleRow], tables: Sequence[str]) -> Boundary:
    """Read what row-level security of some tables presumes outside of them.

    Args:
        connection: any; its transaction and settings stay as they are. For all of it to be of one
            moment, a transaction of REPEATABLE READ. Any role that may connect will do.
        tables: the tables, each as `schema.name`. One that does not exist is left out.

    Returns:
        What was read.

    Raises:
        psycopg.Error: the connection is lost, or a query took too long.
    """
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = pg_catalog")
        connection.execute("SET LOCAL quote_all_identifiers = off")
        given = {
            "names": list(tables),
            "claim": CLAIM_FUNCTION,
            "configuration": CONFIGURATION,
        }
        return _read(_Reader(connection, given))


def _read(reader: _Reader) -> Boundary:
    roles = {row[0]: Role(*row) for row in reader(_ROLES)}
    memberships = tuple(Membership(*row) for row in reader(_MEMBERSHIPS))
    settings = _settings(reader)
    found = reader(_TABLES)
    callers = callers_of(roles, memberships)
    reader.parameters.update(
        tables=[row[0] for row in found],
        names=[row[1] for row in found],
        plain=[row[3] for row in found],
        callers=sorted(callers),
    )
    functions = tuple(_function(*row) for row in reader(_POLICY_FUNCTIONS))
    reader.parameters.update(
        functions=[each.signature for each in functions],
        schemas=sorted({each.schema for each in functions}),
    )
    owners = tuple((str(what), str(owner)) for what, owner in reader(_OWNERS))
    reader.parameters["path"] = sorted(
        path_schemas(settings, {*callers, *(owner for _, owner in owners)})
    )
    reached: dict[str, list[dict[str, Any]]] = {"pg_class": [], "pg_proc": []}
    for catalog, oid, by_rule, roots in reader(_REACHED):
        reached[catalog].append({"oid": oid, "by_rule": by_rule, "roots": roots})
    reader.parameters.update({catalog: Jsonb(rows) for catalog, rows in reached.items()})
    reader.parameters["path"] = [row[0] for row in reader(_PATH)]
    return Boundary(
        roles=roles,
        memberships=memberships,
        settings=settings,
        parameters=tuple(ParameterPrivilege(*row) for row in reader(_PARAMETERS)),
        system_privileges=tuple(SystemPrivilege(*row) for row in reader(_SYSTEM_PRIVILEGES)),
        owners=owners,
        grantees=frozenset(row[0] for row in reader(_GRANTEES)),
        table_schemas=frozenset(row[2] for row in found),
        schemas=tuple(
            Schema(name, frozenset(usage), frozenset(create))
            for name, usage, create in reader(_SCHEMAS)
        ),
        database_create=frozenset(row[0] for row in reader(_DATABASE_CREATE)),
        servers=tuple((name, frozenset(callers)) for name, callers in reader(_SERVERS)),
        functions=functions,
        relations=tuple(_relation(*row) for row in reader(_RELATIONS)),
        routines=tuple(_routine(*row) for row in reader(_ROUTINES)),
        setting_rules=tuple(
            SettingRule(name, schema, owner, kind, of_extension, frozenset(users))
            for name, schema, owner, kind, of_extension, text, users in reader(_SETTING_RULES)
            if sets_caller(text, "sql") or runs_own_sql(text, "sql")
        ),
        shadows=tuple(Shadow(*row) for row in reader(_SHADOWS)),
        publications=_channels(reader(_PUBLICATIONS)),
        subscriptions=_channels(reader(_SUBSCRIPTIONS)),
    )


def _settings(reader: _Reader) -> tuple[Setting, ...]:
    settings = [Setting(*row) for row in reader(_SETTINGS)]
    session = reader.connection.info
    explained = {each.name for each in settings if each.role in {None, session.user}}
    settings += [
        Setting(name, value, None, CONFIGURATION)
        for name, value in reader(_PLACEHOLDERS)
        if name not in explained and name not in session.options
    ]
    return tuple(settings)


def _relation(*row: Any) -> Relation:
    kind, name, owner, reaches, invoker, held, server = row
    privileges = {role: frozenset(words) for role, words in held.items()}
    return Relation(kind, name, owner, tuple(reaches), invoker, privileges, server)


def _function(*row: Any) -> Function:
    *plain, execute = row
    return Function(*plain, frozenset(execute))  # type: ignore[call-arg] # as the query has them


def _routine(*row: Any) -> Routine:
    *plain, text, of_extension, reaches, names, settings, callers, trigger = row
    language = plain[3]
    told = (sets_caller(text, language), runs_own_sql(text, language), of_extension)
    collected = (tuple(reaches), tuple(names), tuple(settings), frozenset(callers))
    return Routine(*plain, *told, *collected, trigger)  # type: ignore[call-arg] # as the query has


def _channels(rows: Sequence[TupleRow]) -> tuple[Channel, ...]:
    return tuple(Channel(name, tuple(tables)) for name, tables in rows if tables)
