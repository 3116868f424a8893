CREATE TABLE IF NOT EXISTS public.runs (
  id UUID,
  app_code TEXT,
  code TEXT,
  number INTEGER,
  late INTEGER UNIQUE DEFERRABLE,
  UNIQUE (app_code, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS runs_code_idx ON public.runs (code) WHERE number > 0;
CREATE UNIQUE INDEX IF NOT EXISTS runs_number_idx ON public.runs (number, lower(code));
CREATE INDEX IF NOT EXISTS runs_id_idx ON public.runs (id);
CREATE TABLE IF NOT EXISTS public.tasks (
  run_id UUID REFERENCES public.runs, -- found
  other_id UUID REFERENCES public.runs (id), -- found
  app_code TEXT REFERENCES public.runs (app_code), -- found
  code TEXT REFERENCES public.runs (code), -- found
  number INTEGER REFERENCES public.runs (number), -- found
  late INTEGER REFERENCES public.runs (late), -- found
  FOREIGN KEY (app_code, code) REFERENCES public.runs (app_code, code) -- found
);
ALTER TABLE public.tasks ADD CONSTRAINT again -- found
  FOREIGN KEY (run_id) REFERENCES public.runs (id);
