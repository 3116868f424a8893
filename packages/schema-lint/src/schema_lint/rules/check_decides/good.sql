CREATE TABLE IF NOT EXISTS public.tasks (
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'DONE')),
  kind TEXT CHECK (kind IS NULL OR kind IN ('A', 'B')),
  number INTEGER CHECK (number > 0)
);
ALTER TABLE public.unknown ADD CONSTRAINT unknown_kind_check CHECK (kind IN ('A', 'B'));
