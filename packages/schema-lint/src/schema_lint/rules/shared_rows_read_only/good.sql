CREATE TABLE IF NOT EXISTS public.functions (app_code TEXT);
CREATE POLICY "app_isolation" ON public.functions
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "own_rows_on_update" ON public.functions
  AS RESTRICTIVE FOR UPDATE TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "own_rows_on_delete" ON public.functions
  AS RESTRICTIVE FOR DELETE TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- For reading alone, nothing needs to be kept.
CREATE TABLE IF NOT EXISTS public.templates (app_code TEXT);
CREATE POLICY "read" ON public.templates
  FOR SELECT
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'));
