CREATE INDEX IF NOT EXISTS tasks_app_code_status_idx ON public.tasks (app_code, status);
CREATE INDEX IF NOT EXISTS tasks_app_code_created_at_idx ON public.tasks (app_code, created_at DESC);
CREATE UNIQUE INDEX IF NOT EXISTS tasks_code_key ON public.tasks (code);
CREATE INDEX IF NOT EXISTS tasks_pending_idx ON public.tasks (created_at) WHERE status = 'PENDING';
CREATE INDEX IF NOT EXISTS tasks_lower_code_idx ON public.tasks (lower(code));
CREATE INDEX IF NOT EXISTS tasks_code_name_idx ON public.tasks (code) INCLUDE (name);
CREATE INDEX ON pg_temp.numbers (n);
-- The full name would have 66 bytes.
CREATE INDEX IF NOT EXISTS workflow_history_app_code_instance_event_timestamp_idx
  ON public.workflow_history (app_code, workflow_instance_id, event_timestamp);
