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

-- Permissive policies add up: this one takes nothing away from the one above it.
CREATE TABLE IF NOT EXISTS public.forms (app_code TEXT);
CREATE POLICY "app_isolation" ON public.forms
  FOR DELETE
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code')); -- found
CREATE POLICY "own_rows_on_delete" ON public.forms
  FOR DELETE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
