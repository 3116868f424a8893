SET ROLE service_role; -- found
SET LOCAL ROLE service_role; -- found
RESET ROLE; -- found
SET SESSION AUTHORIZATION postgres; -- found
ALTER TABLE public.tasks OWNER TO supabase_admin; -- found
ALTER FUNCTION public.one() OWNER TO supabase_admin; -- found
REASSIGN OWNED BY reporter TO postgres; -- found
GRANT service_role TO authenticated; -- found
CREATE ROLE reporter; -- found
ALTER ROLE authenticated SET statement_timeout = '1h'; -- found
ALTER ROLE authenticated BYPASSRLS; -- found
DROP ROLE IF EXISTS reporter; -- found
ALTER TABLE public.tasks NO FORCE ROW LEVEL SECURITY; -- found
ALTER TABLE public.tasks FORCE ROW LEVEL SECURITY; -- found
