DROP POLICY IF EXISTS "app_isolation" ON public.instance_tasks;
CREATE POLICY "app_isolation" ON public.instance_tasks
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

-- The foreign key on function_code sees every application's functions. These policies are checked
-- before it and see only the caller's and the shared ones, so a code that is another application's
-- and a code that is nobody's fail alike. FOR KEY SHARE keeps the caller's own function from being
-- deleted, and its code from being registered by another application, before the foreign key locks
-- it. A caller cannot lock a shared function, so that one is looked up without.
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
        AND function_registry.app_code IS NULL
    )
    OR EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
      FOR KEY SHARE
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
        AND function_registry.app_code IS NULL
    )
    OR EXISTS (
      SELECT 1
      FROM public.function_registry
      WHERE function_registry.function_code = instance_tasks.function_code
      FOR KEY SHARE
    )
  );

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.instance_tasks
  TO authenticated, service_role;
