SET LOCAL lock_timeout = '5s';
SELECT set_config('search_path', '', true);
CREATE OR REPLACE FUNCTION public.one() RETURNS INTEGER LANGUAGE sql SET search_path = ''
  AS 'SELECT 1';
