CREATE TABLE IF NOT EXISTS public.notes (app_code TEXT NOT NULL); -- found
CREATE TABLE IF NOT EXISTS public.tasks (app_code TEXT NOT NULL); -- found
CREATE POLICY "app_isolation" ON public.tasks
  AS RESTRICTIVE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE TABLE IF NOT EXISTS public.runs (app_code TEXT NOT NULL); -- found
CREATE POLICY "app_isolation" ON public.runs
  FOR INSERT
  TO authenticated
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
