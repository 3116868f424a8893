DECLARE
/*lists*/  session_path CONSTANT TEXT := pg_catalog.current_setting('search_path');
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
/*references*/
        SET LOCAL search_path = pg_catalog, pg_temp;
      END IF;
      SET LOCAL quote_all_identifiers = off;
      IF look IN (1, 3) THEN
/*prerequisites*/
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
