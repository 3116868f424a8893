CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  number BIGINT
);
CREATE TABLE IF NOT EXISTS public.profiles (id UUID NOT NULL REFERENCES auth.users (id));
