INSERT INTO public.roles (code) VALUES ('admin'); -- found
INSERT INTO public.roles (code) SELECT code FROM public.old_roles; -- found
WITH source AS (SELECT 'admin' AS code)
INSERT INTO public.roles (code) SELECT code FROM source; -- found
WITH new AS (
  INSERT INTO public.roles (code) VALUES ('admin') RETURNING code -- found
)
SELECT code FROM new;

DO $$
BEGIN
  INSERT INTO public.roles (code) VALUES ('admin'); -- found
END $$;
