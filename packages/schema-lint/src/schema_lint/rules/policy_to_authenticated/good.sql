CREATE POLICY a ON public.t TO authenticated USING (app_code = 'crm');
ALTER POLICY a ON public.t USING (app_code = 'sales');
