SET lock_timeout = '5s'; -- found
SET SESSION search_path TO public; -- found
SET row_security = off; -- found
RESET ALL; -- found
RESET search_path; -- found
DISCARD ALL; -- found
SELECT pg_catalog.set_config('search_path', '', false); -- found
DO $$
BEGIN
  SET search_path = public; -- found
  PERFORM set_config('request.jwt.claims', '{}', false); -- found
END $$;
