GRANT SELECT ON TABLE public.tasks TO authenticated;
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
REVOKE reporter FROM authenticated;
