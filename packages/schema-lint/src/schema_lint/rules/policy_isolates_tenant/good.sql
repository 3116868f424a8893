CREATE TABLE IF NOT EXISTS public.tasks (app_code TEXT NOT NULL, status TEXT);
CREATE POLICY "app_isolation" ON public.tasks
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code') AND status <> 'HIDDEN')
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY "open_only" ON public.tasks AS RESTRICTIVE TO authenticated USING (status = 'OPEN');
CREATE TABLE IF NOT EXISTS public.functions (app_code TEXT);
CREATE POLICY "app_isolation" ON public.functions
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'));
-- A table without tenants, and one of which nothing is known.
CREATE TABLE IF NOT EXISTS public.notes (user_id UUID);
CREATE POLICY "own" ON public.notes TO authenticated USING (user_id = (SELECT auth.uid()));
CREATE POLICY "own" ON storage.objects TO authenticated USING (owner = (SELECT auth.uid()));
