CREATE TABLE IF NOT EXISTS public.notes (id UUID, app_id TEXT NOT NULL); -- found
CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID,
  app_code TEXT -- found
);
CREATE TABLE IF NOT EXISTS public.runs (
  id UUID,
  app_code UUID NOT NULL -- found
);
CREATE TABLE IF NOT EXISTS public.late (id UUID);
ALTER TABLE public.late ADD COLUMN IF NOT EXISTS app_code TEXT; -- found

-- NULL without a policy that admits it.
CREATE TABLE IF NOT EXISTS public.functions (
  app_code TEXT -- found
);
CREATE POLICY "app_isolation" ON public.functions
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
