  -- The declared tables once more, as temporary twins: they give PostgreSQL's own wording of
  -- types, defaults, checks and keys, to compare the tables with that exist already.
/*twins*/

/*indexes*/

  WITH pairs AS (
    SELECT twin.oid AS twin, live.oid AS live, live.relname, live.relkind, live.relpersistence,
      live.relowner
    FROM pg_class AS twin
    JOIN pg_class AS live
      ON live.relname = twin.relname AND live.relnamespace = 'public'::regnamespace
    WHERE twin.relnamespace = pg_my_temp_schema() AND twin.relname = ANY (tables)
  ),

  columns AS (
    SELECT attrelid, attname, attnum, concat(
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
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
  ),

  constraints AS (
    SELECT conrelid, conname, CASE contype
      WHEN 'f' THEN replace(
        regexp_replace(pg_get_constraintdef(oid), 'REFERENCES (public|pg_temp)\.', 'REFERENCES '),
        '"', ''
      )
      ELSE pg_get_constraintdef(oid)
    END AS shape
    FROM pg_constraint
    WHERE contype IN ('p', 'u', 'c', 'f')
  ),

  indexes AS (
    SELECT indexrelid, relname, indrelid, concat(
      regexp_replace(pg_get_indexdef(indexrelid), ' ON pg_temp(_\d+)?\.', ' ON public.'),
      CASE WHEN NOT indisvalid THEN ' (invalid)' END
    ) AS shape
    FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
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

    UNION ALL
    SELECT relname::TEXT, 0, 'has its foreign keys switched off (DISABLE TRIGGER ALL)'
    FROM pairs
    WHERE EXISTS (
      SELECT FROM pg_trigger WHERE tgrelid = live AND tgisinternal AND tgenabled = 'D'
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
      AND NOT EXISTS (
        SELECT FROM constraints
        JOIN pairs ON pairs.live = constraints.conrelid
        WHERE constraints.conname = declared.relname
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

  DROP TABLE
    /*drops*/;
