DO $guard$
DECLARE
  problems TEXT;
  remedies TEXT;
BEGIN
