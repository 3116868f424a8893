CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID PRIMARY KEY, -- found
  app_code TEXT NOT NULL REFERENCES public.apps (app_code), -- found
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'DONE')), -- found
  first INTEGER UNIQUE, -- found
  last INTEGER,
  CONSTRAINT tasks_unique UNIQUE (app_code, id), -- found
  CONSTRAINT tasks_id_app_code_key UNIQUE (app_code, id), -- found
  CONSTRAINT task_app_code_fkey FOREIGN KEY (app_code) REFERENCES public.apps (app_code), -- found
  CONSTRAINT order_check CHECK (first <= last), -- found
  CONSTRAINT tasks_last_check CHECK (first > 0), -- found
  EXCLUDE USING gist (status WITH =) -- found
);
ALTER TABLE public.tasks ADD CONSTRAINT fk_apps -- found
  FOREIGN KEY (app_code) REFERENCES public.apps (app_code);
ALTER TABLE public.tasks ADD CONSTRAINT tasks_id_pkey PRIMARY KEY (id); -- found
ALTER TABLE public.tasks ADD UNIQUE (last); -- found
