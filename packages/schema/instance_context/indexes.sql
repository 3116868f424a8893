CREATE INDEX IF NOT EXISTS instance_context_app_code_workflow_instance_id_idx
  ON public.instance_context (app_code, workflow_instance_id);

-- The current version first.
CREATE INDEX IF NOT EXISTS instance_context_workflow_instance_id_version_idx
  ON public.instance_context (workflow_instance_id, version DESC);
