DECLARE
  tables CONSTANT TEXT[] := ARRAY[
/*names*/
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
