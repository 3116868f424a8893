CREATE TABLE IF NOT EXISTS public.instance_tasks (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  workflow_instance_id UUID NOT NULL,
  workflow_code TEXT NOT NULL,
  function_code TEXT NOT NULL,
  node_id TEXT NOT NULL,
  task_type TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'PENDING',
  input_data JSONB NOT NULL DEFAULT '{}',
  output_data JSONB,
  assigned_to UUID,
  assigned_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ,
  completed_at TIMESTAMPTZ,
  error_message TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT instance_tasks_pkey PRIMARY KEY (id),
  -- For workflow_history to reference: a foreign key check ignores row-level security, so the key
  -- must carry the tenant.
  CONSTRAINT instance_tasks_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT instance_tasks_status_check
    CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')),
  CONSTRAINT instance_tasks_task_type_check
    CHECK (task_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
  CONSTRAINT instance_tasks_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code),
  CONSTRAINT instance_tasks_app_code_workflow_instance_id_fkey
    FOREIGN KEY (app_code, workflow_instance_id)
    REFERENCES public.workflow_instances (app_code, id),
  -- Without the tenant, because the function may be a shared one; the function_visible policies
  -- keep other applications' private functions out.
  CONSTRAINT instance_tasks_function_code_fkey
    FOREIGN KEY (function_code) REFERENCES public.function_registry (function_code)
);

REVOKE ALL ON TABLE public.instance_tasks
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.instance_tasks ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.instance_tasks IS
  'Work tokens: one row per task that a run hands to a person, a program or an AI agent.';
COMMENT ON COLUMN public.instance_tasks.app_code IS 'The tenant that owns the row.';
COMMENT ON COLUMN public.instance_tasks.workflow_instance_id IS
  'The run; it belongs to the same tenant.';
COMMENT ON COLUMN public.instance_tasks.workflow_code IS
  'Copy of the run''s workflow_code, for lists without a join.';
COMMENT ON COLUMN public.instance_tasks.function_code IS
  'The function to call: one of the tenant''s own or a shared one.';
COMMENT ON COLUMN public.instance_tasks.node_id IS
  'The node of model_structure that made the task.';
COMMENT ON COLUMN public.instance_tasks.task_type IS
  'Who does the work: USER_TASK a person, SERVICE_TASK a program, AI_AGENT_TASK an AI agent.';
COMMENT ON COLUMN public.instance_tasks.status IS
  'PENDING: not begun. RUNNING. COMPLETED: see output_data. FAILED: see error_message.';
COMMENT ON COLUMN public.instance_tasks.input_data IS
  'What the function is given; function_registry.input_schema describes it.';
COMMENT ON COLUMN public.instance_tasks.output_data IS
  'What it returned; function_registry.output_schema describes it. NULL until then.';
COMMENT ON COLUMN public.instance_tasks.assigned_to IS
  'Supabase auth user who is to do the work, if any. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.instance_tasks.is_active IS
  'FALSE retires the row instead of deleting it.';
