CREATE TABLE IF NOT EXISTS public.t (app_code TEXT NOT NULL, status TEXT, owner UUID);
CREATE POLICY a ON public.t TO authenticated
  USING (owner = (SELECT auth.uid())); -- found
CREATE POLICY b ON public.t TO authenticated
  USING (
    app_code = ((SELECT auth.jwt()) ->> 'app_code')
    OR status = 'PUBLIC' -- found
  )
  WITH CHECK (
    app_code = ((SELECT auth.jwt()) ->> 'app_code')
    AND status = 'PUBLIC'
    OR owner = (SELECT auth.uid()) -- found
  );
-- Another claim, a constant, another comparison, and two that a caller without a claim passes.
CREATE POLICY c ON public.t TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_codes')); -- found
CREATE POLICY d ON public.t TO authenticated
  USING (app_code = 'crm'); -- found
CREATE POLICY e ON public.t TO authenticated
  USING (app_code <> ((SELECT auth.jwt()) ->> 'app_code')); -- found
CREATE POLICY f ON public.t TO authenticated
  USING (app_code IS NOT DISTINCT FROM ((SELECT auth.jwt()) ->> 'app_code')); -- found
CREATE POLICY g ON public.t TO authenticated
  USING (app_code = coalesce(((SELECT auth.jwt()) ->> 'app_code'), app_code)); -- found
CREATE POLICY h ON public.t TO authenticated
  USING (((SELECT auth.jwt()) ->> 'app_code') IS NULL -- found
    OR app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY i ON public.t TO authenticated
  USING (NOT (app_code = ((SELECT auth.jwt()) ->> 'app_code'))); -- found
CREATE POLICY j ON public.t TO authenticated
  USING (status = ((SELECT auth.jwt()) ->> 'app_code')); -- found
CREATE POLICY k ON public.t TO authenticated
  USING ((app_code = ((SELECT auth.jwt()) ->> 'app_code')) IS NOT FALSE); -- found
CREATE POLICY l ON public.t TO authenticated
  USING (EXISTS (SELECT 1 FROM public.u WHERE u.app_code = ((SELECT auth.jwt()) ->> 'app_code'))); -- found
CREATE POLICY m ON public.t TO authenticated
  USING (app_code ILIKE ((SELECT auth.jwt()) ->> 'app_code')); -- found
ALTER POLICY a ON public.t USING (status = 'PUBLIC'); -- found
-- An unknown table, whose policy speaks of the tenant.
CREATE POLICY n ON public.unknown TO authenticated
  USING (app_code IN (SELECT code FROM public.apps)); -- found
