BEGIN; -- found
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; -- found
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; -- found
SAVEPOINT here; -- found
ROLLBACK TO here; -- found
RELEASE here; -- found
COMMIT; -- found
START TRANSACTION; -- found
ROLLBACK; -- found
END; -- found
ABORT; -- found

DO $$
BEGIN
  PERFORM 1;
  COMMIT; -- found
  ROLLBACK; -- found
END $$;
