"""Start a table: write its folder, with the tenant, its policy and its grants in place.

Usage: python tools/new_table.py my_table
"""

import re
import sys
from pathlib import Path

SCHEMA = Path(__file__).resolve().parent.parent / "packages/schema"

FILES = {
    "BUILD.toml": """\
# What the table is for.

[fragment.table]
src = "table.sql"
deps = ["//schema/platform:applications", "//schema/platform:roles"]

[fragment.indexes]
src = "indexes.sql"
deps = [":table"]

[fragment.access]
src = "access.sql"
deps = [":table", "//schema/platform:auth", "//schema/platform:roles"]
""",
    "table.sql": """\
CREATE TABLE IF NOT EXISTS public.TABLE (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT TABLE_pkey PRIMARY KEY (id),
  CONSTRAINT TABLE_app_code_fkey
    FOREIGN KEY (app_code) REFERENCES public.applications (app_code)
);

REVOKE ALL ON TABLE public.TABLE
  FROM PUBLIC, anon, authenticated, service_role CASCADE; -- also what these roles granted to others

ALTER TABLE public.TABLE ENABLE ROW LEVEL SECURITY;

-- Say what one row is; the rule comment-table asks for it.
COMMENT ON TABLE public.TABLE IS
  '';
COMMENT ON COLUMN public.TABLE.app_code IS 'The tenant that owns the row.';
""",
    "indexes.sql": """\
CREATE INDEX IF NOT EXISTS TABLE_app_code_created_at_idx
  ON public.TABLE (app_code, created_at DESC);
""",
    "access.sql": """\
DROP POLICY IF EXISTS "app_isolation" ON public.TABLE;
CREATE POLICY "app_isolation" ON public.TABLE
  FOR ALL
  TO authenticated
  USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.TABLE
  TO authenticated, service_role;
""",
}

# The longest name that is put behind the table's, `_app_code_created_at_idx`, and PostgreSQL's 63.
LONGEST = 63 - len("_app_code_created_at_idx")


def main(arguments: list[str]) -> int:
    """Write the folder, and say what comes next."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python tools/new_table.py my_table", file=sys.stderr)
        return 2
    name = arguments[0]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > LONGEST:
        wanted = f"lower case, digits and _, at most {LONGEST} characters"
        print(f"{name!r} is no name for a table: {wanted}", file=sys.stderr)
        return 2
    folder = SCHEMA / name
    try:
        folder.mkdir()
    except FileExistsError:
        print(f"{folder} exists already; it is left as it is", file=sys.stderr)
        return 1
    for file, text in FILES.items():
        path = folder / file
        path.write_text(text.replace("TABLE_", f"{name}_").replace(".TABLE", f".{name}"), "utf-8")
    print(
        f"{folder} written. Next:\n"
        f'1. add "//schema/{name}:all" to the roots of a migration in {SCHEMA / "BUILD.toml"}\n'
        f"2. write its columns, then `nox -s deps -- --fix` and `nox -s build`\n"
        f"3. add it to tests/spec/specification.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
