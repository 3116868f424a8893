CREATE TABLE IF NOT EXISTS public."Tasks" ( -- found
  id UUID,
  "createdAt" TIMESTAMPTZ, -- found
  "user" TEXT, -- found
  "order" INTEGER, -- found
  "full name" TEXT, -- found
  prénom TEXT, -- found
  CONSTRAINT "Tasks_pkey" PRIMARY KEY (id) -- found
);
CREATE INDEX IF NOT EXISTS "Tasks_idx" ON public."Tasks" (id); -- found
CREATE SCHEMA IF NOT EXISTS "my-app"; -- found
CREATE OR REPLACE VIEW public."Names" AS SELECT 1; -- found
CREATE OR REPLACE FUNCTION public."doIt"() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'; -- found
CREATE TYPE public."Mood" AS ENUM ('glad'); -- found
ALTER TABLE public.tasks RENAME COLUMN name TO "Name"; -- found
