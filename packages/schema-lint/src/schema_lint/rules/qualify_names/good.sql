CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID DEFAULT gen_random_uuid(),
  app_code TEXT REFERENCES public.applications (app_code)
);
CREATE INDEX IF NOT EXISTS tasks_id_idx ON public.tasks (id);
DROP POLICY IF EXISTS "a" ON public.tasks;
CREATE POLICY "a" ON public.tasks TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
COMMENT ON TABLE public.tasks IS 'Tasks.';
COMMENT ON COLUMN public.tasks.id IS 'Id.';
DROP INDEX IF EXISTS public.tasks_old_idx;
GRANT SELECT ON public.tasks TO authenticated;
WITH new AS (SELECT 1 AS n) SELECT n FROM new;
CREATE TEMPORARY TABLE scratch (id UUID);
INSERT INTO scratch SELECT id FROM public.tasks;
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_class) THEN
    PERFORM now();
  END IF;
END $$;
