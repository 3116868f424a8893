DECLARE
/*lists*/  session_path CONSTANT TEXT := pg_catalog.current_setting('search_path');
  statements TEXT[];
  statement TEXT;
  foreign_table TEXT;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp; -- unqualified names mean PostgreSQL's own

  FOR look IN 1..3 LOOP -- what one look revokes may uncover more; the third must find nothing
    statements := ARRAY(
      WITH ours AS (
        SELECT pg_class.*, oid::regclass AS relation FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      ),

      declared AS (
        SELECT split_part(entry, '|', 1) AS relname, split_part(entry, '|', 2) AS role,
          split_part(entry, '|', 3) AS privileges
        FROM unnest(granted) AS entry
      ),

      entries AS (
        SELECT relname, relation, relowner, '' AS columns, acl.*
        FROM ours, aclexplode(relacl) AS acl
        UNION ALL
        SELECT relname, relation, relowner, format(' (%I)', attname), acl.*
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND NOT attisdropped,
          aclexplode(attacl) AS acl
      ),

      grants AS (
        SELECT *, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS role
        FROM entries
      )

      SELECT format('DROP POLICY %I ON %s', polname, relation)
      FROM ours JOIN pg_policy ON polrelid = ours.oid
      WHERE polpermissive AND format('%s.%s', relname, polname) <> ALL (policies)

      UNION ALL
      SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation)
      FROM ours WHERE NOT relrowsecurity

      UNION ALL
      SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s CASCADE', relation,
        CASE grantee WHEN 0 THEN role ELSE quote_ident(role) END)
      FROM grants
      WHERE grantor = relowner AND grantee <> relowner
        AND (relname, role) NOT IN (SELECT relname, role FROM declared)

      UNION ALL
      SELECT format(
        'REVOKE ALL ON TABLE %1$s FROM %2$s CASCADE; GRANT %3$s ON TABLE %1$s TO %2$s',
        relation, CASE role WHEN 'PUBLIC' THEN role ELSE quote_ident(role) END, privileges
      )
      FROM ours JOIN declared USING (relname)
      WHERE role <> pg_get_userbyid(relowner) AND privileges IS DISTINCT FROM (
        SELECT string_agg(
          privilege_type || columns || CASE WHEN is_grantable THEN '*' ELSE '' END, ', '
          ORDER BY privilege_type
        )
        FROM grants
        WHERE grants.relation = ours.relation AND grants.role = declared.role
          AND grantor = grants.relowner
      )

      -- The owner's REVOKE leaves a grant whose grantor no longer holds the grant option. So give
      -- that role the option first, then revoke it with CASCADE.
      UNION ALL
      SELECT DISTINCT format(
        'GRANT ALL%1$s ON TABLE %2$s TO %3$s WITH GRANT OPTION;'
        ' REVOKE ALL%1$s ON TABLE %2$s FROM %3$s CASCADE', columns, relation, grantor::regrole
      )
      FROM grants
      WHERE grantor <> relowner AND NOT EXISTS (
        SELECT FROM grants AS source
        WHERE source.relation = grants.relation AND source.columns = grants.columns
          AND source.grantee = grants.grantor AND source.is_grantable
          AND source.privilege_type = grants.privilege_type
      )

      -- Foreign keys are checked with the owner's privileges.
      UNION ALL
      SELECT format('GRANT ALL ON TABLE %s TO %s', relation, relowner::regrole)
      FROM ours
      WHERE relacl IS NOT NULL AND EXISTS (
        SELECT privilege_type FROM aclexplode(acldefault('r', relowner))
        EXCEPT
        SELECT privilege_type FROM aclexplode(relacl) WHERE grantee = relowner
      )
    );
    EXIT WHEN statements = '{}';

    IF look = 3 THEN
      RAISE EXCEPTION 'Cannot be put back (by an event trigger, or a member of the owner?): %',
        array_to_string(statements, '; ');
    END IF;

    FOREACH statement IN ARRAY statements LOOP
      PERFORM set_config('search_path', session_path, TRUE); -- event triggers may need it
      -- schema-lint: allow unreadable-body -- only names from the catalog, quoted
      EXECUTE statement;
      SET LOCAL search_path = pg_catalog, pg_temp;
      RAISE WARNING 'Put back to what this migration declares: %', statement;
    END LOOP;
  END LOOP;

  -- Somebody else may have made a table while CREATE TABLE IF NOT EXISTS waited.
  SELECT format('public.%I, which %s owns', relname, relowner::regrole)
  INTO foreign_table
  FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables) AND (
    NOT pg_has_role(relowner, 'USAGE')
    OR EXISTS (
      SELECT FROM unnest(callers) AS caller
      WHERE pg_has_role(to_regrole(quote_ident(caller)), relowner, 'MEMBER')
    )
  );
  IF foreign_table IS NOT NULL THEN
    RAISE EXCEPTION 'Another role made %, while this ran', foreign_table;
  END IF;

  PERFORM set_config('search_path', session_path, TRUE);
END
