  -- The declared tables once more, as temporary twins: they give PostgreSQL's own wording of
  -- types, defaults, checks and keys, to compare the tables with that exist already. The caller's
  -- path stays behind PostgreSQL's, because event triggers may need it.
  PERFORM set_config('search_path', concat_ws(', ', 'pg_catalog', nullif(caller_path, '')), TRUE);

/*twins*/

/*indexes*/

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
    /*drops*/;
