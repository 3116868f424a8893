CREATE TABLE IF NOT EXISTS public.tasks (id UUID); -- found
COMMENT ON COLUMN public.tasks.id IS 'Not the table.';
COMMENT ON COLUMN public.tasks.id IS ''; -- found
CREATE TABLE IF NOT EXISTS public.runs (id UUID); -- found
COMMENT ON TABLE public.runs IS ' ';
CREATE TABLE IF NOT EXISTS public.steps (id UUID); -- found
COMMENT ON TABLE public.steps IS 'Steps.';
COMMENT ON TABLE public.steps IS NULL;
