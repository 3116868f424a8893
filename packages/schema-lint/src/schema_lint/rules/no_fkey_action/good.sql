CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code),
  run_id UUID REFERENCES public.runs (id) ON DELETE NO ACTION
);
