DROP POLICY IF EXISTS "app_isolation" ON public.tasks;
CREATE POLICY "app_isolation" ON public.tasks TO authenticated USING (false);
