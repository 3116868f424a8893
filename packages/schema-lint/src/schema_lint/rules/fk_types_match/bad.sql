CREATE TABLE IF NOT EXISTS public.runs (
  id UUID PRIMARY KEY,
  app_code TEXT,
  number BIGINT UNIQUE,
  UNIQUE (app_code, id)
);
CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT,
  run_id TEXT REFERENCES public.runs, -- found
  other_id UUID,
  number INTEGER REFERENCES public.runs (number), -- found
  FOREIGN KEY (other_id, app_code) REFERENCES public.runs (app_code, id), -- found
  FOREIGN KEY (app_code, other_id) REFERENCES public.runs (id) -- found
);
