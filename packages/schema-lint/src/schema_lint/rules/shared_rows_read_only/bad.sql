CREATE TABLE IF NOT EXISTS public.functions (app_code TEXT);
CREATE POLICY "app_isolation" ON public.functions
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code')) -- found
  WITH CHECK (
    app_code = ((SELECT auth.jwt()) ->> 'app_code')
    OR app_code IS NULL -- found
  );
-- For a role that is not the policy's, permissive, and for rows that are shared as well.
CREATE POLICY "other_role" ON public.functions
  AS RESTRICTIVE FOR UPDATE TO anon
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "permissive" ON public.functions
  FOR DELETE TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "shared_too" ON public.functions
  AS RESTRICTIVE FOR DELETE TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'));

CREATE TABLE IF NOT EXISTS public.templates (app_code TEXT);
CREATE POLICY "app_isolation" ON public.templates
  FOR UPDATE
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code')) -- found
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
-- It has no USING, so it restricts no row that is there.
CREATE POLICY "own_rows_on_update" ON public.templates
  AS RESTRICTIVE FOR UPDATE TO authenticated
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
