CREATE TABLE IF NOT EXISTS public.tasks (
  a TIMESTAMP, -- found
  b TIMESTAMP(3) WITHOUT TIME ZONE, -- found
  c TIME WITH TIME ZONE, -- found
  d VARCHAR(20), -- found
  e CHARACTER VARYING, -- found
  f CHAR(3), -- found
  g BPCHAR, -- found
  h JSON, -- found
  i MONEY, -- found
  j SERIAL, -- found
  k BIGSERIAL, -- found
  l VARCHAR(20)[], -- found
  m "char", -- found
  n NAME -- found
);
ALTER TABLE public.others ADD COLUMN IF NOT EXISTS at TIMESTAMP; -- found
ALTER TABLE public.others ALTER COLUMN at TYPE TIMESTAMP; -- found
