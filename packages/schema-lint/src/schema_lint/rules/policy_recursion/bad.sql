CREATE TABLE IF NOT EXISTS public.members (user_id UUID, team UUID);
CREATE TABLE IF NOT EXISTS public.teams (id UUID);
CREATE TABLE IF NOT EXISTS public.seats (team UUID);
CREATE POLICY "own" ON public.members TO authenticated
  USING (team IN (SELECT m.team FROM public.members AS m)); -- found
CREATE POLICY "team" ON public.teams FOR SELECT TO authenticated
  USING (EXISTS (SELECT 1 FROM public.seats WHERE seats.team = teams.id)); -- found
CREATE POLICY "seat" ON public.seats FOR SELECT TO authenticated
  USING (EXISTS (SELECT 1 FROM public.teams WHERE teams.id = seats.team)); -- found
