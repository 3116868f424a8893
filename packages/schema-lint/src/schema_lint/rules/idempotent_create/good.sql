CREATE SCHEMA IF NOT EXISTS app;
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA extensions;
CREATE TABLE IF NOT EXISTS public.tasks (id UUID, name TEXT);
CREATE INDEX IF NOT EXISTS tasks_name_idx ON public.tasks (name);
CREATE SEQUENCE IF NOT EXISTS public.task_number;
CREATE MATERIALIZED VIEW IF NOT EXISTS public.task_counts AS SELECT count(*) FROM public.tasks;
CREATE TEMPORARY TABLE scratch (id UUID);
CREATE TABLE pg_temp.numbers AS SELECT 1 AS n;
CREATE INDEX numbers_n_idx ON pg_temp.numbers (n);

CREATE OR REPLACE VIEW public.names AS SELECT name FROM public.tasks;
CREATE OR REPLACE FUNCTION public.one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON public.tasks
  FOR EACH ROW EXECUTE FUNCTION public.touch();

-- Dropped above, in the same file.
DROP TRIGGER IF EXISTS stamp ON public.tasks;
CREATE TRIGGER stamp BEFORE INSERT ON public.tasks
  FOR EACH ROW EXECUTE FUNCTION public.touch();
DROP INDEX IF EXISTS public.tasks_id_idx;
CREATE INDEX tasks_id_idx ON public.tasks (id);
DROP FUNCTION IF EXISTS public.two(INTEGER);
CREATE FUNCTION public.two(n INTEGER) RETURNS INTEGER LANGUAGE sql AS 'SELECT 2';

-- A guard, and a handler.
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type WHERE typname = 'mood') THEN
    CREATE TYPE public.mood AS ENUM ('glad');
  END IF;
  BEGIN
    CREATE DOMAIN public.email AS TEXT;
  EXCEPTION WHEN duplicate_object THEN
    NULL;
  END;
END $$;
