GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.tasks TO authenticated;
GRANT UPDATE (status) ON TABLE public.tasks TO authenticated;
REVOKE ALL ON TABLE public.tasks FROM anon;
