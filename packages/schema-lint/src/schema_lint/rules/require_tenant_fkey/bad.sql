CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL -- found
);
-- Another table, another column, and the primary key, which is another column too.
CREATE TABLE IF NOT EXISTS public.runs (
  app_code TEXT NOT NULL REFERENCES public.apps (app_code) -- found
);
CREATE TABLE IF NOT EXISTS public.notes (
  app_code TEXT NOT NULL REFERENCES public.applications (app_name) -- found
);
CREATE TABLE IF NOT EXISTS public.jobs (
  app_code TEXT NOT NULL REFERENCES public.applications -- found
);
CREATE TABLE IF NOT EXISTS public.steps (
  id TEXT,
  app_code TEXT NOT NULL, -- found
  FOREIGN KEY (id) REFERENCES public.applications (app_code)
);
