CREATE TABLE IF NOT EXISTS tasks ( -- found
  id UUID DEFAULT uuid_generate_v4(), -- found
  app_code TEXT REFERENCES applications (app_code) -- found
);
CREATE INDEX IF NOT EXISTS tasks_id_idx ON tasks (id); -- found
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY; -- found
DROP POLICY IF EXISTS "a" ON tasks; -- found
CREATE POLICY "a" ON tasks -- found
  TO authenticated
  USING (
    app_code = ((SELECT jwt()) ->> 'app_code') -- found
    AND EXISTS (SELECT 1 FROM members) -- found
  );
COMMENT ON TABLE tasks IS 'Tasks.'; -- found
COMMENT ON COLUMN tasks.id IS 'Id.'; -- found
DROP INDEX IF EXISTS tasks_old_idx; -- found
DROP TABLE IF EXISTS tasks_old; -- found
DROP FUNCTION IF EXISTS one(); -- found
GRANT SELECT ON tasks TO authenticated; -- found
CREATE OR REPLACE VIEW names AS SELECT 1; -- found
CREATE OR REPLACE FUNCTION one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'; -- found
CREATE TYPE mood AS ENUM ('glad'); -- found
DO $$
BEGIN
  INSERT INTO tasks DEFAULT VALUES; -- found
  PERFORM one(); -- found
END $$;
