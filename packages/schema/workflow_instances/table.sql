CREATE TABLE IF NOT EXISTS public.workflow_instances (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_definition_id UUID NOT NULL,
  workflow_code TEXT NOT NULL,
  current_node_id TEXT,
  input_data JSONB NOT NULL DEFAULT '{}',
  status TEXT NOT NULL DEFAULT 'RUNNING',
  error_message TEXT,
  initiated_by UUID,
  initiated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  completed_at TIMESTAMPTZ,
  suspended_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT workflow_instances_pkey PRIMARY KEY (id),
  -- For children to reference: a foreign key check ignores row-level security, so the key must
  -- carry the tenant.
  CONSTRAINT workflow_instances_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT workflow_instances_status_check
    CHECK (status IN ('RUNNING', 'COMPLETED', 'SUSPENDED', 'ERROR')),
  CONSTRAINT workflow_instances_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT workflow_instances_app_code_workflow_definition_id_fkey
    FOREIGN KEY (app_code, workflow_definition_id)
    REFERENCES public.workflow_definitions (app_code, id)
);

REVOKE ALL ON TABLE public.workflow_instances
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_instances ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_instances IS
  'Runs of workflows: one row per run, with its state; workflow_history tells how it got there.';
COMMENT ON COLUMN public.workflow_instances.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_instances.workflow_definition_id IS
  'The version that runs; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_instances.workflow_code IS
  'Copy of the definition''s workflow_code, for lists without a join.';
COMMENT ON COLUMN public.workflow_instances.current_node_id IS
  'The node of model_structure that the run has reached; NULL before the first.';
COMMENT ON COLUMN public.workflow_instances.input_data IS 'What the run was started with.';
COMMENT ON COLUMN public.workflow_instances.status IS
  'RUNNING; SUSPENDED (can be resumed); COMPLETED; ERROR (ended, see error_message).';
COMMENT ON COLUMN public.workflow_instances.initiated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_instances.suspended_at IS 'When the run was last suspended.';
COMMENT ON COLUMN public.workflow_instances.is_active IS
  'FALSE retires the row instead of deleting it.';
