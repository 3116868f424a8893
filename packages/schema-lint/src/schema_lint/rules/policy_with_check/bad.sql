CREATE POLICY a ON public.t TO authenticated USING (app_code = 'crm'); -- found
CREATE POLICY b ON public.t FOR ALL TO authenticated USING (app_code = 'crm'); -- found
CREATE POLICY c ON public.t FOR UPDATE TO authenticated USING (app_code = 'crm'); -- found
CREATE POLICY d ON public.t FOR INSERT TO authenticated; -- found
CREATE POLICY f ON public.t FOR SELECT TO authenticated -- found
  USING (status = 'OPEN') WITH CHECK (status = 'OPEN');
CREATE POLICY g ON public.t FOR DELETE TO authenticated -- found
  USING (status = 'OPEN') WITH CHECK (status = 'OPEN');
CREATE POLICY h ON public.t FOR INSERT TO authenticated -- found
  USING (status = 'OPEN') WITH CHECK (status = 'OPEN');
CREATE POLICY e ON public.t AS RESTRICTIVE FOR INSERT TO authenticated; -- found
