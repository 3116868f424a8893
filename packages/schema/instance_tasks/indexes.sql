CREATE INDEX IF NOT EXISTS instance_tasks_app_code_status_idx
  ON public.instance_tasks (app_code, status);

CREATE INDEX IF NOT EXISTS instance_tasks_app_code_assigned_to_status_idx
  ON public.instance_tasks (app_code, assigned_to, status);

-- Serves the foreign key (app_code, workflow_instance_id) as well: a run has few tasks, and one
-- more index on random UUIDs slows every insert.
CREATE INDEX IF NOT EXISTS instance_tasks_workflow_instance_id_node_id_idx
  ON public.instance_tasks (workflow_instance_id, node_id);

-- For the foreign key: without it, deleting a function reads every task.
CREATE INDEX IF NOT EXISTS instance_tasks_function_code_idx
  ON public.instance_tasks (function_code);

-- For the engine's most frequent query: an application's oldest pending task. Tasks that have
-- started, in the long run nearly all, are not in the index.
CREATE INDEX IF NOT EXISTS instance_tasks_app_code_created_at_idx
  ON public.instance_tasks (app_code, created_at)
  WHERE status = 'PENDING';
