CREATE TABLE IF NOT EXISTS public.workflow_definitions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_code TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  model_structure JSONB NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL DEFAULT 'DRAFT',
  l4_operation_code TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_by UUID,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_by UUID,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT workflow_definitions_pkey PRIMARY KEY (id),
  CONSTRAINT workflow_definitions_app_code_workflow_code_version_key
    UNIQUE (app_code, workflow_code, version),
  -- For children to reference: a foreign key check ignores row-level security, so the key must
  -- carry the tenant.
  CONSTRAINT workflow_definitions_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT workflow_definitions_status_check
    CHECK (status IN ('DRAFT', 'ACTIVE', 'DEPRECATED')),
  CONSTRAINT workflow_definitions_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);

REVOKE ALL ON TABLE public.workflow_definitions
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_definitions ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_definitions IS
  'Workflow blueprints: one row per version of an application''s workflow.';
COMMENT ON COLUMN public.workflow_definitions.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_definitions.workflow_code IS
  'Name of the workflow for programs; the same in all of its versions.';
COMMENT ON COLUMN public.workflow_definitions.model_structure IS
  'The blueprint as one JSON document: nodes, transitions and their settings.';
COMMENT ON COLUMN public.workflow_definitions.version IS
  'Counts from 1 within (app_code, workflow_code).';
COMMENT ON COLUMN public.workflow_definitions.status IS
  'DRAFT: being edited. ACTIVE: can be started. DEPRECATED: no new runs; running ones continue.';
COMMENT ON COLUMN public.workflow_definitions.l4_operation_code IS
  'The business operation (level 4 of the process map) that the workflow carries out, if any.';
COMMENT ON COLUMN public.workflow_definitions.created_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.updated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_definitions.is_active IS
  'FALSE retires the row instead of deleting it.';
