-- Workflow engine: definitions, instances, tasks, context, history, function registry
--
-- Built by `schema build //schema:phase1d_workflow_tables`: change a fragment, never this file.
--
-- PostgreSQL 15 or later, in one transaction, as the owner of the tables: the Supabase CLI and
-- the SQL editor do that. With psql use -1 -v ON_ERROR_STOP=1, or it goes on after a refusal.
-- Safe to run again: that locks these tables (ACCESS EXCLUSIVE), adds what is missing, recreates
-- comments, policies and grants, and removes undeclared grants and permissive policies.
--
-- Line
--     21  Guard: refuses a session or a database that this file does not fit. Generated: skip it
--    394  function_registry
--    504  workflow_definitions
--    578  workflow_instances
--    661  instance_context
--    749  instance_tasks
--    900  workflow_history
--    989  Access: removes undeclared grants and permissive policies. Generated: skip it

-- -----------------------------------------------------------------------------------------------
-- Guard
-- Refuses a session or a database that this file does not fit. Generated: skip it.
-- -----------------------------------------------------------------------------------------------

SET LOCAL client_min_messages = warning; -- hide NOTICEs such as "already exists, skipping"
SET LOCAL lock_timeout = '5s'; -- a waiting lock request blocks all later queries

-- One run at a time: a second run waits for the first, and gives up after 5s.
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('supabase/migrations', 0));

-- Raises one exception that lists all that is missing or differs, and changes nothing but to
-- switch on row-level security, which locks the tables. CREATE TABLE IF NOT EXISTS accepts a
-- table of any shape, so shapes are compared first. What was added later is accepted, except
-- rules and some foreign keys.
DO $guard$
DECLARE
  tables CONSTANT NAME[] := ARRAY['function_registry', 'workflow_definitions', 'workflow_instances',
    'instance_context', 'instance_tasks', 'workflow_history'];
  append_only CONSTANT TEXT[] := ARRAY['workflow_history'];
  callers CONSTANT TEXT[] := ARRAY['anon', 'authenticated', 'authenticator', 'service_role'];
  expected CONSTANT TEXT := 'cecdc772d6b0ba65fba20ad61eafef0f'; -- md5 of the facts
  session_path CONSTANT TEXT := pg_catalog.current_setting('search_path');
  schemas CONSTANT NAME[] := pg_catalog.current_schemas(TRUE);
  timeout TEXT := pg_catalog.current_setting('lock_timeout');
  deadlock_timeout CONSTANT INTERVAL := pg_catalog.current_setting('deadlock_timeout');
  give_up_at TIMESTAMPTZ;
  wait_until TIMESTAMPTZ;
  snapshot_before TEXT;
  digest TEXT;
  needs_reference BOOLEAN := FALSE;
  existing NAME[];
  existing_table NAME;
  statement TEXT;
  problems TEXT;
  remedy TEXT;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp; -- unqualified names mean PostgreSQL's own
  timeout := coalesce(nullif(timeout, '0'), '5s');
  give_up_at := clock_timestamp() + timeout::INTERVAL;
  -- Look 1 checks prerequisites and tables. Then the tables are locked, and look 3 checks again,
  -- because a table may have changed in between. Where the digest is not the expected one, looks 2
  -- and 4 compare with reference tables. Where it is, the tables are exactly as declared.
  FOR look IN 1..4 LOOP
    CONTINUE WHEN look IN (2, 4) AND digest = expected;
    snapshot_before := pg_current_snapshot();
    -- This block always ends in an exception, caught below, which rolls back the tables and
    -- settings made here. Variables keep their values.
    BEGIN
      -- Reference tables: those of this file as temporary ones, so that PostgreSQL itself words
      -- what is declared. Copied by the build: nothing to review.
      IF look IN (2, 4) THEN
        PERFORM set_config('search_path', session_path, TRUE); -- event triggers may need it
        CREATE TABLE pg_temp.applications (app_code TEXT, PRIMARY KEY (app_code));
        CREATE TABLE pg_temp.function_registry (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT, function_code TEXT NOT NULL, implementation_type TEXT NOT NULL,
          endpoint_or_path TEXT, input_schema JSONB NOT NULL DEFAULT '{}', output_schema JSONB NOT
          NULL DEFAULT '{}', ui_widget_id TEXT, ui_definitions JSONB NOT NULL DEFAULT '{}',
          description TEXT, version TEXT NOT NULL DEFAULT '1.0', tags TEXT[] NOT NULL DEFAULT '{}',
          timeout_seconds INTEGER NOT NULL DEFAULT 300, retry_count INTEGER NOT NULL DEFAULT 0,
          is_active BOOLEAN NOT NULL DEFAULT TRUE, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
          created_by UUID, updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_by UUID,
          PRIMARY KEY (id), UNIQUE (app_code, function_code), UNIQUE (function_code), CHECK
          (implementation_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')), FOREIGN KEY
          (app_code) REFERENCES pg_temp.applications (app_code));
        CREATE TABLE pg_temp.workflow_definitions (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT NOT NULL, workflow_code TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
          model_structure JSONB NOT NULL, version INTEGER NOT NULL DEFAULT 1, status TEXT NOT NULL
          DEFAULT 'DRAFT', l4_operation_code TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
          created_by UUID, updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_by UUID, is_active
          BOOLEAN NOT NULL DEFAULT TRUE, PRIMARY KEY (id), UNIQUE (app_code, workflow_code,
          version), UNIQUE (app_code, id), CHECK (status IN ('DRAFT', 'ACTIVE', 'DEPRECATED')),
          FOREIGN KEY (app_code) REFERENCES pg_temp.applications (app_code));
        CREATE TABLE pg_temp.workflow_instances (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT NOT NULL, workflow_definition_id UUID NOT NULL, workflow_code TEXT NOT NULL,
          current_node_id TEXT, input_data JSONB NOT NULL DEFAULT '{}', status TEXT NOT NULL DEFAULT
          'RUNNING', error_message TEXT, initiated_by UUID, initiated_at TIMESTAMPTZ NOT NULL
          DEFAULT now(), completed_at TIMESTAMPTZ, suspended_at TIMESTAMPTZ, created_at TIMESTAMPTZ
          NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), is_active BOOLEAN
          NOT NULL DEFAULT TRUE, PRIMARY KEY (id), UNIQUE (app_code, id), CHECK (status IN
          ('RUNNING', 'COMPLETED', 'SUSPENDED', 'ERROR')), FOREIGN KEY (app_code) REFERENCES
          pg_temp.applications (app_code), FOREIGN KEY (app_code, workflow_definition_id) REFERENCES
          pg_temp.workflow_definitions (app_code, id));
        CREATE TABLE pg_temp.instance_context (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT NOT NULL, workflow_instance_id UUID NOT NULL, context_data JSONB NOT NULL
          DEFAULT '{}', version INTEGER NOT NULL DEFAULT 1, updated_at TIMESTAMPTZ NOT NULL DEFAULT
          now(), created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (id), UNIQUE
          (workflow_instance_id, version), FOREIGN KEY (app_code) REFERENCES pg_temp.applications
          (app_code), FOREIGN KEY (app_code, workflow_instance_id) REFERENCES
          pg_temp.workflow_instances (app_code, id));
        CREATE TABLE pg_temp.instance_tasks (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT NOT NULL, workflow_instance_id UUID NOT NULL, workflow_code TEXT NOT NULL,
          function_code TEXT NOT NULL, node_id TEXT NOT NULL, task_type TEXT NOT NULL, status TEXT
          NOT NULL DEFAULT 'PENDING', input_data JSONB NOT NULL DEFAULT '{}', output_data JSONB,
          assigned_to UUID, assigned_at TIMESTAMPTZ, started_at TIMESTAMPTZ,
          completed_at TIMESTAMPTZ, error_message TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT
          now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), is_active BOOLEAN NOT NULL DEFAULT
          TRUE, PRIMARY KEY (id), UNIQUE (app_code, id), CHECK (status IN ('PENDING', 'RUNNING',
          'COMPLETED', 'FAILED')), CHECK (task_type IN ('USER_TASK', 'SERVICE_TASK',
          'AI_AGENT_TASK')), FOREIGN KEY (app_code) REFERENCES pg_temp.applications (app_code),
          FOREIGN KEY (app_code, workflow_instance_id) REFERENCES pg_temp.workflow_instances
          (app_code, id), FOREIGN KEY (function_code) REFERENCES pg_temp.function_registry
          (function_code));
        CREATE TABLE pg_temp.workflow_history (id UUID NOT NULL DEFAULT gen_random_uuid(),
          app_code TEXT NOT NULL, workflow_instance_id UUID NOT NULL, event_type TEXT NOT NULL,
          node_id TEXT, task_id UUID, from_node_id TEXT, to_node_id TEXT, description TEXT, metadata
          JSONB NOT NULL DEFAULT '{}', actor_id UUID, event_timestamp TIMESTAMPTZ NOT NULL DEFAULT
          now(), created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (id), CHECK (event_type
          IN ('INSTANCE_CREATED', 'NODE_ENTERED', 'TASK_CREATED', 'TASK_COMPLETED', 'TASK_FAILED',
          'TRANSITION', 'INSTANCE_COMPLETED', 'INSTANCE_SUSPENDED')), FOREIGN KEY (app_code)
          REFERENCES pg_temp.applications (app_code), FOREIGN KEY (app_code, workflow_instance_id)
          REFERENCES pg_temp.workflow_instances (app_code, id), FOREIGN KEY (app_code, task_id)
          REFERENCES pg_temp.instance_tasks (app_code, id));
        CREATE INDEX ON pg_temp.function_registry (app_code, is_active);
        CREATE INDEX ON pg_temp.function_registry (app_code, implementation_type);
        CREATE INDEX ON pg_temp.workflow_definitions (app_code, status);
        CREATE INDEX ON pg_temp.workflow_instances (app_code, status);
        CREATE INDEX ON pg_temp.workflow_instances (app_code, initiated_at DESC);
        CREATE INDEX ON pg_temp.workflow_instances (current_node_id);
        CREATE INDEX ON pg_temp.workflow_instances (app_code, workflow_definition_id);
        CREATE INDEX ON pg_temp.instance_context (app_code, workflow_instance_id);
        CREATE INDEX ON pg_temp.instance_context (workflow_instance_id, version DESC);
        CREATE INDEX ON pg_temp.instance_tasks (app_code, status);
        CREATE INDEX ON pg_temp.instance_tasks (app_code, assigned_to, status);
        CREATE INDEX ON pg_temp.instance_tasks (workflow_instance_id, node_id);
        CREATE INDEX ON pg_temp.instance_tasks (function_code);
        CREATE INDEX ON pg_temp.instance_tasks (app_code, created_at) WHERE status = 'PENDING';
        CREATE INDEX workflow_history_app_code_instance_id_event_timestamp_idx ON
          pg_temp.workflow_history (app_code, workflow_instance_id, event_timestamp);
        CREATE INDEX ON pg_temp.workflow_history (app_code, event_timestamp DESC);
        CREATE INDEX ON pg_temp.workflow_history (app_code, task_id) WHERE task_id IS NOT NULL;
        SET LOCAL search_path = pg_catalog, pg_temp;
      END IF;
      SET LOCAL quote_all_identifiers = off;
      IF look IN (1, 3) THEN
        SELECT 'This migration lacks what it builds on; nothing was changed.'
          || string_agg(E'\n- ' || what, '' ORDER BY what), string_agg(DISTINCT help, ' ')
        INTO problems, remedy
        FROM (VALUES
          ('transaction isolation level READ COMMITTED',
            'SET default_transaction_isolation = ''read committed'' first.',
            current_setting('transaction_isolation') = 'read committed'),
          ('pg_catalog first in search_path',
            'SET search_path = public first: another schema would hide PostgreSQL''s operators.',
            'pg_catalog' = (SELECT name FROM unnest(schemas) AS name WHERE name NOT LIKE
            'pg\_temp\_%' LIMIT 1)),
          ('a role to run this as which no API role can act',
            'Run this file as the owner of the database.', NOT EXISTS (SELECT FROM unnest(callers)
            AS name WHERE pg_has_role(to_regrole(quote_ident(name)), current_user, 'MEMBER'))),
          ('schema auth (with USAGE on it)',
            'Supabase provides auth.jwt() in every project: run this file there.',
            coalesce(has_schema_privilege(to_regnamespace('auth')::OID, 'USAGE'), FALSE)),
          ('function auth.jwt() returning jsonb',
            'Supabase provides auth.jwt() in every project: run this file there.', EXISTS (SELECT
            FROM pg_proc WHERE pronamespace = to_regnamespace('auth') AND proname = 'jwt' AND
            pronargs = 0 AND prorettype = to_regtype('jsonb'))),
          ('table public.applications',
            'Run the migration that creates public.applications (app_code UNIQUE) first.', EXISTS
            (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relname =
            'applications')),
          ('unique key public.applications (app_code)',
            'Run the migration that creates public.applications (app_code UNIQUE) first.', EXISTS
            (SELECT FROM pg_index WHERE indrelid = (SELECT oid FROM pg_class WHERE relnamespace =
            to_regnamespace('public') AND relname = 'applications') AND indisunique AND indisvalid
            AND indimmediate AND indpred IS NULL AND indexprs IS NULL AND ARRAY(SELECT attname::TEXT
            FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
            ORDER BY attname COLLATE "C") = ARRAY['app_code'])),
          ('the privilege to reference public.applications',
            'Run this file as the owner of public.applications.', has_any_column_privilege((SELECT
            oid FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relname =
            'applications'), 'REFERENCES'))
          UNION ALL SELECT 'role ' || name,
            'Supabase creates this role in every project: run this file there.', to_regrole(name) IS
            NOT NULL FROM unnest(ARRAY['anon', 'authenticated', 'service_role']) AS name
          UNION ALL SELECT format('USAGE on schema %I for %I', nspname, rolname),
            'Grant it: every Supabase project has it.', has_schema_privilege(pg_roles.oid,
            pg_namespace.oid, 'USAGE') FROM pg_roles, pg_namespace WHERE (nspname, rolname) IN
            (('public', current_user), ('auth', 'authenticated'), ('public', 'authenticated'),
            ('public', 'service_role'))
          UNION ALL SELECT 'EXECUTE on function auth.jwt() for authenticated',
            'Grant it: every Supabase project has it.',
            has_function_privilege(to_regrole('authenticated')::OID, oid, 'EXECUTE') FROM pg_proc
            WHERE pronamespace = to_regnamespace('auth') AND proname = 'jwt' AND pronargs = 0 AND
            prorettype = to_regtype('jsonb')
        ) AS prerequisites (what, help, met) WHERE NOT met; -- NULL: listed otherwise

        -- Each migration built like this one leaves its name: see "Last migration" near the end.
        IF problems IS NULL THEN
          SELECT 'A later migration is in place: run nothing; nothing was changed.' || string_agg(
              format(E'\n- %s was changed since by %s', relname, mark), '' ORDER BY relname),
            'This file has done its work; run now, it would undo what the later one did.'
          INTO problems, remedy
          FROM pg_class JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
          CROSS JOIN substring(obj_description(pg_constraint.oid), '^Last migration: (.*)') AS mark
          WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
            AND mark <> ALL (ARRAY['20251120_phase1d_workflow_tables']);
        END IF;

        IF problems IS NOT NULL THEN RAISE SQLSTATE 'UNDO0'; END IF;
      END IF;

      WITH ours AS (
        SELECT pg_class.*, relnamespace = pg_my_temp_schema() AS is_reference FROM pg_class
        WHERE relname = ANY (tables)
          AND relnamespace IN ('public'::regnamespace, pg_my_temp_schema())
      ),
      -- Of these tables only, because pg_get_expr() and the like lock the table that they describe.
      facts AS (
        SELECT is_reference, relname, '.' || attname AS item, ARRAY[attname] AS columns, concat(
          format_type(atttypid, atttypmod),
          (SELECT ' COLLATE ' || attcollation::regcollation
            FROM pg_type WHERE pg_type.oid = atttypid AND typcollation <> attcollation),
          CASE WHEN attnotnull AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid
            AND contype = 'n' AND conkey[1] = attnum AND NOT convalidated) THEN ' NOT NULL' END,
          CASE attidentity WHEN 'a' THEN ' GENERATED ALWAYS' WHEN 'd' THEN ' GENERATED' END,
          CASE attgenerated WHEN 's' THEN ' STORED' WHEN 'v' THEN ' VIRTUAL' END,
          ' DEFAULT ' || pg_get_expr(adbin, adrelid)
        ) AS shape, NULL AS target, NULL::NAME[] AS set_columns, FALSE AS cascades
        FROM ours JOIN pg_attribute ON relkind = 'r' AND attrelid = ours.oid AND attnum > 0
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE NOT attisdropped
        UNION ALL
        SELECT is_reference, relname, ': constraint ' || conname, key.columns,
          CASE contype WHEN 'f' THEN replace(
            regexp_replace(definition, 'REFERENCES (public|pg_temp)\.', 'REFERENCES '), '"', ''
          ) ELSE definition END,
          replace(regexp_replace(nullif(confrelid, 0)::regclass::TEXT, '^public\.', ''), '"', ''),
          key.set_columns, confdeltype = 'c'
        FROM ours JOIN pg_constraint ON conrelid = ours.oid AND contype IN ('p', 'u', 'c', 'f')
        CROSS JOIN pg_get_constraintdef(pg_constraint.oid) AS definition
        CROSS JOIN LATERAL (
          SELECT array_agg(attname) FILTER (WHERE contype <> 'c'),
            array_agg(attname) FILTER (WHERE confupdtype IN ('c', 'n', 'd')
              OR confdeltype IN ('n', 'd') AND attnum = ANY (coalesce(confdelsetcols, conkey)))
          FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)
        ) AS key (columns, set_columns)
        UNION ALL -- how an index is stored (WITH) is the operator's business
        SELECT is_reference, ours.relname, 'index ' || index_class.relname, NULL, concat(
          regexp_replace(regexp_replace(pg_get_indexdef(indexrelid),
            '^([^'']*) WITH \([^)]*\)', '\1'),
            ' ON pg_temp(_\d+)?\.', ' ON public.'),
          CASE WHEN NOT indisvalid THEN ' (invalid)' END), NULL, NULL, FALSE
        FROM ours JOIN pg_index ON indrelid = ours.oid
        JOIN pg_class AS index_class ON index_class.oid = indexrelid
      ),
      declared AS (SELECT * FROM facts WHERE is_reference),
      actual AS (SELECT * FROM facts WHERE NOT is_reference),
      present AS (SELECT relname FROM ours WHERE NOT is_reference),
      differences AS (
        SELECT relname || item AS what,
          format('is %s, must be %s', coalesce(actual.shape, 'missing'), declared.shape) AS problem
        FROM declared LEFT JOIN actual USING (relname, item)
        WHERE relname IN (SELECT relname FROM present) AND item NOT LIKE 'index %'
          AND actual.shape IS DISTINCT FROM declared.shape
        -- A missing index is created below, under the locks; one of another shape would stay. The
        -- index of a constraint is compared as that constraint, where the table exists.
        UNION ALL SELECT declared.item, format('is %s, must be %s',
          coalesce(actual.shape, pg_get_indexdef(same_name.oid), 'no index'), declared.shape)
        FROM declared
        JOIN pg_class AS same_name ON declared.item = 'index ' || same_name.relname
          AND relnamespace = 'public'::regnamespace
        LEFT JOIN actual ON actual.relname = declared.relname AND actual.item = declared.item
        WHERE actual.shape IS DISTINCT FROM declared.shape AND NOT EXISTS (
          SELECT FROM declared AS key JOIN present USING (relname)
          WHERE key.item = replace(declared.item, 'index ', ': constraint ')
        )
        -- An undeclared foreign key must not repeat a declared relationship, which the Data API
        -- finds ambiguous; nor may its action, which no policy checks, touch declared data.
        UNION ALL SELECT relname || item, format('is %s, must not be there', shape)
        FROM actual AS extra
        WHERE target IS NOT NULL AND (relname, item) NOT IN (SELECT relname, item FROM declared)
          AND ((cascades AND (relname = ANY (append_only) OR columns <@ ARRAY(
            SELECT columns[1] FROM declared WHERE relname = extra.relname AND item LIKE '.%')))
          OR EXISTS (SELECT FROM declared AS own WHERE own.relname = extra.relname AND (
            (own.target = extra.target
              AND (own.columns <@ extra.columns OR own.columns @> extra.columns))
            OR (own.columns && extra.set_columns AND (own.item LIKE ': %'
              OR own.shape LIKE '% NOT NULL%' OR own.relname = ANY (append_only))))))
        -- Inheritance and rules bypass policies: a reader of a parent reads its children, a writer
        -- of a child adds rows to its parent, and a rule replaces the statement that is checked.
        UNION ALL SELECT relname, problem
        FROM ours CROSS JOIN LATERAL (
          SELECT format('is a %s%s, must be an ordinary table', CASE relkind WHEN 'p' THEN
            'partitioned ' END, (pg_identify_object('pg_class'::regclass, oid, 0)).type)
          WHERE relkind <> 'r'
          UNION ALL SELECT 'is not a permanent table' WHERE relpersistence <> 'p'
          UNION ALL SELECT CASE inhrelid WHEN oid THEN 'inherits from ' || inhparent::regclass
            ELSE 'is inherited by ' || inhrelid::regclass END || ', must stand alone'
          FROM pg_inherits WHERE oid IN (inhrelid, inhparent)
          UNION ALL SELECT format('has the rule %I, must have none', rulename)
          FROM pg_rewrite WHERE ev_class = ours.oid AND relkind = 'r'
          UNION ALL SELECT DISTINCT 'has its foreign keys switched off (DISABLE TRIGGER ALL)'
          FROM pg_constraint JOIN pg_trigger ON tgconstraint = pg_constraint.oid
          WHERE conrelid = ours.oid AND contype = 'f' AND tgenabled IN ('D', 'R')
          UNION ALL SELECT format('is owned by %s, not by %s, who runs this',
            relowner::regrole, current_user) WHERE NOT pg_has_role(relowner, 'USAGE')
          UNION ALL SELECT format('is owned by %s, as whom %s may act', relowner::regrole, caller)
          FROM unnest(callers) AS caller
          WHERE pg_has_role(to_regrole(quote_ident(caller)), relowner, 'MEMBER')
        ) AS found (problem)
        WHERE NOT is_reference
        UNION ALL SELECT typname, 'is a type, must be a table' FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typname = ANY (tables) AND typrelid = 0
      )

      SELECT
        ARRAY(SELECT name FROM unnest(tables) AS name JOIN present ON relname = name),
        (SELECT md5(string_agg(fact, E'\n' ORDER BY fact COLLATE "C"))
          FROM actual, concat_ws(' ', relname, item, shape) AS fact),
        'Tables of this database differ from what this migration declares; nothing was changed.'
          || string_agg(format(E'\n- %s %s', what, problem), '' ORDER BY what, problem)
          || E'\nIf a later migration made them so, run nothing. Otherwise change or rename them.',
        'This file changes no column or constraint. Rename constraints and indexes with a table.'
      INTO existing, digest, problems, remedy
      FROM differences;

      needs_reference := look IN (1, 3) AND digest IS DISTINCT FROM expected;
      RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN NULL;
    END;
    CONTINUE WHEN needs_reference; -- the next look compares with reference tables
    IF problems IS NOT NULL THEN
      RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = problems, HINT = remedy;
    END IF;
    EXIT WHEN look > 2 OR existing = '{}';

    -- Lock all tables or none: holding some while waiting for others blocks users and can deadlock.
    -- ENABLE ROW LEVEL SECURITY takes the ACCESS EXCLUSIVE lock that the policies need later.
    LOOP
      -- For the first lock, wait 1.2 times deadlock_timeout, after which a blocking autovacuum is
      -- cancelled. For the others 0.8 times: release before the deadlock check can fire.
      wait_until := least(clock_timestamp() + 1.2 * deadlock_timeout, give_up_at);
      BEGIN
        FOREACH existing_table IN ARRAY existing LOOP
          PERFORM set_config('lock_timeout', greatest(
            1, 1000 * extract(EPOCH FROM wait_until - clock_timestamp()))::INTEGER::TEXT, TRUE);
          statement := format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', existing_table);
          PERFORM set_config('search_path', session_path, TRUE);
          -- schema-lint: allow unreadable-body -- only names from the catalog, quoted by format(%I)
          EXECUTE statement;
          SET LOCAL search_path = pg_catalog, pg_temp;
          IF existing_table = existing[1] THEN
            wait_until := least(clock_timestamp() + 0.8 * deadlock_timeout, give_up_at);
          END IF;
        END LOOP;
        EXIT;
      EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        IF clock_timestamp() >= give_up_at THEN
          RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = format(
            'public.%I is in use by %s; gave up after a lock timeout of %s, nothing was changed.',
            existing_table, coalesce((
              SELECT string_agg(DISTINCT coalesce('process ' || pid || ' (' || concat_ws(', ',
                coalesce(usename, backend_type), nullif(application_name, ''), state) || ')',
                'a prepared transaction'), '; ')
              FROM pg_locks
              JOIN pg_database ON pg_database.oid = database AND datname = current_database()
              LEFT JOIN pg_stat_activity USING (pid)
              WHERE relation = format('public.%I', existing_table)::regclass AND granted
            ), 'somebody who has just left'), timeout),
            HINT = 'Run this again when that is over; pg_terminate_backend(pid) ends a session.';
        END IF;
        existing := existing_table || array_remove(existing, existing_table); -- wait for it first
        PERFORM pg_sleep(0.1);
      END;
    END LOOP;
    PERFORM set_config('lock_timeout', timeout, TRUE);
    EXIT WHEN pg_current_snapshot()::TEXT = snapshot_before; -- no other transaction has ended
  END LOOP;
  PERFORM set_config('search_path', session_path, TRUE);
END
$guard$;

-- -----------------------------------------------------------------------------------------------
-- function_registry
-- Execution contracts: what each function that a task can call takes, returns and needs.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/function_registry/table.sql
CREATE TABLE IF NOT EXISTS public.function_registry (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT,
  function_code TEXT NOT NULL,
  implementation_type TEXT NOT NULL,
  endpoint_or_path TEXT,
  input_schema JSONB NOT NULL DEFAULT '{}',
  output_schema JSONB NOT NULL DEFAULT '{}',
  ui_widget_id TEXT,
  ui_definitions JSONB NOT NULL DEFAULT '{}',
  description TEXT,
  version TEXT NOT NULL DEFAULT '1.0',
  tags TEXT[] NOT NULL DEFAULT '{}',
  timeout_seconds INTEGER NOT NULL DEFAULT 300,
  retry_count INTEGER NOT NULL DEFAULT 0,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_by UUID,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_by UUID,
  CONSTRAINT function_registry_pkey PRIMARY KEY (id),
  CONSTRAINT function_registry_app_code_function_code_key UNIQUE (app_code, function_code),
  -- A task of any application may name a shared function, so tasks reference the code alone, and
  -- the codes of all applications are one namespace.
  CONSTRAINT function_registry_function_code_key UNIQUE (function_code),
  CONSTRAINT function_registry_implementation_type_check
    CHECK (implementation_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
  CONSTRAINT function_registry_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);

REVOKE ALL ON TABLE public.function_registry
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.function_registry ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.function_registry IS
  'Execution contracts: what each function that a task can call takes, returns and needs.';
COMMENT ON COLUMN public.function_registry.app_code IS
  'The tenant that owns the row. NULL is a shared function: all tenants see it, none change it.';
COMMENT ON COLUMN public.function_registry.function_code IS
  'Unique across all applications: begin it with your app_code, as in billing.create_invoice.';
COMMENT ON COLUMN public.function_registry.implementation_type IS
  'Who does the work: USER_TASK a person, SERVICE_TASK a program, AI_AGENT_TASK an AI agent.';
COMMENT ON COLUMN public.function_registry.endpoint_or_path IS
  'Where the engine calls the function; NULL for work that a person does.';
COMMENT ON COLUMN public.function_registry.input_schema IS
  'What instance_tasks.input_data must look like.';
COMMENT ON COLUMN public.function_registry.output_schema IS
  'What instance_tasks.output_data will look like.';
COMMENT ON COLUMN public.function_registry.ui_widget_id IS
  'The widget that shows the task to a person, if any.';
COMMENT ON COLUMN public.function_registry.ui_definitions IS 'Settings of that widget.';
COMMENT ON COLUMN public.function_registry.version IS
  'Version of the contract. For information: one row per function_code, so only one is kept.';
COMMENT ON COLUMN public.function_registry.timeout_seconds IS
  'After this many seconds the engine counts a call as failed.';
COMMENT ON COLUMN public.function_registry.retry_count IS
  'How often the engine repeats a failed call; 0 is never.';
COMMENT ON COLUMN public.function_registry.is_active IS
  'FALSE retires the row instead of deleting it.';
COMMENT ON COLUMN public.function_registry.created_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.function_registry.updated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';

-- Source: packages/schema/function_registry/access.sql
-- app_code is a claim at the top level of the token, put there by a custom access token hook.
-- Without it a caller sees shared functions and nothing else.
-- Every application sees the shared functions and none can write them: WITH CHECK does not admit
-- NULL, and the two restrictive policies keep UPDATE and DELETE, which USING would let through,
-- to the caller's own rows.
DROP POLICY IF EXISTS "app_isolation" ON public.function_registry;
CREATE POLICY "app_isolation" ON public.function_registry
  FOR ALL
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

DROP POLICY IF EXISTS "own_functions_on_update" ON public.function_registry;
CREATE POLICY "own_functions_on_update" ON public.function_registry
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

DROP POLICY IF EXISTS "own_functions_on_delete" ON public.function_registry;
CREATE POLICY "own_functions_on_delete" ON public.function_registry
  AS RESTRICTIVE
  FOR DELETE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.function_registry
  TO authenticated, service_role;

-- Source: packages/schema/function_registry/indexes.sql
CREATE INDEX IF NOT EXISTS function_registry_app_code_is_active_idx
  ON public.function_registry (app_code, is_active);

CREATE INDEX IF NOT EXISTS function_registry_app_code_implementation_type_idx
  ON public.function_registry (app_code, implementation_type);

-- -----------------------------------------------------------------------------------------------
-- workflow_definitions
-- Workflow blueprints: one row per version of an application's workflow.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/workflow_definitions/table.sql
CREATE TABLE IF NOT EXISTS public.workflow_definitions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_code TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  model_structure JSONB NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL DEFAULT 'DRAFT',
  l4_operation_code TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_by UUID,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_by UUID,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT workflow_definitions_pkey PRIMARY KEY (id),
  CONSTRAINT workflow_definitions_app_code_workflow_code_version_key
    UNIQUE (app_code, workflow_code, version),
  -- For children to reference: a foreign key check ignores row-level security, so the key must
  -- carry the tenant.
  CONSTRAINT workflow_definitions_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT workflow_definitions_status_check
    CHECK (status IN ('DRAFT', 'ACTIVE', 'DEPRECATED')),
  CONSTRAINT workflow_definitions_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);

REVOKE ALL ON TABLE public.workflow_definitions
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_definitions ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_definitions IS
  'Workflow blueprints: one row per version of an application''s workflow.';
COMMENT ON COLUMN public.workflow_definitions.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_definitions.workflow_code IS
  'Name of the workflow for programs; the same in all of its versions.';
COMMENT ON COLUMN public.workflow_definitions.model_structure IS
  'The blueprint as one JSON document: nodes, transitions and their settings.';
COMMENT ON COLUMN public.workflow_definitions.version IS
  'Counts from 1 within (app_code, workflow_code).';
COMMENT ON COLUMN public.workflow_definitions.status IS
  'DRAFT: being edited. ACTIVE: can be started. DEPRECATED: no new runs; running ones continue.';
COMMENT ON COLUMN public.workflow_definitions.l4_operation_code IS
  'The business operation (level 4 of the process map) that the workflow carries out, if any.';
COMMENT ON COLUMN public.workflow_definitions.created_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.updated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/workflow_definitions/access.sql
DROP POLICY IF EXISTS "app_isolation" ON public.workflow_definitions;
CREATE POLICY "app_isolation" ON public.workflow_definitions
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.workflow_definitions
  TO authenticated, service_role;

-- Source: packages/schema/workflow_definitions/indexes.sql
-- Lookups by (app_code, workflow_code, version) use the index of that UNIQUE constraint.
CREATE INDEX IF NOT EXISTS workflow_definitions_app_code_status_idx
  ON public.workflow_definitions (app_code, status);

-- -----------------------------------------------------------------------------------------------
-- workflow_instances
-- Runs of workflows: one row per run, with its state; workflow_history tells how it got there.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/workflow_instances/table.sql
CREATE TABLE IF NOT EXISTS public.workflow_instances (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_definition_id UUID NOT NULL,
  workflow_code TEXT NOT NULL,
  current_node_id TEXT,
  input_data JSONB NOT NULL DEFAULT '{}',
  status TEXT NOT NULL DEFAULT 'RUNNING',
  error_message TEXT,
  initiated_by UUID,
  initiated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  completed_at TIMESTAMPTZ,
  suspended_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT workflow_instances_pkey PRIMARY KEY (id),
  -- For children to reference: a foreign key check ignores row-level security, so the key must
  -- carry the tenant.
  CONSTRAINT workflow_instances_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT workflow_instances_status_check
    CHECK (status IN ('RUNNING', 'COMPLETED', 'SUSPENDED', 'ERROR')),
  CONSTRAINT workflow_instances_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT workflow_instances_app_code_workflow_definition_id_fkey
    FOREIGN KEY (app_code, workflow_definition_id)
    REFERENCES public.workflow_definitions (app_code, id)
);

REVOKE ALL ON TABLE public.workflow_instances
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_instances ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_instances IS
  'Runs of workflows: one row per run, with its state; workflow_history tells how it got there.';
COMMENT ON COLUMN public.workflow_instances.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_instances.workflow_definition_id IS
  'The version that runs; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_instances.workflow_code IS
  'Copy of the definition''s workflow_code, for lists without a join.';
COMMENT ON COLUMN public.workflow_instances.current_node_id IS
  'The node of model_structure that the run has reached; NULL before the first.';
COMMENT ON COLUMN public.workflow_instances.input_data IS 'What the run was started with.';
COMMENT ON COLUMN public.workflow_instances.status IS
  'RUNNING; SUSPENDED (can be resumed); COMPLETED; ERROR (ended, see error_message).';
COMMENT ON COLUMN public.workflow_instances.initiated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_instances.suspended_at IS 'When the run was last suspended.';
COMMENT ON COLUMN public.workflow_instances.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/workflow_instances/access.sql
DROP POLICY IF EXISTS "app_isolation" ON public.workflow_instances;
CREATE POLICY "app_isolation" ON public.workflow_instances
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.workflow_instances
  TO authenticated, service_role;

-- Source: packages/schema/workflow_instances/indexes.sql
CREATE INDEX IF NOT EXISTS workflow_instances_app_code_status_idx
  ON public.workflow_instances (app_code, status);

CREATE INDEX IF NOT EXISTS workflow_instances_app_code_initiated_at_idx
  ON public.workflow_instances (app_code, initiated_at DESC);

CREATE INDEX IF NOT EXISTS workflow_instances_current_node_id_idx
  ON public.workflow_instances (current_node_id);

-- For the foreign key: without it, deleting a definition reads every instance.
CREATE INDEX IF NOT EXISTS workflow_instances_app_code_workflow_definition_id_idx
  ON public.workflow_instances (app_code, workflow_definition_id);

-- -----------------------------------------------------------------------------------------------
-- instance_context
-- What a run has gathered on its way: one row per version of its data; the highest is current.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/instance_context/table.sql
CREATE TABLE IF NOT EXISTS public.instance_context (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  context_data JSONB NOT NULL DEFAULT '{}',
  version INTEGER NOT NULL DEFAULT 1,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT instance_context_pkey PRIMARY KEY (id),
  CONSTRAINT instance_context_workflow_instance_id_version_key
    UNIQUE (workflow_instance_id, version),
  CONSTRAINT instance_context_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT instance_context_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id)
);

REVOKE ALL ON TABLE public.instance_context
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.instance_context ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.instance_context IS
  'What a run has gathered on its way: one row per version of its data; the highest is current.';
COMMENT ON COLUMN public.instance_context.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.instance_context.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.instance_context.context_data IS
  'All data of the run as of this version, not the change since the one before.';
COMMENT ON COLUMN public.instance_context.version IS 'Counts from 1 within a run.';

-- Source: packages/schema/instance_context/access.sql
DROP POLICY IF EXISTS "app_isolation" ON public.instance_context;
CREATE POLICY "app_isolation" ON public.instance_context
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The unique key names a run without its application. These policies are checked before it, so
-- that nobody learns from it whether another application's run exists, or blocks its next version.
DROP POLICY IF EXISTS "run_visible_on_insert" ON public.instance_context;
CREATE POLICY "run_visible_on_insert" ON public.instance_context
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.workflow_instances
      WHERE workflow_instances.app_code = instance_context.app_code
        AND workflow_instances.id = instance_context.workflow_instance_id
    )
  );

DROP POLICY IF EXISTS "run_visible_on_update" ON public.instance_context;
CREATE POLICY "run_visible_on_update" ON public.instance_context
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.workflow_instances
      WHERE workflow_instances.app_code = instance_context.app_code
        AND workflow_instances.id = instance_context.workflow_instance_id
    )
  );

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_context
  TO authenticated, service_role;

-- Source: packages/schema/instance_context/indexes.sql
CREATE INDEX IF NOT EXISTS instance_context_app_code_workflow_instance_id_idx
  ON public.instance_context (app_code, workflow_instance_id);

-- For the current version. The requirements list it; the unique key's index read backwards would
-- serve as well.
CREATE INDEX IF NOT EXISTS instance_context_workflow_instance_id_version_idx
  ON public.instance_context (workflow_instance_id, version DESC);

-- -----------------------------------------------------------------------------------------------
-- instance_tasks
-- Work tokens: one row per task that a run hands to a person, a program or an AI agent.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/instance_tasks/table.sql
CREATE TABLE IF NOT EXISTS public.instance_tasks (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  workflow_code TEXT NOT NULL,
  function_code TEXT NOT NULL,
  node_id TEXT NOT NULL,
  task_type TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'PENDING',
  input_data JSONB NOT NULL DEFAULT '{}',
  output_data JSONB,
  assigned_to UUID,
  assigned_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ,
  completed_at TIMESTAMPTZ,
  error_message TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT instance_tasks_pkey PRIMARY KEY (id),
  -- For workflow_history to reference: a foreign key check ignores row-level security, so the key
  -- must carry the tenant.
  CONSTRAINT instance_tasks_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT instance_tasks_status_check
    CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')),
  CONSTRAINT instance_tasks_task_type_check
    CHECK (task_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
  CONSTRAINT instance_tasks_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT instance_tasks_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id),
  -- Without the tenant, because the function may be a shared one; the function_visible policies
  -- keep other applications' private functions out.
  CONSTRAINT instance_tasks_function_code_fkey
    FOREIGN KEY (function_code) REFERENCES public.function_registry (function_code)
);

REVOKE ALL ON TABLE public.instance_tasks
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.instance_tasks ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.instance_tasks IS
  'Work tokens: one row per task that a run hands to a person, a program or an AI agent.';
COMMENT ON COLUMN public.instance_tasks.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.instance_tasks.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.instance_tasks.workflow_code IS
  'Copy of the run''s workflow_code, for lists without a join.';
COMMENT ON COLUMN public.instance_tasks.function_code IS
  'The function to call: one of the tenant''s own or a shared one.';
COMMENT ON COLUMN public.instance_tasks.node_id IS
  'The node of model_structure that made the task.';
COMMENT ON COLUMN public.instance_tasks.task_type IS
  'Who does the work: USER_TASK a person, SERVICE_TASK a program, AI_AGENT_TASK an AI agent.';
COMMENT ON COLUMN public.instance_tasks.status IS
  'PENDING: not begun. RUNNING. COMPLETED: see output_data. FAILED: see error_message.';
COMMENT ON COLUMN public.instance_tasks.input_data IS
  'What the function is given; function_registry.input_schema describes it.';
COMMENT ON COLUMN public.instance_tasks.output_data IS
  'What it returned; function_registry.output_schema describes it. NULL until then.';
COMMENT ON COLUMN public.instance_tasks.assigned_to IS
  'Supabase auth user who is to do the work, if any. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.instance_tasks.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/instance_tasks/access.sql
DROP POLICY IF EXISTS "app_isolation" ON public.instance_tasks;
CREATE POLICY "app_isolation" ON public.instance_tasks
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The foreign key on function_code sees every application's functions. These policies are checked
-- before it and see only the caller's and the shared ones, so a code that is another application's
-- and a code that is nobody's fail alike. FOR KEY SHARE keeps the caller's own function from being
-- deleted, and its code from being registered by another application, before the foreign key locks
-- it. A caller cannot lock a shared function, so that one is looked up without.
DROP POLICY IF EXISTS "function_visible_on_insert" ON public.instance_tasks;
CREATE POLICY "function_visible_on_insert" ON public.instance_tasks
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
        AND function_registry.app_code IS NULL
    )
    OR EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
      FOR KEY SHARE
    )
  );

DROP POLICY IF EXISTS "function_visible_on_update" ON public.instance_tasks;
CREATE POLICY "function_visible_on_update" ON public.instance_tasks
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
        AND function_registry.app_code IS NULL
    )
    OR EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
      FOR KEY SHARE
    )
  );

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_tasks
  TO authenticated, service_role;

-- Source: packages/schema/instance_tasks/indexes.sql
CREATE INDEX IF NOT EXISTS instance_tasks_app_code_status_idx
  ON public.instance_tasks (app_code, status);

CREATE INDEX IF NOT EXISTS instance_tasks_app_code_assigned_to_status_idx
  ON public.instance_tasks (app_code, assigned_to, status);

-- Serves the foreign key (app_code, workflow_instance_id) as well: a run has few tasks, and one
-- more index on random UUIDs slows every insert.
CREATE INDEX IF NOT EXISTS instance_tasks_workflow_instance_id_node_id_idx
  ON public.instance_tasks (workflow_instance_id, node_id);

-- For the foreign key: without it, deleting a function reads every task.
CREATE INDEX IF NOT EXISTS instance_tasks_function_code_idx
  ON public.instance_tasks (function_code);

-- For the engine's most frequent query: an application's oldest pending task. Tasks that have
-- started, in the long run nearly all, are not in the index.
CREATE INDEX IF NOT EXISTS instance_tasks_app_code_created_at_idx
  ON public.instance_tasks (app_code, created_at)
  WHERE status = 'PENDING';

-- -----------------------------------------------------------------------------------------------
-- workflow_history
-- Audit log: one row per event of a run. Append-only: only the owner can change one.
-- -----------------------------------------------------------------------------------------------

-- Source: packages/schema/workflow_history/table.sql
CREATE TABLE IF NOT EXISTS public.workflow_history (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  node_id TEXT,
  task_id UUID,
  from_node_id TEXT,
  to_node_id TEXT,
  description TEXT,
  metadata JSONB NOT NULL DEFAULT '{}',
  actor_id UUID,
  event_timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT workflow_history_pkey PRIMARY KEY (id),
  CONSTRAINT workflow_history_event_type_check
    CHECK (
      event_type IN (
        'INSTANCE_CREATED',
        'NODE_ENTERED',
        'TASK_CREATED',
        'TASK_COMPLETED',
        'TASK_FAILED',
        'TRANSITION',
        'INSTANCE_COMPLETED',
        'INSTANCE_SUSPENDED'
      )
    ),
  CONSTRAINT workflow_history_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT workflow_history_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id),
  CONSTRAINT workflow_history_app_code_task_id_fkey
    FOREIGN KEY (app_code, task_id) REFERENCES public.instance_tasks (app_code, id)
);

REVOKE ALL ON TABLE public.workflow_history
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_history ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_history IS
  'Audit log: one row per event of a run. Append-only: only the owner can change one.';
COMMENT ON COLUMN public.workflow_history.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_history.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.node_id IS
  'The node that the event is about; a TRANSITION has from_node_id and to_node_id instead.';
COMMENT ON COLUMN public.workflow_history.task_id IS
  'The task that a TASK_ event is about; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.actor_id IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_history.event_timestamp IS
  'When it happened; created_at is when it was written down.';

-- Source: packages/schema/workflow_history/access.sql
DROP POLICY IF EXISTS "app_isolation" ON public.workflow_history;
CREATE POLICY "app_isolation" ON public.workflow_history
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The log is immutable because the privilege is missing: BYPASSRLS, which service_role has, does
-- not bypass privileges.
GRANT SELECT, INSERT ON TABLE public.workflow_history
  TO authenticated, service_role;

-- Source: packages/schema/workflow_history/indexes.sql
-- Named by hand: PostgreSQL's pattern gives 66 bytes, and the limit is 63.
CREATE INDEX IF NOT EXISTS workflow_history_app_code_instance_id_event_timestamp_idx
  ON public.workflow_history (app_code, workflow_instance_id, event_timestamp);

CREATE INDEX IF NOT EXISTS workflow_history_app_code_event_timestamp_idx
  ON public.workflow_history (app_code, event_timestamp DESC);

-- For the foreign key: without it, deleting a task reads the whole history. Events that are about
-- no task stay out of it.
CREATE INDEX IF NOT EXISTS workflow_history_app_code_task_id_idx
  ON public.workflow_history (app_code, task_id)
  WHERE task_id IS NOT NULL;

-- -----------------------------------------------------------------------------------------------
-- Access
-- Removes undeclared grants and permissive policies. Generated: skip it.
-- -----------------------------------------------------------------------------------------------

-- Records which migration changed each table last, so that the guard of an older one refuses to
-- run. Stored on the primary key, because the Data API shows comments of tables and columns.
COMMENT ON CONSTRAINT function_registry_pkey ON public.function_registry IS
  'Last migration: 20251120_phase1d_workflow_tables';
COMMENT ON CONSTRAINT workflow_definitions_pkey ON public.workflow_definitions IS
  'Last migration: 20251120_phase1d_workflow_tables';
COMMENT ON CONSTRAINT workflow_instances_pkey ON public.workflow_instances IS
  'Last migration: 20251120_phase1d_workflow_tables';
COMMENT ON CONSTRAINT instance_context_pkey ON public.instance_context IS
  'Last migration: 20251120_phase1d_workflow_tables';
COMMENT ON CONSTRAINT instance_tasks_pkey ON public.instance_tasks IS
  'Last migration: 20251120_phase1d_workflow_tables';
COMMENT ON CONSTRAINT workflow_history_pkey ON public.workflow_history IS
  'Last migration: 20251120_phase1d_workflow_tables';

-- Permissive policies are combined with OR, so one too many exposes other tenants' rows. Runs
-- last, because default privileges and event triggers may have granted more on the new tables.
DO $access$
DECLARE
  tables CONSTANT TEXT[] := ARRAY['function_registry', 'workflow_definitions', 'workflow_instances',
    'instance_context', 'instance_tasks', 'workflow_history'];
  callers CONSTANT TEXT[] := ARRAY['anon', 'authenticated', 'authenticator', 'service_role'];
  policies CONSTANT TEXT[] := ARRAY['function_registry.app_isolation',
    'function_registry.own_functions_on_update', 'function_registry.own_functions_on_delete',
    'workflow_definitions.app_isolation', 'workflow_instances.app_isolation',
    'instance_context.app_isolation', 'instance_context.run_visible_on_insert',
    'instance_context.run_visible_on_update', 'instance_tasks.app_isolation',
    'instance_tasks.function_visible_on_insert', 'instance_tasks.function_visible_on_update',
    'workflow_history.app_isolation'];
  granted CONSTANT TEXT[] := ARRAY['function_registry|authenticated|DELETE, INSERT, SELECT, UPDATE',
    'function_registry|service_role|DELETE, INSERT, SELECT, UPDATE',
    'workflow_definitions|authenticated|DELETE, INSERT, SELECT, UPDATE',
    'workflow_definitions|service_role|DELETE, INSERT, SELECT, UPDATE',
    'workflow_instances|authenticated|DELETE, INSERT, SELECT, UPDATE',
    'workflow_instances|service_role|DELETE, INSERT, SELECT, UPDATE',
    'instance_context|authenticated|DELETE, INSERT, SELECT, UPDATE',
    'instance_context|service_role|DELETE, INSERT, SELECT, UPDATE',
    'instance_tasks|authenticated|DELETE, INSERT, SELECT, UPDATE',
    'instance_tasks|service_role|DELETE, INSERT, SELECT, UPDATE',
    'workflow_history|authenticated|INSERT, SELECT', 'workflow_history|service_role|INSERT, SELECT'];
  session_path CONSTANT TEXT := pg_catalog.current_setting('search_path');
  statements TEXT[];
  statement TEXT;
  foreign_table TEXT;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp; -- unqualified names mean PostgreSQL's own

  FOR look IN 1..3 LOOP -- what one look revokes may uncover more; the third must find nothing
    statements := ARRAY(
      WITH ours AS (
        SELECT pg_class.*, oid::regclass AS relation FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      ),

      declared AS (
        SELECT split_part(entry, '|', 1) AS relname, split_part(entry, '|', 2) AS role,
          split_part(entry, '|', 3) AS privileges
        FROM unnest(granted) AS entry
      ),

      entries AS (
        SELECT relname, relation, relowner, '' AS columns, acl.*
        FROM ours, aclexplode(relacl) AS acl
        UNION ALL
        SELECT relname, relation, relowner, format(' (%I)', attname), acl.*
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND NOT attisdropped,
          aclexplode(attacl) AS acl
      ),

      grants AS (
        SELECT *, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS role
        FROM entries
      )

      SELECT format('DROP POLICY %I ON %s', polname, relation)
      FROM ours JOIN pg_policy ON polrelid = ours.oid
      WHERE polpermissive AND format('%s.%s', relname, polname) <> ALL (policies)

      UNION ALL
      SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation)
      FROM ours WHERE NOT relrowsecurity

      UNION ALL
      SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s CASCADE', relation,
        CASE grantee WHEN 0 THEN role ELSE quote_ident(role) END)
      FROM grants
      WHERE grantor = relowner AND grantee <> relowner
        AND (relname, role) NOT IN (SELECT relname, role FROM declared)

      UNION ALL
      SELECT format(
        'REVOKE ALL ON TABLE %1$s FROM %2$s CASCADE; GRANT %3$s ON TABLE %1$s TO %2$s',
        relation, CASE role WHEN 'PUBLIC' THEN role ELSE quote_ident(role) END, privileges
      )
      FROM ours JOIN declared USING (relname)
      WHERE role <> pg_get_userbyid(relowner) AND privileges IS DISTINCT FROM (
        SELECT string_agg(
          privilege_type || columns || CASE WHEN is_grantable THEN '*' ELSE '' END, ', '
          ORDER BY privilege_type
        )
        FROM grants
        WHERE grants.relation = ours.relation AND grants.role = declared.role
          AND grantor = grants.relowner
      )

      -- The owner's REVOKE leaves a grant whose grantor no longer holds the grant option. So give
      -- that role the option first, then revoke it with CASCADE.
      UNION ALL
      SELECT DISTINCT format(
        'GRANT ALL%1$s ON TABLE %2$s TO %3$s WITH GRANT OPTION;'
        ' REVOKE ALL%1$s ON TABLE %2$s FROM %3$s CASCADE', columns, relation, grantor::regrole
      )
      FROM grants
      WHERE grantor <> relowner AND NOT EXISTS (
        SELECT FROM grants AS source
        WHERE source.relation = grants.relation AND source.columns = grants.columns
          AND source.grantee = grants.grantor AND source.is_grantable
          AND source.privilege_type = grants.privilege_type
      )

      -- Foreign keys are checked with the owner's privileges.
      UNION ALL
      SELECT format('GRANT ALL ON TABLE %s TO %s', relation, relowner::regrole)
      FROM ours
      WHERE relacl IS NOT NULL AND EXISTS (
        SELECT privilege_type FROM aclexplode(acldefault('r', relowner))
        EXCEPT
        SELECT privilege_type FROM aclexplode(relacl) WHERE grantee = relowner
      )
    );
    EXIT WHEN statements = '{}';

    IF look = 3 THEN
      RAISE EXCEPTION 'Cannot be put back (by an event trigger, or a member of the owner?): %',
        array_to_string(statements, '; ');
    END IF;

    FOREACH statement IN ARRAY statements LOOP
      PERFORM set_config('search_path', session_path, TRUE); -- event triggers may need it
      -- schema-lint: allow unreadable-body -- only names from the catalog, quoted
      EXECUTE statement;
      SET LOCAL search_path = pg_catalog, pg_temp;
      RAISE WARNING 'Put back to what this migration declares: %', statement;
    END LOOP;
  END LOOP;

  -- Somebody else may have made a table while CREATE TABLE IF NOT EXISTS waited.
  SELECT format('public.%I, which %s owns', relname, relowner::regrole)
  INTO foreign_table
  FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables) AND (
    NOT pg_has_role(relowner, 'USAGE')
    OR EXISTS (
      SELECT FROM unnest(callers) AS caller
      WHERE pg_has_role(to_regrole(quote_ident(caller)), relowner, 'MEMBER')
    )
  );
  IF foreign_table IS NOT NULL THEN
    RAISE EXCEPTION 'Another role made %, while this ran', foreign_table;
  END IF;

  PERFORM set_config('search_path', session_path, TRUE);
END
$access$;
