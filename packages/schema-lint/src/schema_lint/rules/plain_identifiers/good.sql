CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID,
  name TEXT,
  version INTEGER,
  status TEXT,
  CONSTRAINT tasks_pkey PRIMARY KEY (id)
);
CREATE POLICY "Tenants see their own tasks" ON public.tasks TO authenticated USING (false);
CREATE INDEX IF NOT EXISTS tasks_name_idx ON PUBLIC.Tasks (NAME);
