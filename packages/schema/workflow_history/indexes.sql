-- Named by hand: PostgreSQL's pattern gives 66 bytes, and the limit is 63.
CREATE INDEX IF NOT EXISTS workflow_history_app_code_instance_id_event_timestamp_idx
  ON public.workflow_history (app_code, workflow_instance_id, event_timestamp);

CREATE INDEX IF NOT EXISTS workflow_history_app_code_event_timestamp_idx
  ON public.workflow_history (app_code, event_timestamp DESC);

-- For the foreign key: without it, deleting a task reads the whole history. Events that are about
-- no task stay out of it.
CREATE INDEX IF NOT EXISTS workflow_history_app_code_task_id_idx
  ON public.workflow_history (app_code, task_id)
  WHERE task_id IS NOT NULL;
