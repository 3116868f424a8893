
-- Each migration built like this one leaves its name: see "Last migration" near the end.
IF problems IS NULL THEN
  SELECT 'A later migration is in place: run nothing; nothing was changed.' || string_agg(
      format(E'\n- %s was changed since by %s', relname, mark), '' ORDER BY relname),
    'This file has done its work; run now, it would undo what the later one did.'
  INTO problems, remedy
  FROM pg_class JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
  CROSS JOIN substring(obj_description(pg_constraint.oid), '^Last migration: (.*)') AS mark
  WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
    AND mark <> ALL (ARRAY[/*known*/]);
END IF;
