DROP POLICY IF EXISTS "app_isolation" ON public.workflow_definitions;
CREATE POLICY "app_isolation" ON public.workflow_definitions
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.workflow_definitions
  TO authenticated, service_role;
