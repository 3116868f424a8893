"""Operators on comments, on DROP POLICY, on the order of statements, and on what is added."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from proofs.gates_mutation import Mutation, change
from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proofs.gates_text import Code


def comment_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a COMMENT.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    *_schema, name = strings(code.statement.node["object"]["List"]["items"])
    what = code.tokens[2].text.lower()
    yield change(f"statement: drop COMMENT ON {what.upper()}", name, code.remove())
    text = code.find("IS") + 1
    yield change(f"comment: empty ({what})", name, code.put(text, text + 1, "''"))
    if what == "column":
        at = text - 2
        place = code.put(at, at + 1, "id")
        yield change("comment: on another column", name, place)
    else:
        other = "applications"
        place = code.put(text - 2, text - 1, other)
        yield change("comment: on another table", name, place)


def drop_policy_mutations(code: Code) -> Iterator[Mutation]:
    """Mutate a DROP POLICY.

    Args:
        code: the statement.

    Yields:
        Each change.

    Raises:
        LookupError: the statement is not written as ours are.
    """
    *_table, name = strings(code.statement.node["objects"][0]["List"]["items"])
    yield change("statement: drop DROP POLICY", name, code.remove())
    at = code.find("IF EXISTS")
    yield change("statement: drop IF EXISTS", name, code.cut(at, at + 2))
    yield change("drop policy: other policy", name, code.put(at + 2, at + 3, f'"{name}_x"'))
    on = code.find("ON") + 1
    yield change("name: drop the schema", f"DROP POLICY {name}", code.cut(on, on + 2))
    other = code.put(on + 2, on + 3, "applications")
    yield change("drop policy: other table", name, other)
    cascade = code.insert(len(code.tokens), "CASCADE")
    yield change("drop policy: CASCADE", name, cascade)


_NEEDS = {
    ("CreateStmt", "CommentStmt"),
    ("DropStmt", "CreatePolicyStmt"),
    ("GrantStmt", "AlterTableStmt"),
    ("CreatePolicyStmt", "GrantStmt"),
}


def order_mutations(codes: Sequence[Code]) -> Iterator[tuple[Code, Mutation]]:
    """Put a statement before the one that it needs to follow.

    Args:
        codes: a fragment's statements.

    Yields:
        The statement at which the change begins, and the change.
    """
    pairs = [
        (one, other)
        for one, other in pairwise(codes)
        if (one.statement.kind, other.statement.kind) in _NEEDS
    ]
    access = [code for code in codes if code.statement.kind == "GrantStmt"]
    for one, other in (*pairs, *pairwise(access)):
        edits = (
            one.put(0, len(one.tokens), other.text(0, len(other.tokens))),
            other.put(0, len(other.tokens), one.text(0, len(one.tokens))),
        )
        fact = f"{other.text(0, 3)} before {one.tokens[0].text}"
        yield one, change("statement: change places", fact, *edits)


_BEHIND_ACCESS = {
    "add a policy": (
        "CREATE POLICY everybody ON public.{0} USING (TRUE)",
        (
            "DROP POLICY IF EXISTS everybody ON public.{0};\n"
            "CREATE POLICY everybody ON public.{0} FOR SELECT TO authenticated USING (TRUE)"
        ),
        (
            "DROP POLICY IF EXISTS nobody ON public.{0};\n"
            "CREATE POLICY nobody ON public.{0} AS RESTRICTIVE TO authenticated USING (FALSE)"
        ),
        (
            "DROP POLICY IF EXISTS engine ON public.{0};\n"
            "CREATE POLICY engine ON public.{0} TO service_role USING (TRUE)"
        ),
        (
            "DROP POLICY IF EXISTS own_rows ON public.{0};\n"
            "CREATE POLICY own_rows ON public.{0} FOR SELECT TO authenticated"
            " USING (app_code = ((SELECT auth.jwt()) ->> 'app_code'))"
        ),
        (
            "DROP POLICY IF EXISTS itself ON public.{0};\n"
            "CREATE POLICY itself ON public.{0} FOR SELECT TO authenticated"
            " USING (id IN (SELECT other.id FROM public.{0} AS other))"
        ),
    ),
    "change a policy": (
        "ALTER POLICY app_isolation ON public.{0} USING (TRUE)",
        "ALTER POLICY app_isolation ON public.{0} TO anon",
        "ALTER POLICY app_isolation ON public.{0} RENAME TO tenant_isolation",
    ),
    "add a grant": (
        "GRANT SELECT ON TABLE public.{0} TO anon",
        "GRANT SELECT (id) ON TABLE public.{0} TO anon",
        "GRANT TRUNCATE ON TABLE public.{0} TO service_role",
        "GRANT UPDATE (description) ON TABLE public.{0} TO authenticated",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO anon",
        "GRANT ALL ON TABLE public.{0} TO PUBLIC",
        "REVOKE SELECT ON TABLE public.{0} FROM authenticated",
        "GRANT MAINTAIN ON TABLE public.{0} TO service_role",
        "GRANT CREATE ON SCHEMA public TO authenticated",
        "GRANT CREATE ON SCHEMA public TO anon",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon",
    ),
    "add an owner": ("ALTER TABLE public.{0} OWNER TO authenticated",),
    "add a way around": (
        (
            "CREATE OR REPLACE VIEW public.{0}_view AS SELECT * FROM public.{0};\n"
            "GRANT SELECT ON TABLE public.{0}_view TO anon"
        ),
        (
            "CREATE OR REPLACE FUNCTION public.{0}_all() RETURNS SETOF public.{0}"
            " LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM public.{0}'"
        ),
        "CREATE TABLE IF NOT EXISTS public.{0}_copy AS SELECT * FROM public.{0}",
        "CREATE OR REPLACE RULE {0}_silent AS ON INSERT TO public.{0} DO INSTEAD NOTHING",
    ),
    "add an object": (
        (
            "CREATE OR REPLACE FUNCTION public.{0}_touch() RETURNS TRIGGER LANGUAGE plpgsql"
            " SET search_path = '' AS 'BEGIN NEW.created_at := now(); RETURN NEW; END';\n"
            "CREATE OR REPLACE TRIGGER {0}_touch BEFORE UPDATE ON public.{0}"
            " FOR EACH ROW EXECUTE FUNCTION public.{0}_touch()"
        ),
        (
            "CREATE OR REPLACE FUNCTION public.{0}_count() RETURNS BIGINT LANGUAGE sql STABLE"
            " SET search_path = '' AS 'SELECT count(*) FROM public.{0}'"
        ),
        (
            "CREATE OR REPLACE VIEW public.{0}_ids WITH (security_invoker = TRUE)"
            " AS SELECT id FROM public.{0}"
        ),
        "CREATE SEQUENCE IF NOT EXISTS public.{0}_number",
        (
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_publication"
            " WHERE pubname = '{0}_changes') THEN"
            " CREATE PUBLICATION {0}_changes FOR TABLE public.{0}; END IF; END $$"
        ),
        "CREATE STATISTICS IF NOT EXISTS public.{0}_dates ON app_code, created_at FROM public.{0}",
        "CREATE TYPE public.{0}_mood AS ENUM ('glad', 'sad')",
        "CREATE EXTENSION IF NOT EXISTS citext",
        "DO $$ BEGIN EXECUTE 'SELECT ' || 1; END $$",
    ),
    "add a transaction or lock": (
        "COMMIT",
        "LOCK TABLE public.{0}",
        "SET lock_timeout = 0",
        "SET LOCAL lock_timeout = 0",
        "SET LOCAL search_path = public",
        "SET SESSION row_security = off",
    ),
    "add a write": (
        "TRUNCATE public.{0}",
        "DELETE FROM public.{0}",
        "DELETE FROM public.{0} WHERE created_at < 'epoch'",
        "UPDATE public.{0} SET app_code = NULL WHERE app_code = 'old'",
        "INSERT INTO public.applications (app_code, app_name) VALUES ('x', 'x')",
    ),
    "add an ALTER TABLE": (
        "ALTER TABLE public.{0} ADD COLUMN extra TEXT",
        "ALTER TABLE public.{0} ADD COLUMN IF NOT EXISTS extra TEXT",
        "ALTER TABLE public.{0} DROP COLUMN created_at",
        "ALTER TABLE public.{0} ALTER COLUMN id DROP DEFAULT",
        "ALTER TABLE public.{0} ALTER COLUMN created_at DROP NOT NULL",
        "ALTER TABLE public.{0} DROP CONSTRAINT IF EXISTS {0}_app_code_fkey",
        "ALTER TABLE public.{0} SET (fillfactor = 70)",
        "ALTER TABLE public.{0} REPLICA IDENTITY FULL",
        "ALTER TABLE public.{0} ALTER COLUMN app_code SET STATISTICS 1000",
        "ALTER TABLE public.{0} ALTER COLUMN app_code SET STORAGE EXTERNAL",
    ),
}

_SERVER_WIDE = (
    "ALTER ROLE authenticated BYPASSRLS",
    "GRANT service_role TO authenticated",
)


def added_statements(codes: Sequence[Code]) -> Iterator[tuple[Code, Mutation]]:
    """Put one more statement behind a fragment that says who may touch a table.

    Args:
        codes: a fragment's statements.

    Yields:
        The last statement, and each change; none where the fragment says nothing of that.
    """
    switch = next((code for code in codes if code.statement.kind == "AlterTableStmt"), None)
    if switch is None:
        return
    table = switch.statement.node["relation"]["relname"]
    last = codes[-1]
    for operator, texts in _BEHIND_ACCESS.items():
        for text in texts:
            sql = text.format(table)
            yield last, change(f"statement: {operator}", _short(sql), last.follow(sql))
    for sql in _SERVER_WIDE:
        edits = (last.follow(sql),)
        yield last, Mutation("statement: change a role", sql, edits, server_wide=True)


def _short(sql: str) -> str:
    return sql.rpartition(";\n")[2]
