CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code),
  run_id UUID NOT NULL,
  previous_run_id UUID,
  CONSTRAINT tasks_app_code_run_id_fkey
    FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id),
  CONSTRAINT tasks_app_code_previous_run_id_fkey
    FOREIGN KEY (app_code, previous_run_id) REFERENCES public.runs (app_code, id)
);
