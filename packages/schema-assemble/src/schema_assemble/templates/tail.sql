  PERFORM set_config('search_path', caller_path, TRUE),
    set_config('quote_all_identifiers', caller_quoting, TRUE);
END
