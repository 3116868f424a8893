CREATE INDEX IF NOT EXISTS function_registry_app_code_is_active_idx
  ON public.function_registry (app_code, is_active);

CREATE INDEX IF NOT EXISTS function_registry_app_code_implementation_type_idx
  ON public.function_registry (app_code, implementation_type);
