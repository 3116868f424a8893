GRANT ALL ON TABLE public.tasks TO authenticated; -- found
GRANT ALL PRIVILEGES ON public.tasks TO service_role; -- found
GRANT SELECT, TRUNCATE ON TABLE public.tasks TO service_role; -- found
GRANT REFERENCES (id) ON TABLE public.tasks TO authenticated; -- found
GRANT TRIGGER ON TABLE public.tasks TO authenticated; -- found
GRANT SELECT, MAINTAIN ON TABLE
  public.notes, -- found
  public.tasks -- found
TO authenticated;
GRANT SELECT ON TABLE public.tasks TO authenticated WITH GRANT OPTION; -- found
