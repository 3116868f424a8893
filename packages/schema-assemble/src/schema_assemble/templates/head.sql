DECLARE
/*tables*/  caller_path CONSTANT TEXT := current_setting('search_path');
  caller_quoting CONSTANT TEXT := current_setting('quote_all_identifiers');
  problems TEXT;
  remedies TEXT;
BEGIN
  -- PostgreSQL words definitions by these settings; the caller's are put back below.
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', TRUE),
    set_config('quote_all_identifiers', 'off', TRUE);
