SET LOCAL lock_timeout = '5s';
SELECT 1;
DO $$
BEGIN
  PERFORM 1;
END $$;
