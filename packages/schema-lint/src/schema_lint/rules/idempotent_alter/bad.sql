ALTER TABLE public.tasks ADD COLUMN note TEXT; -- found
ALTER TABLE public.tasks
  ADD COLUMN IF NOT EXISTS a TEXT,
  ADD COLUMN b TEXT, -- found
  ADD CONSTRAINT tasks_b_check CHECK (b <> ''), -- found
  ADD UNIQUE (b); -- found
ALTER TABLE public.tasks DROP CONSTRAINT tasks_a_key;
ALTER TABLE public.tasks ADD CONSTRAINT tasks_a_key UNIQUE (a); -- found
ALTER TABLE public.others DROP CONSTRAINT IF EXISTS tasks_a_fkey;
ALTER TABLE public.tasks ADD CONSTRAINT tasks_a_fkey -- found
  FOREIGN KEY (a) REFERENCES public.others (a);
ALTER TABLE public.tasks ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY; -- found
ALTER TABLE public.tasks ATTACH PARTITION public.tasks_1 DEFAULT; -- found
ALTER TABLE public.tasks_2 INHERIT public.tasks; -- found
ALTER TABLE public.tasks RENAME TO jobs; -- found
ALTER TABLE public.tasks RENAME COLUMN a TO b; -- found
ALTER TABLE public.tasks RENAME CONSTRAINT a TO b; -- found
ALTER INDEX public.a_idx RENAME TO b_idx; -- found
ALTER TABLE public.tasks SET SCHEMA app; -- found
ALTER TYPE public.mood ADD VALUE 'sad'; -- found
ALTER TYPE public.mood RENAME VALUE 'sad' TO 'blue'; -- found
ALTER TYPE public.pair ADD ATTRIBUTE z INTEGER; -- found
ALTER PUBLICATION supabase_realtime ADD TABLE public.tasks; -- found
ALTER PUBLICATION supabase_realtime DROP TABLE public.tasks; -- found
