DROP VIEW IF EXISTS public.names;
DROP TABLE IF EXISTS public.tasks RESTRICT;
ALTER TABLE public.tasks DROP COLUMN IF EXISTS note;
REVOKE ALL ON TABLE public.tasks FROM reporter CASCADE; -- and from those it was granted on to
