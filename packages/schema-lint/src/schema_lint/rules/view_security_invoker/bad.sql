CREATE OR REPLACE VIEW public.a AS SELECT 1; -- found
CREATE OR REPLACE VIEW public.b WITH (security_invoker = false) AS SELECT 1; -- found
CREATE OR REPLACE VIEW public.c WITH (security_barrier = true) AS SELECT 1; -- found
CREATE OR REPLACE VIEW public.d AS SELECT 1; -- found
ALTER VIEW public.d SET (security_invoker = false);
