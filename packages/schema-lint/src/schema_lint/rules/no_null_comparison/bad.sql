CREATE POLICY a ON public.t TO authenticated
  USING (app_code = NULL OR app_code = 'crm') -- found
  WITH CHECK (app_code <> NULL); -- found
CREATE POLICY b ON public.t TO authenticated
  USING (app_code IN (NULL, 'crm')); -- found
CREATE POLICY c ON public.t TO authenticated
  USING (app_code NOT IN ('crm', NULL)); -- found
CREATE POLICY d ON public.t TO authenticated
  USING (app_code = ANY (ARRAY['crm', NULL])); -- found
CREATE POLICY e ON public.t TO authenticated
  USING (app_code != NULL::text); -- found
CREATE TABLE IF NOT EXISTS public.t (
  a TEXT CHECK (a IN ('x', NULL)) -- found
);
CREATE INDEX IF NOT EXISTS t_a_idx ON public.t (a) WHERE NULL <> a; -- found
DO $$
BEGIN
  DELETE FROM public.t WHERE a = NULL; -- found
END $$;
