CREATE TABLE IF NOT EXISTS public.tasks (
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'DONE', 'OPEN')), -- found
  kind TEXT CHECK (kind IN ('A', 'B')), -- found
  mode TEXT CHECK (mode = ANY (ARRAY['A', 'B'])), -- found
  a INTEGER CHECK (true), -- found
  b INTEGER NOT NULL CHECK (b IS NOT NULL), -- found
  c INTEGER CHECK (c = c), -- found
  d INTEGER CHECK (d > 0 OR 1 = 1), -- found
  CONSTRAINT tasks_e_check CHECK (a IS NULL OR a IS NOT NULL) -- found
);
