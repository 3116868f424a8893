CREATE TABLE IF NOT EXISTS public.tasks (id UUID PRIMARY KEY, name TEXT, UNIQUE (name));
ALTER TABLE public.tasks ADD COLUMN IF NOT EXISTS note TEXT;
CREATE INDEX IF NOT EXISTS tasks_note_idx ON public.tasks (note, lower(name));
COMMENT ON COLUMN public.tasks.note IS 'What a person wrote.';
COMMENT ON COLUMN public.unknown.anything IS 'A table of which nothing is known.';
