CREATE SCHEMA app; -- found
CREATE EXTENSION citext WITH SCHEMA extensions; -- found
CREATE TABLE public.tasks (id UUID, name TEXT); -- found
CREATE UNLOGGED TABLE public.scratch (id UUID); -- found
CREATE INDEX tasks_name_idx ON public.tasks (name); -- found
CREATE UNIQUE INDEX tasks_id_idx ON public.tasks (id); -- found
CREATE INDEX ON public.tasks (id, name); -- found
CREATE SEQUENCE public.task_number; -- found
CREATE TABLE public.copies AS SELECT id FROM public.tasks; -- found
CREATE MATERIALIZED VIEW public.task_counts AS SELECT count(*) FROM public.tasks; -- found
CREATE STATISTICS public.task_stats ON id, name FROM public.tasks; -- found
CREATE VIEW public.names AS SELECT name FROM public.tasks; -- found
CREATE FUNCTION public.one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'; -- found
CREATE PROCEDURE public.go() LANGUAGE sql AS 'SELECT 1'; -- found
CREATE TRIGGER touch BEFORE UPDATE ON public.tasks -- found
  FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE RULE nothing AS ON DELETE TO public.tasks DO INSTEAD NOTHING; -- found
CREATE TYPE public.mood AS ENUM ('glad'); -- found
CREATE TYPE public.point_pair AS (x INTEGER, y INTEGER); -- found
CREATE TYPE public.span AS RANGE (SUBTYPE = TIMESTAMPTZ); -- found
CREATE DOMAIN public.email AS TEXT; -- found
CREATE ROLE reporter; -- found
CREATE PUBLICATION changes FOR TABLE public.tasks; -- found

-- Dropped, but of another table; without IF EXISTS; and too late.
DROP TRIGGER IF EXISTS stamp ON public.others;
CREATE TRIGGER stamp BEFORE INSERT ON public.tasks -- found
  FOR EACH ROW EXECUTE FUNCTION public.touch();
DROP VIEW public.ids;
CREATE VIEW public.ids AS SELECT id FROM public.tasks; -- found
CREATE TYPE public.colour AS ENUM ('red'); -- found
DROP TYPE IF EXISTS public.colour;

DO $$
BEGIN
  CREATE TYPE public.unguarded AS ENUM ('a'); -- found
END $$;
