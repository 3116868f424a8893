CREATE TABLE IF NOT EXISTS public.tasks (
  status TEXT NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'DONE')),
  kind TEXT NOT NULL CHECK (kind IN ('A', 'B')),
  name TEXT NOT NULL DEFAULT 'none' CHECK (name <> 'all')
);
