-- A demo tenant for local databases: `nox -s db` loads it. Never shipped.
INSERT INTO public.applications (app_code, app_name)
VALUES ('demo', 'Demo application')
ON CONFLICT DO NOTHING;

INSERT INTO public.function_registry (app_code, function_code, implementation_type, description)
VALUES
  (NULL, 'shared.send_mail', 'SERVICE_TASK', 'A shared function: every application sees it.'),
  ('demo', 'demo.approve', 'USER_TASK', 'A function of the demo application alone.')
ON CONFLICT DO NOTHING;

INSERT INTO public.workflow_definitions (
  id, app_code, workflow_code, name, model_structure, status
)
VALUES (
  '00000000-0000-4000-8000-000000000001', 'demo', 'purchase', 'Purchase approval',
  '{"nodes": ["start", "approve", "notify", "end"]}', 'ACTIVE'
)
ON CONFLICT DO NOTHING;

INSERT INTO public.workflow_instances (
  id, app_code, workflow_definition_id, workflow_code, current_node_id, input_data
)
VALUES (
  '00000000-0000-4000-8000-000000000002', 'demo', '00000000-0000-4000-8000-000000000001',
  'purchase', 'approve', '{"amount": 420}'
)
ON CONFLICT DO NOTHING;

INSERT INTO public.instance_tasks (
  id, app_code, workflow_instance_id, workflow_code, function_code, node_id, task_type
)
VALUES (
  '00000000-0000-4000-8000-000000000003', 'demo', '00000000-0000-4000-8000-000000000002',
  'purchase', 'demo.approve', 'approve', 'USER_TASK'
)
ON CONFLICT DO NOTHING;

INSERT INTO public.instance_context (id, app_code, workflow_instance_id, context_data)
VALUES (
  '00000000-0000-4000-8000-000000000004', 'demo', '00000000-0000-4000-8000-000000000002',
  '{"amount": 420, "requested_by": "demo"}'
)
ON CONFLICT DO NOTHING;

INSERT INTO public.workflow_history (id, app_code, workflow_instance_id, event_type, task_id)
VALUES
  (
    '00000000-0000-4000-8000-000000000005', 'demo', '00000000-0000-4000-8000-000000000002',
    'INSTANCE_CREATED', NULL
  ),
  (
    '00000000-0000-4000-8000-000000000006', 'demo', '00000000-0000-4000-8000-000000000002',
    'TASK_CREATED', '00000000-0000-4000-8000-000000000003'
  )
ON CONFLICT DO NOTHING;
