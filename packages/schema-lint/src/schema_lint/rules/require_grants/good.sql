CREATE TABLE IF NOT EXISTS public.tasks (id UUID);
GRANT SELECT, INSERT ON TABLE public.tasks TO authenticated, service_role;
