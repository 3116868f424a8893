CREATE TABLE IF NOT EXISTS public.runs (
  id UUID PRIMARY KEY,
  app_code TEXT NOT NULL,
  code TEXT NOT NULL UNIQUE,
  UNIQUE (app_code, id)
);
CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL,
  parent_id UUID REFERENCES public.runs, -- found
  run_id UUID REFERENCES public.runs (id), -- found
  CONSTRAINT swapped FOREIGN KEY (run_id, app_code) -- found
    REFERENCES public.runs (app_code, id),
  CONSTRAINT one_sided FOREIGN KEY (app_code, run_id) -- found
    REFERENCES public.runs (code, id),
  -- A global code, but no policy looks it up.
  CONSTRAINT no_policy FOREIGN KEY (code) REFERENCES public.runs (code) -- found
);

-- The policies are not restrictive, or say nothing: inside, a bare code is the run's own.
CREATE TABLE IF NOT EXISTS public.steps (
  app_code TEXT NOT NULL,
  code TEXT NOT NULL,
  CONSTRAINT steps_code_fkey FOREIGN KEY (code) REFERENCES public.runs (code) -- found
);
CREATE POLICY "run_visible_on_insert" ON public.steps
  FOR INSERT
  TO authenticated
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs WHERE runs.code = steps.code));
CREATE POLICY "run_visible_on_update" ON public.steps
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs WHERE runs.code = code));
