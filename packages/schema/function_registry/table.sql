CREATE TABLE IF NOT EXISTS public.function_registry (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT,
  function_code TEXT NOT NULL,
  implementation_type TEXT NOT NULL,
  endpoint_or_path TEXT,
  input_schema JSONB NOT NULL DEFAULT '{}',
  output_schema JSONB NOT NULL DEFAULT '{}',
  ui_widget_id TEXT,
  ui_definitions JSONB NOT NULL DEFAULT '{}',
  description TEXT,
  version TEXT NOT NULL DEFAULT '1.0',
  tags TEXT[] NOT NULL DEFAULT '{}',
  timeout_seconds INTEGER NOT NULL DEFAULT 300,
  retry_count INTEGER NOT NULL DEFAULT 0,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_by UUID,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_by UUID,
  CONSTRAINT function_registry_pkey PRIMARY KEY (id),
  CONSTRAINT function_registry_app_code_function_code_key UNIQUE (app_code, function_code),
  -- A task of any application may name a shared function, so tasks reference the code alone, and
  -- the codes of all applications are one namespace.
  CONSTRAINT function_registry_function_code_key UNIQUE (function_code),
  CONSTRAINT function_registry_implementation_type_check
    CHECK (implementation_type IN ('USER_TASK', 'SERVICE_TASK', 'AI_AGENT_TASK')),
  CONSTRAINT function_registry_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);

REVOKE ALL ON TABLE public.function_registry
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.function_registry ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE public.function_registry IS
  'Execution contracts: what each function that a task can call takes, returns and needs.';
COMMENT ON COLUMN public.function_registry.app_code IS
  'The tenant that owns the row. NULL is a shared function: all tenants see it, none change it.';
COMMENT ON COLUMN public.function_registry.function_code IS
  'Unique across all applications: begin it with your app_code, as in billing.create_invoice.';
COMMENT ON COLUMN public.function_registry.implementation_type IS
  'Who does the work: USER_TASK a person, SERVICE_TASK a program, AI_AGENT_TASK an AI agent.';
COMMENT ON COLUMN public.function_registry.endpoint_or_path IS
  'Where the engine calls the function; NULL for work that a person does.';
COMMENT ON COLUMN public.function_registry.input_schema IS
  'What instance_tasks.input_data must look like.';
COMMENT ON COLUMN public.function_registry.output_schema IS
  'What instance_tasks.output_data will look like.';
COMMENT ON COLUMN public.function_registry.ui_widget_id IS
  'The widget that shows the task to a person, if any.';
COMMENT ON COLUMN public.function_registry.ui_definitions IS 'Settings of that widget.';
COMMENT ON COLUMN public.function_registry.version IS
  'Version of the contract. For information: one row per function_code, so only one is kept.';
COMMENT ON COLUMN public.function_registry.timeout_seconds IS
  'After this many seconds the engine counts a call as failed.';
COMMENT ON COLUMN public.function_registry.retry_count IS
  'How often the engine repeats a failed call; 0 is never.';
COMMENT ON COLUMN public.function_registry.is_active IS
  'FALSE retires the row instead of deleting it.';
COMMENT ON COLUMN public.function_registry.created_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
COMMENT ON COLUMN public.function_registry.updated_by IS
  'Supabase auth user; NULL when the engine acted. No foreign key: the row outlives the user.';
