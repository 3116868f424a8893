DO $$
BEGIN
  ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
  EXECUTE 'GRANT SELECT ON public.tasks TO authenticated';
END $$;
