CREATE TABLE IF NOT EXISTS public.tasks (
  is_active BOOLEAN DEFAULT TRUE, -- found
  is_late BOOL NULL -- found
);
ALTER TABLE public.unknown ADD COLUMN IF NOT EXISTS is_active BOOLEAN; -- found
