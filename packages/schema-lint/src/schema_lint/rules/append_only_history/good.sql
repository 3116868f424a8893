GRANT SELECT, INSERT ON TABLE public.run_history TO authenticated, service_role;
GRANT SELECT, INSERT, UPDATE ON TABLE public.history_settings TO authenticated;
REVOKE ALL ON TABLE public.run_history FROM PUBLIC, anon;
