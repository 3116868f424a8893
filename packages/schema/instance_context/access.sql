REVOKE ALL ON TABLE public.instance_context
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.instance_context ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "app_isolation" ON public.instance_context;
CREATE POLICY "app_isolation" ON public.instance_context
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_context
  TO authenticated, service_role;
