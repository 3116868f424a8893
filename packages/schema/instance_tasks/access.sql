REVOKE ALL ON TABLE public.instance_tasks
  FROM PUBLIC, anon, authenticated, service_role;

ALTER TABLE public.instance_tasks ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS "app_isolation" ON public.instance_tasks;
CREATE POLICY "app_isolation" ON public.instance_tasks
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The foreign key on function_code sees every application's functions. These policies are checked
-- before it and see only the caller's and the shared ones, so a code that is another application's
-- and a code that is nobody's fail alike.
DROP POLICY IF EXISTS "function_visible_on_insert" ON public.instance_tasks;
CREATE POLICY "function_visible_on_insert" ON public.instance_tasks
  AS RESTRICTIVE
  FOR INSERT
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
    )
  );

DROP POLICY IF EXISTS "function_visible_on_update" ON public.instance_tasks;
CREATE POLICY "function_visible_on_update" ON public.instance_tasks
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  WITH CHECK (
    EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
    )
  );

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_tasks
  TO authenticated, service_role;
