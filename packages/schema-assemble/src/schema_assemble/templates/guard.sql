DECLARE
/*lists*/  schemas CONSTANT NAME[] := pg_catalog.current_schemas(TRUE);
  session_path CONSTANT TEXT := pg_catalog.current_setting('search_path');
  problems TEXT;
  remedy TEXT;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp; -- so that nobody's names are taken for PostgreSQL's
/*prerequisites*/
  IF problems IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = problems, HINT = remedy;
  END IF;

  PERFORM set_config('search_path', session_path, TRUE);
END
