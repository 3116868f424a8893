DROP POLICY IF EXISTS "app_isolation" ON public.tasks;
CREATE POLICY "app_isolation" ON public.tasks
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
