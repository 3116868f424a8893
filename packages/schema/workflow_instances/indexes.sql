CREATE INDEX IF NOT EXISTS workflow_instances_app_code_status_idx
  ON public.workflow_instances (app_code, status);

CREATE INDEX IF NOT EXISTS workflow_instances_app_code_initiated_at_idx
  ON public.workflow_instances (app_code, initiated_at DESC);

CREATE INDEX IF NOT EXISTS workflow_instances_current_node_id_idx
  ON public.workflow_instances (current_node_id);

-- For the foreign key: without it, deleting a definition reads every instance.
CREATE INDEX IF NOT EXISTS workflow_instances_app_code_workflow_definition_id_idx
  ON public.workflow_instances (app_code, workflow_definition_id);
