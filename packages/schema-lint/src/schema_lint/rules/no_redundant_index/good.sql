CREATE TABLE IF NOT EXISTS public.t (
  id UUID,
  a TEXT,
  b INTEGER,
  c TIMESTAMPTZ,
  PRIMARY KEY (id),
  UNIQUE (a, id),
  UNIQUE (a, b)
);
CREATE INDEX IF NOT EXISTS t_a_c_idx ON public.t (a, c DESC);
-- Another order than UNIQUE (a, b): read forwards or backwards, the key gives no a, b DESC.
CREATE INDEX IF NOT EXISTS t_a_b_idx ON public.t (a, b DESC);
CREATE INDEX IF NOT EXISTS t_b_idx ON public.t (b);
CREATE INDEX IF NOT EXISTS t_b_open_idx ON public.t (b) WHERE a = 'OPEN';
CREATE INDEX IF NOT EXISTS t_b_done_idx ON public.t (b) WHERE a = 'DONE';
CREATE INDEX IF NOT EXISTS t_lower_idx ON public.t (lower(a));
CREATE INDEX IF NOT EXISTS t_upper_idx ON public.t (upper(a));
CREATE INDEX IF NOT EXISTS t_a_pattern_idx ON public.t (a text_pattern_ops);
CREATE INDEX IF NOT EXISTS t_c_idx ON public.t USING brin (c);
CREATE UNIQUE INDEX IF NOT EXISTS t_c_b_key ON public.t (c, b);
CREATE UNIQUE INDEX IF NOT EXISTS t_c_key ON public.t (c) WHERE b > 0;
