DROP POLICY IF EXISTS "app_isolation" ON public.instance_context;
CREATE POLICY "app_isolation" ON public.instance_context
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The unique key names a run without its application. These policies are checked before it, so
-- that nobody learns from it whether another application's run exists, or blocks its next version.
DROP POLICY IF EXISTS "run_visible_on_insert" ON public.instance_context;
CREATE POLICY "run_visible_on_insert" ON public.instance_context
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.workflow_instances
      WHERE workflow_instances.app_code = instance_context.app_code
        AND workflow_instances.id = instance_context.workflow_instance_id
    )
  );

DROP POLICY IF EXISTS "run_visible_on_update" ON public.instance_context;
CREATE POLICY "run_visible_on_update" ON public.instance_context
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.workflow_instances
      WHERE workflow_instances.app_code = instance_context.app_code
        AND workflow_instances.id = instance_context.workflow_instance_id
    )
  );

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_context
  TO authenticated, service_role;
