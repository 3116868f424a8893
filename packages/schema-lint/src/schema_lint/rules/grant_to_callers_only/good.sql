GRANT SELECT ON TABLE public.tasks TO authenticated, service_role;
GRANT USAGE ON SCHEMA public TO anon;
REVOKE ALL ON TABLE public.tasks FROM PUBLIC, anon;
