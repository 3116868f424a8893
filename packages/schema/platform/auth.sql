-- The part of Supabase Auth that policies read: the claims of the request's token, as jsonb.
CREATE SCHEMA IF NOT EXISTS auth;
GRANT USAGE ON SCHEMA auth TO PUBLIC;

CREATE OR REPLACE FUNCTION auth.jwt()
RETURNS JSONB
LANGUAGE sql
STABLE
AS $$
  SELECT
    coalesce(
      nullif(current_setting('request.jwt.claim', TRUE), ''),
      nullif(current_setting('request.jwt.claims', TRUE), '')
    )::JSONB
$$;
