CREATE INDEX ON public.tasks (app_code); -- found
CREATE INDEX IF NOT EXISTS idx_tasks_app_code ON public.tasks (app_code); -- found
CREATE INDEX IF NOT EXISTS tasks_status_idx ON public.tasks (app_code, status); -- found
CREATE INDEX IF NOT EXISTS tasks_app_code_key ON public.tasks (app_code); -- found
CREATE INDEX IF NOT EXISTS pending_idx ON public.tasks (created_at) WHERE status = 'OPEN'; -- found
CREATE INDEX IF NOT EXISTS tasks_lower ON public.tasks (lower(code)); -- found
