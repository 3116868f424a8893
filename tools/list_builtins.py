"""Write the lists of functions and types that every given PostgreSQL provides in pg_catalog.

Usage: python tools/list_builtins.py URL [URL ...], one server of each supported major version.
"""

import sys
from pathlib import Path

from schema_database.address import connected

PACKAGE = Path(__file__).resolve().parent.parent / "packages/schema-sql/src/schema_sql"

# The functions that only PostgreSQL itself calls (type input, output and the like) take or return
# a pseudo-type; nobody writes them.
FUNCTIONS = """
  SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND NOT 'internal'::regtype = ANY (p.proargtypes::regtype[])
    AND p.prorettype <> ALL (ARRAY['internal', 'cstring', 'trigger']::regtype[])
    AND NOT 'cstring'::regtype = ANY (p.proargtypes::regtype[])
"""

TYPES = """
  SELECT t.typname FROM pg_catalog.pg_type t
  WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typrelid = 0
    AND t.typname !~ '^_' AND t.typtype <> 'c'
"""


def main(urls: list[str]) -> int:
    """Ask every server and write what all of them have."""
    if not urls:
        usage = "usage: python tools/list_builtins.py URL [URL ...], one server a major version"
        print(usage, file=sys.stderr)
        return 2
    for query, name in ((FUNCTIONS, "builtin_functions.txt"), (TYPES, "builtin_types.txt")):
        common: set[str] | None = None
        for url in urls:
            with connected(url) as connection:
                names = {row[0] for row in connection.execute(query)}
            common = names if common is None else common & names
        text = "".join(f"{word}\n" for word in sorted(common or ()))
        (PACKAGE / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
