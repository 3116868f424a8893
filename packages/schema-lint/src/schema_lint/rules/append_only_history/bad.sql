GRANT SELECT, INSERT, UPDATE ON TABLE public.run_history TO authenticated; -- found
GRANT DELETE ON TABLE public.access_audit TO service_role; -- found
GRANT UPDATE (note) ON TABLE public.event_log TO authenticated; -- found
CREATE TABLE IF NOT EXISTS public.events (id UUID);
COMMENT ON TABLE public.events IS 'What happened, append-only.';
GRANT SELECT, INSERT, DELETE ON TABLE public.events TO authenticated; -- found
