CREATE TABLE IF NOT EXISTS public.runs (
  id UUID PRIMARY KEY,
  app_code TEXT,
  code TEXT,
  number INTEGER UNIQUE,
  UNIQUE (app_code, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS runs_code_idx ON public.runs (code);
CREATE TABLE IF NOT EXISTS public.tasks (
  run_id UUID REFERENCES public.runs,
  app_code TEXT,
  code TEXT REFERENCES public.runs (code),
  number INTEGER REFERENCES public.runs (number),
  FOREIGN KEY (run_id, app_code) REFERENCES public.runs (id, app_code),
  user_id UUID REFERENCES auth.users (id)
);
