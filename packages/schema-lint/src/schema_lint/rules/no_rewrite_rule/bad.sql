CREATE OR REPLACE RULE keep AS ON DELETE TO public.tasks DO INSTEAD NOTHING; -- found
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch(); -- found
