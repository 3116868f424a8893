CREATE TABLE IF NOT EXISTS public.members (user_id UUID, team UUID);
CREATE TABLE IF NOT EXISTS public.tasks (team UUID, code TEXT);
CREATE POLICY "own" ON public.members TO authenticated USING (user_id = (SELECT auth.uid()));
CREATE POLICY "team" ON public.tasks TO authenticated
  USING (team IN (SELECT members.team FROM public.members));
-- Checked when a row is written: reading the table does not lead here.
CREATE POLICY "first" ON public.tasks AS RESTRICTIVE FOR INSERT TO authenticated
  WITH CHECK (NOT EXISTS (SELECT 1 FROM public.tasks AS t WHERE t.code = tasks.code));
