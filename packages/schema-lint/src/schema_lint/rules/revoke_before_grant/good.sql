CREATE TABLE IF NOT EXISTS public.tasks (id UUID);
REVOKE ALL ON TABLE public.tasks FROM PUBLIC, anon, authenticated, service_role CASCADE;
GRANT SELECT ON TABLE public.tasks TO authenticated;
CREATE TABLE IF NOT EXISTS public.notes (id UUID);
REVOKE ALL ON public.notes FROM PUBLIC, anon CASCADE;
REVOKE ALL ON public.notes FROM authenticated, service_role CASCADE;
-- A table of which nothing is known.
GRANT SELECT ON TABLE public.others TO authenticated;
CREATE TABLE IF NOT EXISTS public.jobs (id UUID);
REVOKE ALL ON TABLE public.jobs FROM PUBLIC, anon, authenticated, service_role CASCADE;
CREATE POLICY own_jobs ON public.jobs AS RESTRICTIVE FOR DELETE USING (FALSE);
GRANT DELETE ON TABLE public.jobs TO authenticated;
