CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID,
  at TIMESTAMPTZ,
  day DATE,
  name TEXT,
  data JSONB,
  price NUMERIC(12, 2),
  number BIGINT GENERATED ALWAYS AS IDENTITY,
  tags TEXT[]
);
