GRANT SELECT ON TABLE public.tasks TO anon; -- found
GRANT SELECT ON public.tasks TO PUBLIC; -- found
GRANT SELECT ON TABLE public.tasks TO
  authenticated,
  reporter, -- found
  anon; -- found
GRANT SELECT ON ALL TABLES IN SCHEMA public TO anon; -- found
