-- Workflow engine: definitions, instances, tasks, context, history, function registry
--
-- Generated: `schema build //schema:phase1d_workflow_tables`.
-- Do not edit it: each fragment is named where it begins; change that and build again.
--
-- Safe to run again: over its own result it changes nothing, and after a run that was
-- cut off it ends in the same place. It begins and commits no transaction, because the
-- Supabase CLI and the SQL editor run the whole file as one. With psql:
--   psql -1 -v ON_ERROR_STOP=1 -f FILE
--
-- 1. function_registry
-- 2. workflow_definitions
-- 3. workflow_instances
-- 4. instance_context
-- 5. instance_tasks
-- 6. workflow_history

-- -----------------------------------------------------------------------------------------------
-- Before anything changes
-- -----------------------------------------------------------------------------------------------

-- Give up rather than queue behind a long transaction and block everybody else.
SET LOCAL lock_timeout = '5s';

-- One run at a time. (This lock and that timeout need the file to run as one transaction: with
-- `psql -1`, or any tool that sends it whole.)
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('supabase/migrations', 0));

-- The guard. CREATE TABLE IF NOT EXISTS accepts a table of any shape, so the shape is compared
-- first: one exception lists every difference, and nothing is repaired or changed. Columns and
-- constraints that a later migration has added are no difference, but for foreign keys that would
-- delete or change declared columns, or double a declared key.
DO $guard$
DECLARE
  tables CONSTANT TEXT[] := ARRAY[
    'function_registry', 'workflow_definitions', 'workflow_instances', 'instance_context',
    'instance_tasks', 'workflow_history'
  ];
  caller_path CONSTANT TEXT := current_setting('search_path');
  caller_quoting CONSTANT TEXT := current_setting('quote_all_identifiers');
  problems TEXT;
  remedies TEXT;
BEGIN
  -- What the platform must provide. The catalog is read where it cannot be taken for anything else.
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);

  SELECT
    string_agg(format(E'\n- %s', needed.what), '' ORDER BY needed.what),
    string_agg(DISTINCT needed.remedy, ' ')
  INTO problems, remedies
  FROM (VALUES
    (
      'schema auth (with USAGE on it)',
      coalesce(has_schema_privilege(to_regnamespace('auth')::OID, 'USAGE'), FALSE),
      'Supabase provides auth.jwt() in every project: run this file there.'
    ),
    (
      'role anon',
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'anon'),
      'Supabase creates this role in every project: run this file there.'
    ),
    (
      'role authenticated',
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated'),
      'Supabase creates this role in every project: run this file there.'
    ),
    (
      'role service_role',
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role'),
      'Supabase creates this role in every project: run this file there.'
    ),
    (
      'function auth.jwt() returning jsonb',
      EXISTS (
        SELECT FROM pg_proc
        JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = 'auth' AND proname = 'jwt'
          AND pronargs = 0 AND prorettype = to_regtype('jsonb')
      ),
      'Supabase provides auth.jwt() in every project: run this file there.'
    ),
    (
      'table public.applications',
      to_regclass('public.applications') IS NOT NULL,
      'Run the migration that creates public.applications first; its app_code must be UNIQUE.'
    ),
    (
      'unique key public.applications (app_code)',
      EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = to_regclass('public.applications')
          AND indisunique AND indisvalid AND indimmediate
          AND indpred IS NULL AND indexprs IS NULL
          AND ARRAY(
            SELECT attname::TEXT FROM pg_attribute
            WHERE attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
            ORDER BY attname COLLATE "C"
          ) = ARRAY['app_code']
      ),
      'Run the migration that creates public.applications first; its app_code must be UNIQUE.'
    ),
    (
      'the privilege to reference public.applications',
      has_table_privilege(to_regclass('public.applications'), 'REFERENCES'),
      'Run this file as the owner of public.applications.'
    )
  ) AS needed (what, found, remedy)
  WHERE NOT needed.found;

  PERFORM set_config('search_path', caller_path, TRUE);

  IF problems IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'This database lacks what the migration builds on; nothing was changed.' || problems,
      HINT = remedies;
  END IF;

  -- The declared tables once more, as temporary twins: they give PostgreSQL's own wording of
  -- types, defaults, checks and keys, to compare the tables with that exist already. The caller's
  -- path stays behind PostgreSQL's, because event triggers may need it.
  PERFORM set_config('search_path', concat_ws(', ', 'pg_catalog', nullif(caller_path, '')), TRUE);

  CREATE TABLE pg_temp.applications (app_code TEXT, UNIQUE (app_code));
  CREATE TABLE pg_temp.function_registry (
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
    CONSTRAINT function_registry_function_code_key UNIQUE (function_code),
    CONSTRAINT function_registry_implementation_type_check
      CHECK (implementation_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
    CONSTRAINT function_registry_app_code_fkey
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code)
  );
  CREATE TABLE pg_temp.workflow_definitions (
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
    CONSTRAINT workflow_definitions_app_code_id_key UNIQUE (app_code, id),
    CONSTRAINT workflow_definitions_status_check
      CHECK (status IN ('DRAFT', 'ACTIVE', 'DEPRECATED')),
    CONSTRAINT workflow_definitions_app_code_fkey
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code)
  );
  CREATE TABLE pg_temp.workflow_instances (
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
    CONSTRAINT workflow_instances_app_code_id_key UNIQUE (app_code, id),
    CONSTRAINT workflow_instances_status_check
      CHECK (status IN ('RUNNING', 'COMPLETED', 'SUSPENDED', 'ERROR')),
    CONSTRAINT workflow_instances_app_code_fkey
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code),
    CONSTRAINT workflow_instances_app_code_workflow_definition_id_fkey
      FOREIGN KEY (app_code, workflow_definition_id)
      REFERENCES pg_temp.workflow_definitions (app_code, id)
  );
  CREATE TABLE pg_temp.instance_context (
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
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code),
    CONSTRAINT instance_context_app_code_workflow_instance_id_fkey
      FOREIGN KEY (app_code, workflow_instance_id)
      REFERENCES pg_temp.workflow_instances (app_code, id)
  );
  CREATE TABLE pg_temp.instance_tasks (
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
    CONSTRAINT instance_tasks_app_code_id_key UNIQUE (app_code, id),
    CONSTRAINT instance_tasks_status_check
      CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')),
    CONSTRAINT instance_tasks_task_type_check
      CHECK (task_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
    CONSTRAINT instance_tasks_app_code_fkey
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code),
    CONSTRAINT instance_tasks_app_code_workflow_instance_id_fkey
      FOREIGN KEY (app_code, workflow_instance_id)
      REFERENCES pg_temp.workflow_instances (app_code, id),
    CONSTRAINT instance_tasks_function_code_fkey
      FOREIGN KEY (function_code)
      REFERENCES pg_temp.function_registry (function_code)
  );
  CREATE TABLE pg_temp.workflow_history (
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
      CHECK (event_type IN ('INSTANCE_CREATED', 'NODE_ENTERED', 'TASK_CREATED', 'TASK_COMPLETED',
        'TASK_FAILED', 'TRANSITION', 'INSTANCE_COMPLETED', 'INSTANCE_SUSPENDED')),
    CONSTRAINT workflow_history_app_code_fkey
      FOREIGN KEY (app_code)
      REFERENCES pg_temp.applications (app_code),
    CONSTRAINT workflow_history_app_code_workflow_instance_id_fkey
      FOREIGN KEY (app_code, workflow_instance_id)
      REFERENCES pg_temp.workflow_instances (app_code, id),
    CONSTRAINT workflow_history_app_code_task_id_fkey
      FOREIGN KEY (app_code, task_id)
      REFERENCES pg_temp.instance_tasks (app_code, id)
  );

  CREATE INDEX function_registry_app_code_is_active_idx
    ON pg_temp.function_registry (app_code, is_active);
  CREATE INDEX function_registry_app_code_implementation_type_idx
    ON pg_temp.function_registry (app_code, implementation_type);
  CREATE INDEX workflow_definitions_app_code_status_idx
    ON pg_temp.workflow_definitions (app_code, status);
  CREATE INDEX workflow_instances_app_code_status_idx
    ON pg_temp.workflow_instances (app_code, status);
  CREATE INDEX workflow_instances_app_code_initiated_at_idx
    ON pg_temp.workflow_instances (app_code, initiated_at DESC);
  CREATE INDEX workflow_instances_current_node_id_idx
    ON pg_temp.workflow_instances (current_node_id);
  CREATE INDEX workflow_instances_app_code_workflow_definition_id_idx
    ON pg_temp.workflow_instances (app_code, workflow_definition_id);
  CREATE INDEX instance_context_app_code_workflow_instance_id_idx
    ON pg_temp.instance_context (app_code, workflow_instance_id);
  CREATE INDEX instance_context_workflow_instance_id_version_idx
    ON pg_temp.instance_context (workflow_instance_id, version DESC);
  CREATE INDEX instance_tasks_app_code_status_idx ON pg_temp.instance_tasks (app_code, status);
  CREATE INDEX instance_tasks_app_code_assigned_to_status_idx
    ON pg_temp.instance_tasks (app_code, assigned_to, status);
  CREATE INDEX instance_tasks_workflow_instance_id_node_id_idx
    ON pg_temp.instance_tasks (workflow_instance_id, node_id);
  CREATE INDEX instance_tasks_function_code_idx ON pg_temp.instance_tasks (function_code);
  CREATE INDEX instance_tasks_app_code_created_at_idx
    ON pg_temp.instance_tasks (app_code, created_at)
    WHERE status = 'PENDING';
  CREATE INDEX workflow_history_app_code_instance_id_event_timestamp_idx
    ON pg_temp.workflow_history (app_code, workflow_instance_id, event_timestamp);
  CREATE INDEX workflow_history_app_code_event_timestamp_idx
    ON pg_temp.workflow_history (app_code, event_timestamp DESC);
  CREATE INDEX workflow_history_app_code_task_id_idx
    ON pg_temp.workflow_history (app_code, task_id)
    WHERE task_id IS NOT NULL;

  -- PostgreSQL words definitions by these settings; the caller's are put back below.
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE),
    set_config('quote_all_identifiers', 'off', TRUE);

  -- It reads what it compares and nothing else, because wording a definition locks its table.
  WITH pairs AS (
    SELECT twin.oid AS twin, live.oid AS live, live.relname, live.relkind, live.relpersistence,
      live.relowner
    FROM pg_class AS twin
    JOIN pg_class AS live
      ON live.relname = twin.relname AND live.relnamespace = 'public'::regnamespace
    WHERE twin.relnamespace = pg_my_temp_schema() AND twin.relname = ANY (tables)
  ),

  compared AS (
    SELECT twin AS oid FROM pairs
    UNION ALL
    SELECT live FROM pairs
  ),

  columns AS (
    SELECT attrelid, attname, concat(
      format_type(atttypid, atttypmod),
      (SELECT ' COLLATE ' || collname FROM pg_collation
        JOIN pg_type ON pg_type.oid = atttypid
        WHERE pg_collation.oid = attcollation AND attcollation <> typcollation),
      CASE WHEN attnotnull AND NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = attrelid AND contype = 'n' AND conkey[1] = attnum AND NOT convalidated
      ) THEN ' NOT NULL' END,
      CASE WHEN attidentity <> '' THEN ' GENERATED AS IDENTITY' END,
      CASE WHEN attgenerated <> '' THEN ' GENERATED' END,
      ' DEFAULT ' || pg_get_expr(adbin, adrelid)
    ) AS shape
    FROM compared
    JOIN pg_attribute ON attrelid = compared.oid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
  ),

  constraints AS (
    SELECT conrelid, conname, CASE contype
      WHEN 'f' THEN replace(
        regexp_replace(definition, 'REFERENCES (public|pg_temp)\.', 'REFERENCES '), '"', ''
      )
      ELSE definition
    END AS shape
    FROM compared
    JOIN pg_constraint ON conrelid = compared.oid
    CROSS JOIN LATERAL pg_get_constraintdef(pg_constraint.oid) AS definition
    WHERE contype IN ('p', 'u', 'c', 'f')
  ),

  foreign_keys AS (
    SELECT conrelid, conname,
      confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r') AS acts,
      CASE
        WHEN relnamespace <> pg_my_temp_schema() THEN format('%s.%s', nspname, relname)
        WHEN relname LIKE '%.%' THEN relname::TEXT
        ELSE format('public.%s', relname)
      END AS target,
      ARRAY(
        SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)
      ) AS names
    FROM compared
    JOIN pg_constraint ON conrelid = compared.oid AND contype = 'f'
    JOIN pg_class ON pg_class.oid = confrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
  ),

  -- How an index is stored is the operator's business.
  indexes AS (
    SELECT indexrelid, relname, relnamespace, indrelid, concat(
      regexp_replace(
        regexp_replace(pg_get_indexdef(indexrelid), ' ON pg_temp(_\d+)?\.', ' ON public.'),
        ' WITH \([^)]*\)', ''
      ),
      CASE WHEN NOT indisvalid THEN ' (invalid)' END
    ) AS shape
    FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace IN (pg_my_temp_schema(), 'public'::regnamespace)
      AND relname IN (SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema())
  ),

  differences AS (
    SELECT relname::TEXT AS place, 0 AS rank,
      CASE relkind
        WHEN 'r' THEN 'is not a permanent table'
        WHEN 'v' THEN 'is a view, must be a table'
        WHEN 'm' THEN 'is a materialized view, must be a table'
        WHEN 'p' THEN 'is a partitioned table, must be an ordinary one'
        WHEN 'f' THEN 'is a foreign table, must be an ordinary one'
        ELSE format('is a relation of kind "%s", must be a table', relkind)
      END AS what
    FROM pairs
    WHERE relkind <> 'r' OR relpersistence <> 'p'

    -- Whoever may read a parent reads its children, past their policies.
    UNION ALL
    SELECT relname::TEXT, 0, format('inherits from %s, must stand alone', inhparent::regclass)
    FROM pairs
    JOIN pg_inherits ON inhrelid = live

    -- And whoever may write a child writes what its parent shows.
    UNION ALL
    SELECT relname::TEXT, 0, format('is inherited by %s, must stand alone', inhrelid::regclass)
    FROM pairs
    JOIN pg_inherits ON inhparent = live

    UNION ALL
    SELECT relname::TEXT, 0, 'has its foreign keys switched off (DISABLE TRIGGER ALL)'
    FROM pairs
    WHERE EXISTS (
      SELECT FROM pg_trigger WHERE tgrelid = live AND tgisinternal AND tgenabled IN ('D', 'R')
    )

    UNION ALL
    SELECT typname::TEXT, 0, 'is a type, must be a table'
    FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typname = ANY (tables) AND typrelid = 0

    UNION ALL
    SELECT relname::TEXT, 1, format('is owned by %s, not by %s, who runs this',
      pg_get_userbyid(relowner), current_user)
    FROM pairs
    WHERE NOT pg_has_role(relowner, 'USAGE')

    UNION ALL
    SELECT format('%s.%s', pairs.relname, declared.attname), 2,
      format('is %s, must be %s', coalesce(actual.shape, 'missing'), declared.shape)
    FROM pairs
    JOIN columns AS declared ON declared.attrelid = pairs.twin
    LEFT JOIN columns AS actual
      ON actual.attrelid = pairs.live AND actual.attname = declared.attname
    WHERE actual.shape IS DISTINCT FROM declared.shape

    UNION ALL
    SELECT format('%s: constraint %s', pairs.relname, declared.conname), 3,
      format('is %s, must be %s', coalesce(actual.shape, 'missing'), declared.shape)
    FROM pairs
    JOIN constraints AS declared ON declared.conrelid = pairs.twin
    LEFT JOIN constraints AS actual
      ON actual.conrelid = pairs.live AND actual.conname = declared.conname
    WHERE actual.shape IS DISTINCT FROM declared.shape

    -- A left-over key could delete or change what it hangs on, the history too; and two keys for
    -- one relationship are ambiguous to the Data API.
    UNION ALL
    SELECT format('%s: constraint %s', pairs.relname, extra.conname), 3,
      format('is %s, must not be there', constraints.shape)
    FROM pairs
    JOIN foreign_keys AS extra ON extra.conrelid = pairs.live
    JOIN constraints
      ON constraints.conrelid = extra.conrelid AND constraints.conname = extra.conname
    WHERE NOT EXISTS (
        SELECT FROM foreign_keys AS declared
        WHERE declared.conrelid = pairs.twin AND declared.conname = extra.conname
      )
      AND (
        (
          extra.acts
          AND extra.names <@ ARRAY(SELECT attname FROM columns WHERE attrelid = pairs.twin)
        )
        OR EXISTS (
          SELECT FROM foreign_keys AS declared
          WHERE declared.conrelid = pairs.twin AND declared.target = extra.target
            AND (declared.names <@ extra.names OR declared.names @> extra.names)
        )
      )

    -- A missing index is created below; one of another shape would silently stay.
    UNION ALL
    SELECT format('index %s', declared.relname), 4,
      format('is %s, must be %s', coalesce(actual.shape, 'no index'), declared.shape)
    FROM indexes AS declared
    JOIN pg_class AS twin ON twin.oid = declared.indrelid
    JOIN pg_class AS taken
      ON taken.relname = declared.relname AND taken.relnamespace = 'public'::regnamespace
    LEFT JOIN indexes AS actual ON actual.indexrelid = taken.oid
    WHERE twin.relnamespace = pg_my_temp_schema() AND twin.relname = ANY (tables)
      AND actual.shape IS DISTINCT FROM declared.shape
      -- Told above, as the constraint that it belongs to.
      AND NOT EXISTS (
        SELECT FROM pairs
        JOIN constraints AS wanted ON wanted.conrelid = pairs.twin
        JOIN constraints AS found ON found.conrelid = pairs.live AND found.conname = wanted.conname
        WHERE pairs.twin = declared.indrelid AND wanted.conname = declared.relname
      )
  )

  SELECT string_agg(format(E'\n- %s %s', place, what), '' ORDER BY place, rank, what)
  INTO problems
  FROM differences;

  IF problems IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      -- Some clients show no HINT, so what to do stands in the message.
      MESSAGE = 'Tables of this database differ from the migration''s; nothing was changed.'
        || problems || E'\nBring them to that shape with a migration of your own, then run this again.',
      HINT = 'This file drops and alters no table. One that serves another purpose can be renamed '
        'out of the way, its constraints and indexes with it.';
  END IF;

  PERFORM set_config('search_path', caller_path, TRUE),
    set_config('quote_all_identifiers', caller_quoting, TRUE);

  DROP TABLE
    pg_temp.workflow_history,
    pg_temp.instance_tasks,
    pg_temp.instance_context,
    pg_temp.workflow_instances,
    pg_temp.workflow_definitions,
    pg_temp.function_registry,
    pg_temp.applications;
END
$guard$;

-- Tables that exist already are taken all at once, or let go of again while one of them is in
-- use: to hold some while waiting for others stops everybody on those, and ends in deadlocks.
-- What a role may pass on is taken back here, because it stands in the way of the REVOKEs below.
DO $existing$
DECLARE
  tables CONSTANT TEXT[] := ARRAY[
    'function_registry', 'workflow_definitions', 'workflow_instances', 'instance_context',
    'instance_tasks', 'workflow_history'
  ];
  caller_path CONSTANT TEXT := current_setting('search_path');
  patience CONSTANT TEXT := current_setting('lock_timeout');
  give_up CONSTANT TIMESTAMPTZ := clock_timestamp() + nullif(patience, '0')::INTERVAL;
  deadlock_timeout CONSTANT INTERVAL := current_setting('deadlock_timeout');
  let_go TIMESTAMPTZ;
  existing TEXT[];
  existing_table TEXT;
  users TEXT;
  passed_on TEXT[];
  statement TEXT;
BEGIN
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);
  existing := ARRAY(
    SELECT format('public.%I', relname)
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
    ORDER BY array_position(tables, relname::TEXT)
  );
  passed_on := ARRAY(
    SELECT DISTINCT format('REVOKE ALL ON TABLE public.%I FROM %I CASCADE', relname, rolname)
    FROM pg_class
    CROSS JOIN LATERAL (
      SELECT acl.grantee, acl.is_grantable FROM aclexplode(relacl) AS acl
      UNION
      SELECT acl.grantee, acl.is_grantable FROM pg_attribute, aclexplode(attacl) AS acl
      WHERE attrelid = pg_class.oid AND NOT attisdropped
    ) AS grants
    JOIN pg_roles ON pg_roles.oid = grants.grantee
    WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      AND pg_roles.oid <> relowner AND is_grantable
  );
  PERFORM set_config('search_path', caller_path, TRUE);

  LOOP
    -- Holding nothing, it waits long enough for autovacuum to give way, which it does after
    -- deadlock_timeout. Holding something, it waits less: no deadlock, and no long queue.
    let_go := least(clock_timestamp() + deadlock_timeout * 1.2, give_up);
    BEGIN
      FOREACH existing_table IN ARRAY existing LOOP
        PERFORM set_config('lock_timeout', greatest(
          1, 1000 * extract(EPOCH FROM let_go - clock_timestamp())
        )::INTEGER::TEXT, TRUE);
        -- schema-lint: allow unreadable-body -- only names from the catalog, quoted by format(%I)
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', existing_table);
        IF existing_table = existing[1] THEN
          let_go := least(clock_timestamp() + deadlock_timeout * 0.8, give_up);
        END IF;
      END LOOP;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF clock_timestamp() >= give_up THEN
        PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);
        SELECT string_agg(DISTINCT coalesce('process ' || pid || coalesce(
          ' (' || nullif(concat_ws(', ', usename, nullif(application_name, ''), state), '') || ')', ''
        ), 'a prepared transaction'), '; ')
        INTO users
        FROM pg_locks
        JOIN pg_database ON pg_database.oid = database AND pg_database.datname = current_database()
        LEFT JOIN pg_stat_activity USING (pid)
        WHERE relation = existing_table::regclass AND granted;
        RAISE EXCEPTION USING
          ERRCODE = 'lock_not_available',
          MESSAGE = format(
            '%s is in use by %s; gave up after a lock timeout of %s, and nothing was changed.',
            existing_table, coalesce(users, 'somebody who has just left'), patience
          ),
          HINT = 'Run this file again when that is over; pg_terminate_backend(pid) ends a session.';
      END IF;
      existing := existing_table || array_remove(existing, existing_table);
      PERFORM pg_sleep(0.1);
    END;
  END LOOP;
  PERFORM set_config('lock_timeout', patience, TRUE);

  FOREACH statement IN ARRAY passed_on LOOP
    -- schema-lint: allow unreadable-body -- only names from the catalog, quoted by format(%I)
    EXECUTE statement;
    RAISE WARNING 'Put back to what this migration declares: %', statement;
  END LOOP;
END
$existing$;

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

COMMENT ON TABLE public.function_registry IS
  'Execution contracts: what each function that a task can call takes, returns and needs.';
COMMENT ON COLUMN public.function_registry.app_code IS
  'The tenant that owns the row; NULL is a shared function, which all can see and none can change.';
COMMENT ON COLUMN public.function_registry.function_code IS
  'Unique across all applications: begin it with your app_code, as in billing.create_invoice.';
COMMENT ON COLUMN public.function_registry.implementation_type IS
  'Who does the work: USER_TASK a person, SERVICE_TASK a program, AI_AGENT_TASK an AI agent.';
COMMENT ON COLUMN public.function_registry.endpoint_or_path IS
  'Where the engine calls the function; empty for work that a person does.';
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
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.function_registry.updated_by IS
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';

-- Source: packages/schema/function_registry/access.sql
REVOKE ALL ON TABLE public.function_registry
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.function_registry ENABLE ROW LEVEL SECURITY;

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
  'DRAFT: being edited. ACTIVE: may be started. DEPRECATED: runs on, starts no more.';
COMMENT ON COLUMN public.workflow_definitions.l4_operation_code IS
  'The business operation (level 4 of the process map) that the workflow carries out, if any.';
COMMENT ON COLUMN public.workflow_definitions.created_by IS
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.updated_by IS
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/workflow_definitions/access.sql
REVOKE ALL ON TABLE public.workflow_definitions
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.workflow_definitions ENABLE ROW LEVEL SECURITY;

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

COMMENT ON TABLE public.workflow_instances IS
  'Runs of workflows: one row per run, with its state; workflow_history tells how it got there.';
COMMENT ON COLUMN public.workflow_instances.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_instances.workflow_definition_id IS
  'The version that runs; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_instances.workflow_code IS
  'Copy of the definition''s workflow_code, for lists without a join.';
COMMENT ON COLUMN public.workflow_instances.current_node_id IS
  'The node of model_structure that the run has reached; empty before the first.';
COMMENT ON COLUMN public.workflow_instances.input_data IS 'What the run was started with.';
COMMENT ON COLUMN public.workflow_instances.status IS
  'RUNNING. SUSPENDED: waits to be resumed. COMPLETED. ERROR: ended, see error_message.';
COMMENT ON COLUMN public.workflow_instances.initiated_by IS
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_instances.suspended_at IS 'When the run was last suspended.';
COMMENT ON COLUMN public.workflow_instances.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/workflow_instances/access.sql
REVOKE ALL ON TABLE public.workflow_instances
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.workflow_instances ENABLE ROW LEVEL SECURITY;

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

COMMENT ON TABLE public.instance_context IS
  'What a run has gathered on its way: one row per version of its data; the highest is current.';
COMMENT ON COLUMN public.instance_context.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.instance_context.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.instance_context.context_data IS
  'All data of the run as of this version, not the change since the one before.';
COMMENT ON COLUMN public.instance_context.version IS 'Counts from 1 within a run.';

-- Source: packages/schema/instance_context/access.sql
REVOKE ALL ON TABLE public.instance_context
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.instance_context ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "app_isolation" ON public.instance_context;
CREATE POLICY "app_isolation" ON public.instance_context
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_context
  TO authenticated, service_role;

-- Source: packages/schema/instance_context/indexes.sql
CREATE INDEX IF NOT EXISTS instance_context_app_code_workflow_instance_id_idx
  ON public.instance_context (app_code, workflow_instance_id);

-- The current version first. Required, though the unique key's index read backwards would do.
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
  'What it returned; function_registry.output_schema describes it. Empty until then.';
COMMENT ON COLUMN public.instance_tasks.assigned_to IS
  'Supabase auth user who is to do the work, if any. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.instance_tasks.is_active IS
  'FALSE retires the row instead of deleting it.';

-- Source: packages/schema/instance_tasks/access.sql
REVOKE ALL ON TABLE public.instance_tasks
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.instance_tasks ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "app_isolation" ON public.instance_tasks;
CREATE POLICY "app_isolation" ON public.instance_tasks
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The foreign key on function_code sees every application's functions. These policies are checked
-- before it and see only the caller's and the shared ones, so a code that is another application's
-- and a code that is nobody's fail alike.
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
-- more index on random UUIDs costs 15 to 40 % of every insert.
CREATE INDEX IF NOT EXISTS instance_tasks_workflow_instance_id_node_id_idx
  ON public.instance_tasks (workflow_instance_id, node_id);

-- For the foreign key: without it, deleting a function reads every task.
CREATE INDEX IF NOT EXISTS instance_tasks_function_code_idx
  ON public.instance_tasks (function_code);

-- For the engine's hot query, an application's oldest pending task. Tasks that were begun, in time
-- nearly all, are not in it.
CREATE INDEX IF NOT EXISTS instance_tasks_app_code_created_at_idx
  ON public.instance_tasks (app_code, created_at)
  WHERE status = 'PENDING';

-- -----------------------------------------------------------------------------------------------
-- workflow_history
-- Audit log: one row per event of a run. Append-only: only the owner could change or delete
-- one.
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

COMMENT ON TABLE public.workflow_history IS
  'Audit log: one row per event of a run. Append-only: only the owner could change or delete one.';
COMMENT ON COLUMN public.workflow_history.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_history.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.node_id IS
  'The node that the event is about; a TRANSITION has from_node_id and to_node_id instead.';
COMMENT ON COLUMN public.workflow_history.task_id IS
  'The task that a TASK_ event is about; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.actor_id IS
  'Supabase auth user; empty when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_history.event_timestamp IS
  'When it happened; created_at is when it was written down.';

-- Source: packages/schema/workflow_history/access.sql
REVOKE ALL ON TABLE public.workflow_history
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.workflow_history ENABLE ROW LEVEL SECURITY;

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
-- When everything is made
-- -----------------------------------------------------------------------------------------------

-- On these tables, access is exactly what this file declares: a single policy too many would let
-- a tenant see the others. Last, because default privileges and event triggers may have given the
-- new tables more.
DO $access$
DECLARE
  tables CONSTANT TEXT[] := ARRAY[
    'function_registry', 'workflow_definitions', 'workflow_instances', 'instance_context',
    'instance_tasks', 'workflow_history'
  ];
  caller_path CONSTANT TEXT := current_setting('search_path');
  statements TEXT[];
  statement TEXT;
BEGIN
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);
  statements := ARRAY(
    SELECT format('DROP POLICY %I ON public.%I', policyname, tablename)
    FROM pg_policies
    WHERE schemaname = 'public' AND tablename = ANY (tables)
      AND format('%s.%s', tablename, policyname) <> ALL (ARRAY[
        'function_registry.app_isolation',
        'function_registry.own_functions_on_update',
        'function_registry.own_functions_on_delete',
        'workflow_definitions.app_isolation',
        'workflow_instances.app_isolation',
        'instance_context.app_isolation',
        'instance_tasks.app_isolation',
        'instance_tasks.function_visible_on_insert',
        'instance_tasks.function_visible_on_update',
        'workflow_history.app_isolation'
      ]::TEXT[])

    UNION ALL
    SELECT format('ALTER TABLE public.%I NO FORCE ROW LEVEL SECURITY', relname)
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      AND relforcerowsecurity

    UNION ALL
    SELECT DISTINCT format('REVOKE ALL ON TABLE public.%I FROM %I CASCADE', relname, rolname)
    FROM pg_class
    CROSS JOIN LATERAL (
      SELECT acl.grantee FROM aclexplode(relacl) AS acl
      UNION
      SELECT acl.grantee FROM pg_attribute, aclexplode(attacl) AS acl
      WHERE attrelid = pg_class.oid AND NOT attisdropped
    ) AS grants
    JOIN pg_roles ON pg_roles.oid = grants.grantee
    WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      AND pg_roles.oid <> relowner
      AND rolname <> ALL (ARRAY['anon', 'authenticated', 'service_role']::TEXT[])

    -- Foreign keys are checked with the owner's privileges.
    UNION ALL
    SELECT format('GRANT ALL ON TABLE public.%I TO %I', relname, pg_get_userbyid(relowner))
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      AND relacl IS NOT NULL AND EXISTS (
        SELECT grantee, privilege_type FROM aclexplode(acldefault('r', relowner))
        WHERE grantee = relowner
        EXCEPT
        SELECT grantee, privilege_type FROM aclexplode(relacl)
      )
  );
  PERFORM set_config('search_path', caller_path, TRUE);

  FOREACH statement IN ARRAY statements LOOP
    -- schema-lint: allow unreadable-body -- only names from the catalog, quoted by format(%I)
    EXECUTE statement;
    RAISE WARNING 'Put back to what this migration declares: %', statement;
  END LOOP;
END
$access$;
