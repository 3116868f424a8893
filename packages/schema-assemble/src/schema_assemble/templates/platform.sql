  -- What the platform must provide. The catalog is read where it cannot be taken for anything else.
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE);

  SELECT
    string_agg(format(E'\n- %s', needed.what), '' ORDER BY needed.what),
    string_agg(DISTINCT needed.remedy, ' ')
  INTO problems, remedies
  FROM (VALUES
/*needed*/
  ) AS needed (what, found, remedy)
  WHERE NOT needed.found;

  PERFORM set_config('search_path', caller_path, TRUE);

  IF problems IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'This database lacks what the migration builds on; nothing was changed.' || problems,
      HINT = remedies;
  END IF;
