CREATE TABLE IF NOT EXISTS public.notes (id UUID); -- found
CREATE TABLE IF NOT EXISTS public.tasks (id UUID);
REVOKE ALL ON TABLE public.tasks FROM PUBLIC, anon CASCADE;
GRANT SELECT ON TABLE public.tasks TO authenticated; -- found
-- Too late, and too little.
CREATE TABLE IF NOT EXISTS public.runs (id UUID);
GRANT SELECT ON TABLE public.runs TO authenticated; -- found
REVOKE ALL ON TABLE public.runs FROM PUBLIC, anon, authenticated, service_role CASCADE;
CREATE TABLE IF NOT EXISTS public.steps (id UUID);
REVOKE SELECT ON TABLE public.steps FROM PUBLIC, anon, authenticated, service_role CASCADE;
GRANT SELECT ON TABLE public.steps TO authenticated; -- found
CREATE TABLE IF NOT EXISTS public.jobs (id UUID);
REVOKE ALL ON TABLE public.jobs FROM PUBLIC, anon, authenticated, service_role CASCADE;
GRANT DELETE ON TABLE public.jobs TO authenticated;
CREATE POLICY own_jobs ON public.jobs AS RESTRICTIVE FOR DELETE USING (FALSE); -- found
CREATE TABLE IF NOT EXISTS public.users (id UUID);
REVOKE ALL ON TABLE public.users FROM PUBLIC, anon, authenticated, service_role; -- found
