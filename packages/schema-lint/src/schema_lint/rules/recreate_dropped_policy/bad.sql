DROP POLICY IF EXISTS "own_rows_on_update" ON public.tasks; -- found
DROP POLICY IF EXISTS "app_isolation" ON public.tasks; -- found
CREATE POLICY "app_isolation" ON public.others TO authenticated USING (false);
CREATE POLICY "isolation" ON public.tasks TO authenticated USING (false);
DROP POLICY IF EXISTS "isolation" ON public.tasks; -- found
