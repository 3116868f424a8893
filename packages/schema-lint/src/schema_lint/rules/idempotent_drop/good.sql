DROP TABLE IF EXISTS public.tasks;
DROP POLICY IF EXISTS "app_isolation" ON public.tasks;
DROP TABLE pg_temp.numbers, pg_temp.names;
DROP ROLE IF EXISTS reporter;
ALTER TABLE public.tasks
  DROP COLUMN IF EXISTS note,
  DROP CONSTRAINT IF EXISTS tasks_note_check;
ALTER TABLE public.tasks ALTER COLUMN note DROP NOT NULL, ALTER COLUMN note DROP DEFAULT;

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'jobs') THEN
    DROP VIEW public.jobs;
  END IF;
END $$;
