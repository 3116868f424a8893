CREATE TABLE IF NOT EXISTS public.instance_context (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  context_data JSONB NOT NULL DEFAULT '{}',
  version INTEGER NOT NULL DEFAULT 1,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT instance_context_pkey PRIMARY KEY (id),
  CONSTRAINT instance_context_workflow_instance_id_version_key
    UNIQUE (workflow_instance_id, version),
  CONSTRAINT instance_context_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT instance_context_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id)
);

REVOKE ALL ON TABLE public.instance_context
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.instance_context ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.instance_context IS
  'What a run has gathered on its way: one row per version of its data; the highest is current.';
COMMENT ON COLUMN public.instance_context.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.instance_context.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.instance_context.context_data IS
  'All data of the run as of this version, not the change since the one before.';
COMMENT ON COLUMN public.instance_context.version IS 'Counts from 1 within a run.';
