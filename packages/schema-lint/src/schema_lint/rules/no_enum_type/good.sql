CREATE TABLE IF NOT EXISTS public.tasks (
  status TEXT NOT NULL,
  CONSTRAINT tasks_status_check CHECK (status IN ('OPEN', 'DONE'))
);
