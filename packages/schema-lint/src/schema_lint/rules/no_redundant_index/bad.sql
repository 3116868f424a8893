CREATE TABLE IF NOT EXISTS public.t (
  id UUID,
  a TEXT,
  b INTEGER,
  c TIMESTAMPTZ,
  PRIMARY KEY (id),
  UNIQUE (a, b),
  UNIQUE (id) -- found
);
CREATE INDEX IF NOT EXISTS by_key_idx ON public.t (a, b); -- found
CREATE INDEX IF NOT EXISTS prefix_of_key_idx ON public.t (a); -- found
CREATE INDEX IF NOT EXISTS backwards_idx ON public.t (a DESC); -- found
CREATE INDEX IF NOT EXISTS wide_idx ON public.t (b, c DESC);
CREATE INDEX IF NOT EXISTS wide_backwards_idx ON public.t (b DESC, c); -- found
CREATE INDEX IF NOT EXISTS prefix_idx ON public.t (b); -- found
CREATE UNIQUE INDEX IF NOT EXISTS same_unique_idx ON public.t (id); -- found
CREATE INDEX IF NOT EXISTS partial_idx ON public.t (c, b) WHERE a = 'OPEN';
CREATE INDEX IF NOT EXISTS partial_prefix_idx ON public.t (c) WHERE a = 'OPEN'; -- found
CREATE INDEX IF NOT EXISTS lower_idx ON public.t (lower(a));
CREATE INDEX IF NOT EXISTS lower_again_idx ON public.t (lower(a)); -- found
CREATE INDEX IF NOT EXISTS included_idx ON public.t (c, id) INCLUDE (b);
CREATE INDEX IF NOT EXISTS not_included_idx ON public.t (c, id); -- found
CREATE INDEX IF NOT EXISTS gin_idx ON public.t USING gin (a);
CREATE INDEX IF NOT EXISTS gin_again_idx ON public.t USING gin (a); -- found
