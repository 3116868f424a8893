LOCK TABLE public.tasks IN ACCESS EXCLUSIVE MODE; -- found
LOCK public.tasks, public.runs; -- found
DO $$
BEGIN
  LOCK TABLE public.tasks IN SHARE MODE; -- found
END $$;
