CREATE POLICY "app_isolation" ON public.tasks
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "nobody" ON public.tasks TO authenticated USING (false);
CREATE POLICY "run_visible" ON public.tasks
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs AS r WHERE r.code = tasks.code));
CREATE POLICY "own" ON public.notes
  TO authenticated
  USING ((SELECT auth.uid()) = user_id AND (SELECT auth.uid()) IS NOT NULL);
