DELETE FROM public.tasks WHERE status = 'DONE';
UPDATE public.tasks SET note = '' WHERE note IS NULL;
