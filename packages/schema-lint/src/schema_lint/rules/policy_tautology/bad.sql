CREATE POLICY a ON public.t TO authenticated USING (true); -- found
CREATE POLICY b ON public.t TO authenticated USING (1 = 1) WITH CHECK (app_code = 'crm'); -- found
CREATE POLICY c ON public.t TO authenticated USING (app_code = app_code); -- found
CREATE POLICY d ON public.t TO authenticated USING (t.app_code::text = t.app_code); -- found
CREATE POLICY e ON public.t TO authenticated USING (NOT false); -- found
CREATE POLICY f ON public.t TO authenticated USING (app_code IS NOT NULL); -- found
CREATE POLICY g ON public.t TO authenticated USING (coalesce(app_code = app_code, true)); -- found
CREATE POLICY h ON public.t TO authenticated USING (EXISTS (SELECT 1)); -- found
CREATE POLICY i ON public.t TO authenticated USING ((SELECT true)); -- found
CREATE POLICY j ON public.t TO authenticated USING (app_code IS NULL OR app_code IS NOT NULL); -- found
CREATE POLICY k ON public.t TO authenticated USING (status = 'A' OR status <> 'A'); -- found
CREATE POLICY l ON public.t TO authenticated USING (app_code LIKE '%'); -- found
CREATE POLICY m ON public.t TO authenticated USING (app_code IN (app_code)); -- found
CREATE POLICY n ON public.t TO authenticated USING ('t'::boolean); -- found
CREATE POLICY o ON public.t TO authenticated USING ((app_code = app_code) IS NOT FALSE); -- found
CREATE POLICY p ON public.t TO authenticated
  USING (
    app_code = ((SELECT auth.jwt()) ->> 'app_code')
    OR true -- found
  )
  WITH CHECK (
    app_code = ((SELECT auth.jwt()) ->> 'app_code')
    OR app_code = app_code -- found
  );
-- A restrictive policy that restricts nothing: inside, code is the run's own column.
CREATE POLICY q ON public.t AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK (
    EXISTS (SELECT 1 FROM public.runs AS r WHERE r.code = code) -- found
  );
CREATE POLICY r ON public.t AS RESTRICTIVE FOR UPDATE TO authenticated
  USING (true); -- found
CREATE POLICY s ON public.t TO authenticated USING (auth.uid() IS NOT NULL); -- found
CREATE POLICY u ON public.t TO authenticated USING (auth.role() = 'authenticated'); -- found
CREATE POLICY v ON public.t TO authenticated
  USING (owner = (SELECT auth.uid()) OR (SELECT auth.role()) = 'authenticated'); -- found
ALTER POLICY a ON public.t USING (true); -- found
