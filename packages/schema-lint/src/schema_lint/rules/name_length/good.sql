CREATE TABLE IF NOT EXISTS public.a_name_of_exactly_sixty_three_bytes_which_is_as_long_as_it_gets (
  id UUID
);
COMMENT ON TABLE public.tasks IS
  'A_text_may_hold_words_as_long_as_it_likes_because_nothing_is_ever_called_by_it_in_SQL';
