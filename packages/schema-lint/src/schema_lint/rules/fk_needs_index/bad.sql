CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code), -- found
  run_id UUID NOT NULL,
  node_id TEXT NOT NULL,
  parent_id UUID REFERENCES public.tasks (id), -- found
  number INTEGER REFERENCES public.numbers (number), -- found
  tag TEXT REFERENCES public.tags (tag), -- found
  code TEXT REFERENCES public.functions (code), -- found
  CONSTRAINT second FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id), -- found
  CONSTRAINT half FOREIGN KEY (node_id, tag) REFERENCES public.nodes (node_id, tag) -- found
);
-- Not at the beginning, one of two, other rows, an expression, and no btree.
CREATE INDEX IF NOT EXISTS a_idx ON public.tasks (node_id, run_id, app_code);
CREATE INDEX IF NOT EXISTS b_idx ON public.tasks (node_id, parent_id);
CREATE INDEX IF NOT EXISTS c_idx ON public.tasks (number) WHERE number > 0;
CREATE INDEX IF NOT EXISTS d_idx ON public.tasks (tag) WHERE number IS NOT NULL;
CREATE INDEX IF NOT EXISTS e_idx ON public.tasks (lower(code));
CREATE INDEX IF NOT EXISTS f_idx ON public.tasks USING gin (code);
CREATE INDEX IF NOT EXISTS g_idx ON public.tasks (node_id) INCLUDE (run_id, app_code);
