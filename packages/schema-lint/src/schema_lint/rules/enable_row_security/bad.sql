CREATE TABLE IF NOT EXISTS public.notes (id UUID); -- found
CREATE TABLE IF NOT EXISTS public.runs (id UUID); -- found
ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.runs DISABLE ROW LEVEL SECURITY; -- found
-- FORCE alone does not enable it, and a partition does not inherit it.
CREATE TABLE IF NOT EXISTS public.steps (id UUID); -- found
ALTER TABLE public.steps FORCE ROW LEVEL SECURITY;
CREATE TABLE IF NOT EXISTS public.tasks (id UUID) PARTITION BY HASH (id);
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
CREATE TABLE IF NOT EXISTS public.tasks_0 PARTITION OF public.tasks -- found
  FOR VALUES WITH (MODULUS 2, REMAINDER 0);
DO $$
BEGIN
  ALTER TABLE public.others DISABLE ROW LEVEL SECURITY; -- found
END $$;
