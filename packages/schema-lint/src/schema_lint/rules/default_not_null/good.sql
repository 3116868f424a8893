CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID DEFAULT gen_random_uuid() PRIMARY KEY,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  note TEXT,
  name TEXT DEFAULT NULL,
  data JSONB DEFAULT '{}'
);
ALTER TABLE public.tasks ALTER COLUMN data SET NOT NULL;
