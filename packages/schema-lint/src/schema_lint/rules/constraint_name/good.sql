CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID NOT NULL CONSTRAINT tasks_pkey PRIMARY KEY,
  app_code TEXT NOT NULL,
  status TEXT NOT NULL CONSTRAINT tasks_status_check CHECK (status IN ('OPEN', 'DONE')),
  first INTEGER,
  last INTEGER,
  CONSTRAINT tasks_app_code_id_key UNIQUE (app_code, id),
  CONSTRAINT tasks_app_code_fkey FOREIGN KEY (app_code) REFERENCES public.apps (app_code),
  CONSTRAINT tasks_order_check CHECK (first <= last),
  CONSTRAINT tasks_first_not_negative_check CHECK (first >= 0),
  CONSTRAINT tasks_status_excl EXCLUDE USING gist (status WITH =)
);
-- The full name would have 72 bytes.
ALTER TABLE public.workflow_instances ADD CONSTRAINT workflow_instances_definition_fkey
  FOREIGN KEY (application_code, previous_workflow_definition_id) REFERENCES public.d (a, b);
