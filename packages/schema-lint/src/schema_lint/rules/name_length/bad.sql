CREATE TABLE IF NOT EXISTS public.a_name_of_exactly_sixty_four_bytes_which_is_one_more_than_it_can ( -- found
  id UUID
);
CREATE POLICY "a policy can have a long and friendly name, but this one is too long" -- found
  ON public.tasks TO authenticated USING (false);
CREATE POLICY "Einunddreißig Umlaute und ß: äöüäöüäöüäöüäöüäöüäöüäöü" -- found
  ON public.tasks TO authenticated USING (false);
DO $$
BEGIN
  DROP INDEX IF EXISTS public.workflow_history_app_code_workflow_instance_id_event_timestamp_idx; -- found
END $$;
