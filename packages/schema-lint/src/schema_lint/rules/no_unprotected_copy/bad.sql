CREATE MATERIALIZED VIEW IF NOT EXISTS public.counts AS SELECT 1; -- found
CREATE TABLE IF NOT EXISTS public.copies AS SELECT 1 AS n; -- found
SELECT 1 AS n INTO public.others; -- found
COPY public.tasks TO '/tmp/tasks.csv'; -- found
COPY public.tasks FROM '/tmp/tasks.csv'; -- found
