TRUNCATE public.tasks; -- found
TRUNCATE TABLE public.tasks, public.runs RESTART IDENTITY; -- found
DELETE FROM public.tasks; -- found
DELETE FROM public.tasks WHERE true; -- found
UPDATE public.tasks SET note = ''; -- found
UPDATE public.tasks SET note = '' WHERE id = id; -- found
WITH gone AS (
  DELETE FROM public.tasks RETURNING id -- found
)
SELECT id FROM gone;
DO $$
BEGIN
  DELETE FROM public.runs; -- found
END $$;
