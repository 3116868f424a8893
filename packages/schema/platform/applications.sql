-- The tenants. An earlier phase creates this table; app_code is unique, not the primary key.
CREATE TABLE IF NOT EXISTS public.applications (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  app_name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT applications_pkey PRIMARY KEY (id),
  CONSTRAINT applications_app_code_key UNIQUE (app_code)
);

GRANT SELECT ON TABLE public.applications TO service_role;
