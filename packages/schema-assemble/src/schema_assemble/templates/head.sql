DECLARE
/*tables*/  caller_path CONSTANT TEXT := current_setting('search_path');
  caller_quoting CONSTANT TEXT := current_setting('quote_all_identifiers');
  problems TEXT;
  remedies TEXT;
BEGIN
