CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code),
  run_id UUID NOT NULL,
  node_id TEXT NOT NULL,
  parent_id UUID,
  other_id UUID,
  code TEXT REFERENCES public.functions (code),
  CONSTRAINT by_prefix FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id),
  CONSTRAINT by_partial FOREIGN KEY (app_code, parent_id) REFERENCES public.tasks (app_code, id),
  CONSTRAINT by_key FOREIGN KEY (other_id) REFERENCES public.others (id),
  UNIQUE (app_code, code),
  UNIQUE (other_id, node_id)
);
-- app_code alone selects little: (run_id, …) serves (app_code, run_id).
CREATE INDEX IF NOT EXISTS tasks_run_id_node_id_idx ON public.tasks (run_id, node_id);
CREATE INDEX IF NOT EXISTS tasks_code_idx ON public.tasks (code);
CREATE INDEX IF NOT EXISTS tasks_parent_id_idx ON public.tasks (app_code, parent_id)
  WHERE parent_id IS NOT NULL;
