CREATE TABLE IF NOT EXISTS public.a (
  id BIGINT GENERATED ALWAYS AS IDENTITY -- found
);
CREATE TABLE IF NOT EXISTS public.b (
  id SERIAL -- found
);
CREATE TABLE IF NOT EXISTS public.c (
  id TEXT NOT NULL -- found
);
CREATE TABLE IF NOT EXISTS public.d (
  id UUID NOT NULL -- found
);
CREATE TABLE IF NOT EXISTS public.e (
  id UUID NOT NULL DEFAULT extensions.uuid_generate_v4() -- found
);
ALTER TABLE public.unknown ADD COLUMN IF NOT EXISTS id UUID; -- found
