CREATE TABLE IF NOT EXISTS public.tasks (app_code TEXT NOT NULL, status TEXT);
CREATE INDEX IF NOT EXISTS tasks_app_code_status_idx ON public.tasks (app_code, status);
CREATE TABLE IF NOT EXISTS public.runs (
  app_code TEXT NOT NULL,
  code TEXT NOT NULL,
  CONSTRAINT runs_app_code_code_key UNIQUE (app_code, code)
);
