DROP TABLE public.tasks; -- found
DROP VIEW public.names; -- found
DROP MATERIALIZED VIEW public.counts; -- found
DROP INDEX public.tasks_note_idx; -- found
DROP FUNCTION public.one(); -- found
DROP POLICY "app_isolation" ON public.tasks; -- found
DROP TRIGGER touch ON public.tasks; -- found
DROP TYPE public.mood; -- found
DROP SCHEMA app; -- found
DROP EXTENSION citext; -- found
DROP ROLE reporter; -- found
ALTER TABLE public.tasks DROP COLUMN note; -- found
ALTER TABLE public.tasks DROP CONSTRAINT tasks_note_check; -- found

DO $$
BEGIN
  DROP VIEW public.jobs; -- found
END $$;
