CREATE TABLE IF NOT EXISTS public.tasks (id UUID);
COMMENT ON TABLE public.tasks IS 'Work tokens: one row per task.';
CREATE TEMPORARY TABLE scratch (id UUID);
