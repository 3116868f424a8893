INSERT INTO public.roles (code) VALUES ('admin') ON CONFLICT (code) DO NOTHING;
INSERT INTO public.roles (code, name) VALUES ('admin', 'Administrator')
ON CONFLICT (code) DO UPDATE SET name = excluded.name;
INSERT INTO public.roles (code)
SELECT 'admin' WHERE NOT EXISTS (SELECT 1 FROM public.roles WHERE code = 'admin');

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM public.roles) THEN
    INSERT INTO public.roles (code) VALUES ('admin');
  END IF;
END $$;
