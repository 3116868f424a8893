CREATE TABLE IF NOT EXISTS public.runs (
  id UUID PRIMARY KEY,
  app_code TEXT NOT NULL,
  UNIQUE (app_code, id)
);
CREATE TABLE IF NOT EXISTS public.functions (
  app_code TEXT,
  function_code TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code),
  run_id UUID NOT NULL,
  function_code TEXT NOT NULL,
  CONSTRAINT tasks_app_code_run_id_fkey
    FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id),
  -- A global code, which the two policies below look up.
  CONSTRAINT tasks_function_code_fkey
    FOREIGN KEY (function_code) REFERENCES public.functions (function_code),
  -- A table of which nothing is known.
  CONSTRAINT tasks_user_id_fkey FOREIGN KEY (run_id) REFERENCES auth.users (id)
);
CREATE POLICY "function_visible_on_insert" ON public.tasks
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1 FROM public.functions WHERE functions.function_code = tasks.function_code
    )
  );
CREATE POLICY "function_visible_on_update" ON public.tasks
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (function_code IN (SELECT f.function_code FROM public.functions AS f));
