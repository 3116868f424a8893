CREATE POLICY a ON public.t TO authenticated
  USING (app_code = auth.jwt() ->> 'app_code') -- found
  WITH CHECK (app_code = (auth.jwt() ->> 'app_code')::text); -- found
CREATE POLICY b ON public.t TO authenticated
  USING (app_code = (SELECT auth.jwt() ->> 'app_code')); -- found
CREATE POLICY c ON public.t TO authenticated
  USING (app_code = current_setting('request.jwt.claims', true)::json ->> 'app_code'); -- found
CREATE POLICY d ON public.t TO authenticated
  USING (app_code = (SELECT current_setting('request.jwt.claims', true)::jsonb ->> 'app_code')); -- found
CREATE POLICY e ON public.t TO authenticated
  USING (app_code = current_setting('request.jwt.claim.app_code', true)); -- found
CREATE POLICY f ON public.t TO authenticated
  USING (app_code = ((SELECT auth.jwt()) #>> '{app_code}')); -- found
CREATE POLICY g ON public.t TO authenticated
  USING (user_id = auth.uid()); -- found
CREATE POLICY h ON public.t TO authenticated
  USING ((auth.jwt() ->> 'aal') = 'aal2'); -- found
CREATE POLICY i ON public.t TO authenticated
  USING (tenant = current_setting('app.tenant')); -- found
ALTER POLICY g ON public.t USING (auth.uid() = user_id); -- found
