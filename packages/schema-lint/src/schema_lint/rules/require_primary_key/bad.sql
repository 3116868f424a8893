CREATE TABLE IF NOT EXISTS public.tasks (id UUID); -- found
CREATE TABLE IF NOT EXISTS public.runs (id UUID UNIQUE); -- found
CREATE TABLE IF NOT EXISTS public.steps (id UUID CONSTRAINT steps_pkey PRIMARY KEY); -- found
ALTER TABLE public.steps DROP CONSTRAINT IF EXISTS steps_pkey;
