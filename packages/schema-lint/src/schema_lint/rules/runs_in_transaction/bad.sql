CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_name_idx ON public.tasks (name); -- found
DROP INDEX CONCURRENTLY IF EXISTS public.tasks_note_idx; -- found
REINDEX INDEX CONCURRENTLY public.tasks_name_idx; -- found
REINDEX SCHEMA public; -- found
ALTER TABLE public.tasks DETACH PARTITION public.tasks_1 CONCURRENTLY; -- found
VACUUM public.tasks; -- found
VACUUM (FULL, ANALYZE); -- found
CREATE DATABASE other; -- found
DROP DATABASE IF EXISTS other; -- found
ALTER SYSTEM SET work_mem = '1GB'; -- found
