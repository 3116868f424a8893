DO $guard$
DECLARE
  tables CONSTANT TEXT[] := ARRAY[
/*names*/
  ];
  problems TEXT;
  remedies TEXT;
BEGIN
