CREATE TABLE IF NOT EXISTS public.workflow_history (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  node_id TEXT,
  task_id UUID,
  from_node_id TEXT,
  to_node_id TEXT,
  description TEXT,
  metadata JSONB NOT NULL DEFAULT '{}',
  actor_id UUID,
  event_timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT workflow_history_pkey PRIMARY KEY (id),
  CONSTRAINT workflow_history_event_type_check
    CHECK (
      event_type IN (
        'INSTANCE_CREATED',
        'NODE_ENTERED',
        'TASK_CREATED',
        'TASK_COMPLETED',
        'TASK_FAILED',
        'TRANSITION',
        'INSTANCE_COMPLETED',
        'INSTANCE_SUSPENDED'
      )
    ),
  CONSTRAINT workflow_history_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT workflow_history_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id),
  CONSTRAINT workflow_history_app_code_task_id_fkey
    FOREIGN KEY (app_code, task_id) REFERENCES public.instance_tasks (app_code, id)
);

REVOKE ALL ON TABLE public.workflow_history
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.workflow_history ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflow_history IS
  'Audit log: one row per event of a run. Append-only: only the owner can change one.';
COMMENT ON COLUMN public.workflow_history.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.workflow_history.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.node_id IS
  'The node that the event is about; a TRANSITION has from_node_id and to_node_id instead.';
COMMENT ON COLUMN public.workflow_history.task_id IS
  'The task that a TASK_ event is about; it belongs to the same tenant.';
COMMENT ON COLUMN public.workflow_history.actor_id IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.workflow_history.event_timestamp IS
  'When it happened; created_at is when it was written down.';
