DO $$
DECLARE
  name TEXT := 'tasks';
  row RECORD;
BEGIN
  EXECUTE 'DROP TABLE ' || name; -- found
  EXECUTE format('TRUNCATE %I', name); -- found
  EXECUTE name; -- found
  FOR row IN EXECUTE 'SELECT * FROM ' || name LOOP -- found
    NULL;
  END LOOP;
END $$;

DO LANGUAGE plpython3u 'plpy.execute("DROP TABLE tasks")'; -- found
