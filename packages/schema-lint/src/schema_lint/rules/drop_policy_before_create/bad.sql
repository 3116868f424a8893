CREATE POLICY "app_isolation" ON public.tasks -- found
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- Another table, another name, and without IF EXISTS.
DROP POLICY IF EXISTS "app_isolation" ON public.others;
CREATE POLICY "app_isolation" ON public.notes TO authenticated USING (false); -- found
DROP POLICY IF EXISTS "isolation" ON public.jobs;
CREATE POLICY "app_isolation" ON public.jobs TO authenticated USING (false); -- found
DROP POLICY "app_isolation" ON public.runs;
CREATE POLICY "app_isolation" ON public.runs TO authenticated USING (false); -- found

-- Too late.
CREATE POLICY "late" ON public.tasks TO authenticated USING (false); -- found
DROP POLICY IF EXISTS "late" ON public.tasks;
