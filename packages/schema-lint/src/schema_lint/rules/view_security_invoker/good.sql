CREATE OR REPLACE VIEW public.a WITH (security_invoker = true) AS SELECT 1;
CREATE OR REPLACE VIEW public.b WITH (security_invoker = on) AS SELECT 1;
CREATE OR REPLACE VIEW public.c WITH (security_barrier, security_invoker) AS SELECT 1;
CREATE OR REPLACE VIEW public.d AS SELECT 1;
ALTER VIEW public.d SET (security_invoker = true);
