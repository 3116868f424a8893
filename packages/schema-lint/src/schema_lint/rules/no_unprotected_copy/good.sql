CREATE OR REPLACE VIEW public.counts WITH (security_invoker = true) AS SELECT 1;
CREATE TEMPORARY TABLE scratch AS SELECT 1 AS n;
SELECT 1;
