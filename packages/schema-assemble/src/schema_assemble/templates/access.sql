DECLARE
  tables CONSTANT TEXT[] := ARRAY[
/*names*/
  ];
  undeclared TEXT;
BEGIN
  FOR undeclared IN
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

    -- The roles that the file does grant to are left out, because their grants are made anew
    -- below; unless they may pass them on, which only CASCADE undoes.
    UNION ALL
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
      AND pg_roles.oid <> relowner
      AND (is_grantable OR rolname <> ALL (ARRAY[/*roles*/]::TEXT[]))
  LOOP
    -- schema-lint: allow unreadable-body -- only names from the catalog, quoted by format(%I)
    EXECUTE undeclared;
    RAISE WARNING 'Undone, because this migration does not declare it: %', undeclared;
  END LOOP;
END
