CREATE TABLE IF NOT EXISTS public.tasks (
  created_at TIMESTAMPTZ DEFAULT now(), -- found
  data JSONB DEFAULT '{}', -- found
  number INTEGER NULL DEFAULT 0 -- found
);
ALTER TABLE public.unknown ADD COLUMN IF NOT EXISTS at TIMESTAMPTZ DEFAULT now(); -- found
