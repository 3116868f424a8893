CREATE TABLE IF NOT EXISTS public.notes (id UUID); -- found
CREATE TABLE IF NOT EXISTS public.tasks (id UUID); -- found
GRANT SELECT ON TABLE public.tasks TO authenticated;
CREATE TABLE IF NOT EXISTS public.runs (id UUID); -- found
GRANT INSERT ON TABLE public.runs TO authenticated, service_role;
CREATE TABLE IF NOT EXISTS public.steps (id UUID); -- found
GRANT SELECT ON TABLE public.steps TO authenticated, service_role;
REVOKE ALL ON TABLE public.steps FROM service_role;
