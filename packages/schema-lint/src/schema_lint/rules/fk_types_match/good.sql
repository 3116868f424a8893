CREATE TABLE IF NOT EXISTS public.runs (
  id UUID PRIMARY KEY,
  app_code TEXT,
  number BIGSERIAL UNIQUE,
  UNIQUE (app_code, id)
);
CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT,
  run_id UUID REFERENCES public.runs (id),
  number BIGINT REFERENCES public.runs (number),
  FOREIGN KEY (app_code, run_id) REFERENCES public.runs (app_code, id)
);
