CREATE POLICY a ON public.t TO authenticated
  USING (app_code = ((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')); -- found
CREATE POLICY b ON public.t TO authenticated
  USING (app_code = ((SELECT auth.jwt()) #>> '{user_metadata,app_code}')); -- found
CREATE POLICY c ON public.t TO authenticated
  USING (
    EXISTS (
      SELECT 1 FROM auth.users AS u
      WHERE u.id = (SELECT auth.uid())
        AND u.raw_user_meta_data ->> 'role' = 'admin' -- found
    )
  );
ALTER POLICY a ON public.t
  WITH CHECK ((SELECT auth.jwt()) -> 'user_metadata' ->> 'role' = 'admin'); -- found
