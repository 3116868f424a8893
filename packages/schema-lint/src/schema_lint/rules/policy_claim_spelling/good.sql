CREATE POLICY "app_isolation" ON public.tasks
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = (SELECT auth.jwt()) ->> 'app_code');
CREATE POLICY "own" ON public.notes TO authenticated USING (user_id = (SELECT auth.uid()));
-- As PostgreSQL prints it.
CREATE POLICY "dumped" ON public.tasks TO authenticated
  USING ((app_code = (( SELECT auth.jwt() AS jwt) ->> 'app_code'::text)));
