CREATE TABLE IF NOT EXISTS public.tasks (id UUID, app_code TEXT NOT NULL);

-- Shared rows, for which a policy speaks.
CREATE TABLE IF NOT EXISTS public.functions (id UUID, app_code TEXT);
CREATE POLICY "app_isolation" ON public.functions
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

CREATE TABLE IF NOT EXISTS public.copies (LIKE public.tasks);
CREATE TEMPORARY TABLE scratch (id UUID);
CREATE TABLE IF NOT EXISTS public.late (id UUID);
ALTER TABLE public.late ADD COLUMN IF NOT EXISTS app_code TEXT NOT NULL;
