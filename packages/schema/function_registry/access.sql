-- app_code is a claim at the top level of the token, put there by a custom access token hook.
-- Without it a caller sees shared functions and nothing else.
-- Every application sees the shared functions and none can write them: WITH CHECK does not admit
-- NULL, and the two restrictive policies keep UPDATE and DELETE, which USING would let through,
-- to the caller's own rows.
DROP POLICY IF EXISTS "app_isolation" ON public.function_registry;
CREATE POLICY "app_isolation" ON public.function_registry
  FOR ALL
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

DROP POLICY IF EXISTS "own_functions_on_update" ON public.function_registry;
CREATE POLICY "own_functions_on_update" ON public.function_registry
  AS RESTRICTIVE
  FOR UPDATE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

DROP POLICY IF EXISTS "own_functions_on_delete" ON public.function_registry;
CREATE POLICY "own_functions_on_delete" ON public.function_registry
  AS RESTRICTIVE
  FOR DELETE
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.function_registry
  TO authenticated, service_role;
