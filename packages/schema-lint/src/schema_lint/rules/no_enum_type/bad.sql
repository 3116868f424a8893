CREATE TYPE public.mood AS ENUM ('glad', 'sad'); -- found
DO $$
BEGIN
  CREATE TYPE public.colour AS ENUM ('red'); -- found
EXCEPTION WHEN duplicate_object THEN
  NULL;
END $$;
