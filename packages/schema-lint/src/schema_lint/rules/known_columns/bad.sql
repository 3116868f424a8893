CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID PRIMARY KEY,
  name TEXT,
  UNIQUE (names), -- found
  FOREIGN KEY (run_id) REFERENCES public.runs (id), -- found
  FOREIGN KEY (id) REFERENCES public.tasks (key) -- found
);
CREATE INDEX IF NOT EXISTS tasks_note_idx ON public.tasks (note); -- found
CREATE INDEX IF NOT EXISTS tasks_name_idx ON public.tasks (name) INCLUDE (note); -- found
COMMENT ON COLUMN public.tasks.note IS 'No such column.'; -- found
GRANT UPDATE (note) ON TABLE public.tasks TO authenticated; -- found
