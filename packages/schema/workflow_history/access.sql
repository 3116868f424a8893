DROP POLICY IF EXISTS "app_isolation" ON public.workflow_history;
CREATE POLICY "app_isolation" ON public.workflow_history
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The log is immutable because the privilege is missing: BYPASSRLS, which service_role has, does
-- not bypass privileges.
GRANT SELECT, INSERT ON TABLE public.workflow_history
  TO authenticated, service_role;
