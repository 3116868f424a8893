CREATE INDEX IF NOT EXISTS instance_context_app_code_workflow_instance_id_idx
  ON public.instance_context (app_code, workflow_instance_id);

-- For the current version. The requirements list it; the unique key's index read backwards would
-- serve as well.
CREATE INDEX IF NOT EXISTS instance_context_workflow_instance_id_version_idx
  ON public.instance_context (workflow_instance_id, version DESC);
