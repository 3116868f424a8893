CREATE TABLE IF NOT EXISTS public.applications (app_code TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS public.tasks (
  app_code TEXT NOT NULL,
  CONSTRAINT tasks_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);
CREATE TABLE IF NOT EXISTS public.runs (
  app_code TEXT NOT NULL REFERENCES public.applications (app_code)
);
CREATE TABLE IF NOT EXISTS public.notes (app_code TEXT NOT NULL);
ALTER TABLE public.notes ADD CONSTRAINT notes_app_code_fkey
  FOREIGN KEY (app_code) REFERENCES public.applications (app_code);
