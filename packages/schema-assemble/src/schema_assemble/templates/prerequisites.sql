SELECT 'This migration lacks what it builds on; nothing was changed.'
  || string_agg(E'\n- ' || what, '' ORDER BY what), string_agg(DISTINCT help, ' ')
INTO problems, remedy
FROM (VALUES
/*rows*/
) AS prerequisites (what, help, met) WHERE NOT met; -- NULL: listed otherwise
