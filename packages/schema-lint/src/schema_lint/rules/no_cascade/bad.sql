DROP TABLE IF EXISTS public.tasks CASCADE; -- found
DROP SCHEMA IF EXISTS app CASCADE; -- found
DROP EXTENSION IF EXISTS citext CASCADE; -- found
DROP FUNCTION IF EXISTS public.one() CASCADE; -- found
ALTER TABLE public.tasks DROP COLUMN IF EXISTS note CASCADE; -- found
ALTER TABLE public.tasks DROP CONSTRAINT IF EXISTS tasks_pkey CASCADE; -- found
TRUNCATE public.tasks CASCADE; -- found
REVOKE managers FROM reporter CASCADE; -- found
DROP OWNED BY reporter; -- found
