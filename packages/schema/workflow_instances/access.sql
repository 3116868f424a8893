DROP POLICY IF EXISTS "app_isolation" ON public.workflow_instances;
CREATE POLICY "app_isolation" ON public.workflow_instances
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.workflow_instances
  TO authenticated, service_role;
