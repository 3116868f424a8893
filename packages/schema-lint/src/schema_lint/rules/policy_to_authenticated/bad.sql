CREATE POLICY a ON public.t USING (app_code = 'crm'); -- found
CREATE POLICY b ON public.t TO PUBLIC USING (app_code = 'crm'); -- found
CREATE POLICY c ON public.t TO authenticated, anon USING (app_code = 'crm'); -- found
CREATE POLICY d ON public.t
  TO authenticated,
  service_role -- found
  USING (app_code = 'crm');
CREATE POLICY e ON public.t TO CURRENT_USER USING (app_code = 'crm'); -- found
ALTER POLICY a ON public.t TO anon; -- found
