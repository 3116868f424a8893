CREATE INDEX IF NOT EXISTS tasks_name_idx ON public.tasks (name);
DROP INDEX IF EXISTS public.tasks_note_idx;
REINDEX TABLE public.tasks;
ANALYZE public.tasks;
