CREATE TABLE IF NOT EXISTS public.tasks (app_code TEXT NOT NULL);
CREATE POLICY "app_isolation" ON public.tasks
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
