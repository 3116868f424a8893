-- Lookups by (app_code, workflow_code, version) use the index of that UNIQUE constraint.
CREATE INDEX IF NOT EXISTS workflow_definitions_app_code_status_idx
  ON public.workflow_definitions (app_code, status);
