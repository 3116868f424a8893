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

-- It looks up every code but this one.
CREATE TABLE IF NOT EXISTS public.notes (
  app_code TEXT NOT NULL,
  run TEXT NOT NULL,
  CONSTRAINT notes_run_fkey FOREIGN KEY (run) REFERENCES public.runs (code) -- found
);
CREATE POLICY "run_visible" ON public.notes
  AS RESTRICTIVE
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs WHERE runs.code <> notes.run));

-- It looks the code up on INSERT alone.
CREATE TABLE IF NOT EXISTS public.jobs (
  app_code TEXT NOT NULL,
  code TEXT NOT NULL,
  CONSTRAINT jobs_code_fkey FOREIGN KEY (code) REFERENCES public.runs (code) -- found
);
CREATE POLICY "run_visible_on_insert" ON public.jobs
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs WHERE runs.code = jobs.code));

-- Permissive policies give, and take nothing away.
CREATE TABLE IF NOT EXISTS public.files (
  app_code TEXT NOT NULL,
  code TEXT NOT NULL,
  CONSTRAINT files_code_fkey FOREIGN KEY (code) REFERENCES public.runs (code) -- found
);
CREATE POLICY "run_visible" ON public.files
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (EXISTS (SELECT 1 FROM public.runs WHERE runs.code = files.code));
