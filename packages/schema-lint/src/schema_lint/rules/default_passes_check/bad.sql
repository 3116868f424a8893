CREATE TABLE IF NOT EXISTS public.tasks (
  status TEXT NOT NULL DEFAULT 'open', -- found
  level INTEGER NOT NULL DEFAULT 0 CHECK (level IN (1, 2, 3)), -- found
  kind TEXT NOT NULL DEFAULT 'C' CHECK (kind = ANY (ARRAY['A', 'B'])), -- found
  CONSTRAINT tasks_status_check CHECK (status IN ('OPEN', 'DONE'))
);
