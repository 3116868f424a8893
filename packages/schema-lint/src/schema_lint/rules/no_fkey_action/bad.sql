CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code) ON UPDATE CASCADE, -- found
  run_id UUID REFERENCES public.runs (id) ON DELETE CASCADE, -- found
  other_id UUID REFERENCES public.runs (id) ON DELETE SET NULL, -- found
  third_id UUID REFERENCES public.runs (id) ON DELETE RESTRICT -- found
);
ALTER TABLE public.tasks ADD CONSTRAINT tasks_fourth_fkey -- found
  FOREIGN KEY (fourth_id) REFERENCES public.runs (id) ON DELETE SET DEFAULT;
