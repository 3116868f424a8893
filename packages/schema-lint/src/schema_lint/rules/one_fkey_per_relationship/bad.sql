CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code),
  run_id UUID NOT NULL REFERENCES public.runs (id),
  CONSTRAINT tasks_app_code_run_id_fkey -- found
    FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id)
);
ALTER TABLE public.tasks ADD CONSTRAINT again -- found
  FOREIGN KEY (app_code) REFERENCES public.applications (app_code);
