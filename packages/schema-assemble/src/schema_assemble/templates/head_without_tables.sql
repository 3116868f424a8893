DECLARE
  problems TEXT;
  remedies TEXT;
BEGIN
