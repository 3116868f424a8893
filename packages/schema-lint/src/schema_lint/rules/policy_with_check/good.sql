CREATE POLICY a ON public.t TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));
CREATE POLICY b ON public.t FOR SELECT TO authenticated USING (status = 'OPEN');
CREATE POLICY c ON public.t FOR DELETE TO authenticated USING (status = 'OPEN');
CREATE POLICY d ON public.t AS RESTRICTIVE FOR UPDATE TO authenticated USING (status = 'OPEN');
