DECLARE
/*lists*/  session_path CONSTANT TEXT := current_setting('search_path');
  statements TEXT[];
  statement TEXT;
BEGIN
  FOR look IN 1..2 LOOP
    SET LOCAL search_path = pg_catalog, pg_temp;
    statements := ARRAY(
      WITH ours AS (
        SELECT * FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY (tables)
      ),

      grants AS (
        SELECT ours.oid::regclass AS relation, relowner, '' AS columns, acl.*
        FROM ours, aclexplode(relacl) AS acl
        UNION ALL
        SELECT ours.oid::regclass, relowner, format(' (%I)', attname), acl.*
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND NOT attisdropped,
          aclexplode(attacl) AS acl
      )

      SELECT format('DROP POLICY %I ON %s', polname, ours.oid::regclass)
      FROM ours
      JOIN pg_policy ON polrelid = ours.oid
      WHERE polpermissive AND format('%s.%s', relname, polname) <> ALL (policies)

      UNION ALL
      SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s CASCADE', relation, grantee::regrole)
      FROM grants
      WHERE grantor = relowner AND grantee NOT IN (relowner, 0)
        AND pg_get_userbyid(grantee) <> ALL (grantees) -- revoked above, table by table

      -- The owner's REVOKE leaves grants made by other roles. So make the owner the source of that
      -- role's grant option first, then revoke it with CASCADE.
      UNION ALL
      SELECT DISTINCT format(
        'GRANT ALL%1$s ON TABLE %2$s TO %3$s WITH GRANT OPTION;'
        ' REVOKE ALL%1$s ON TABLE %2$s FROM %3$s CASCADE', columns, relation, grantor::regrole
      )
      FROM grants
      WHERE grantor <> relowner AND NOT EXISTS (
        SELECT FROM grants AS source
        WHERE source.relation = grants.relation AND source.columns = grants.columns
          AND source.grantee = grants.grantor AND source.grantor = relowner
      )

      -- Foreign keys are checked with the owner's privileges.
      UNION ALL
      SELECT format('GRANT ALL ON TABLE %s TO %s', oid::regclass, relowner::regrole)
      FROM ours
      WHERE relacl IS NOT NULL AND EXISTS (
        SELECT privilege_type FROM aclexplode(acldefault('r', relowner))
        EXCEPT
        SELECT privilege_type FROM aclexplode(relacl) WHERE grantee = relowner
      )
    );
    PERFORM set_config('search_path', session_path, TRUE);
    EXIT WHEN statements = '{}';

    IF look = 2 THEN
      RAISE EXCEPTION 'Could not be put back to what this migration declares: %',
        array_to_string(statements, '; ');
    END IF;

    FOREACH statement IN ARRAY statements LOOP
      -- schema-lint: allow unreadable-body -- only names from the catalog, quoted
      EXECUTE statement;
      RAISE WARNING 'Put back to what this migration declares: %', statement;
    END LOOP;
  END LOOP;
END
