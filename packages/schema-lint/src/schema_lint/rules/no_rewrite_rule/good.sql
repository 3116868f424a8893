REVOKE DELETE ON TABLE public.tasks FROM authenticated;
