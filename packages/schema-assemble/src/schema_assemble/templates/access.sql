DECLARE
  tables CONSTANT TEXT[] := ARRAY[
/*names*/
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
/*policies*/
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
      AND rolname <> ALL (ARRAY[/*roles*/]::TEXT[])

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
