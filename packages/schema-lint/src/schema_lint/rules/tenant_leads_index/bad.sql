CREATE TABLE IF NOT EXISTS public.notes (app_code TEXT NOT NULL); -- found
CREATE TABLE IF NOT EXISTS public.tasks (app_code TEXT NOT NULL, status TEXT); -- found
CREATE INDEX IF NOT EXISTS tasks_status_app_code_idx ON public.tasks (status, app_code);
CREATE INDEX IF NOT EXISTS tasks_app_code_idx ON public.tasks (app_code) WHERE status = 'OPEN';
CREATE INDEX IF NOT EXISTS tasks_lower_idx ON public.tasks (lower(app_code));
