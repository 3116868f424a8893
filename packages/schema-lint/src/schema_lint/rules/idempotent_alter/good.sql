ALTER TABLE public.tasks ADD COLUMN IF NOT EXISTS note TEXT;
ALTER TABLE public.tasks
  DROP CONSTRAINT IF EXISTS tasks_note_check,
  ADD CONSTRAINT tasks_note_check CHECK (note <> '');
ALTER TABLE public.tasks DROP CONSTRAINT IF EXISTS tasks_note_key;
ALTER TABLE public.tasks ADD CONSTRAINT tasks_note_key UNIQUE (note);
ALTER TABLE public.tasks ALTER COLUMN note SET NOT NULL;
ALTER TABLE public.tasks ALTER COLUMN note SET DEFAULT 'none';
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
ALTER TYPE public.mood ADD VALUE IF NOT EXISTS 'sad';
ALTER PUBLICATION supabase_realtime SET TABLE public.tasks;

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'jobs') THEN
    ALTER TABLE public.jobs RENAME TO tasks;
  END IF;
  BEGIN
    ALTER PUBLICATION supabase_realtime ADD TABLE public.tasks;
  EXCEPTION WHEN duplicate_object THEN
    NULL;
  END;
END $$;
