"""What statements provide and require."""

import pytest

from schema_sql.objects import provides, read_object, requires
from schema_sql.source import Source
from schema_sql.statements import parse


def provided(text: str) -> set[str]:
    """What a text provides, but for row types, which every relation brings."""
    file = parse(Source("x.sql", text))
    found = {str(m.object) for s in file.every_statement for m in provides(s)}
    rows = {name.replace("relation", "type", 1) for name in found if name.startswith("relation")}
    return found - rows


def required(text: str) -> set[str]:
    """What a text requires; what nobody must provide begins with a question mark."""
    file = parse(Source("x.sql", text))
    return {f"{'?' * m.optional}{m.object}" for s in file.every_statement for m in requires(s)}


def words(text: str) -> set[str]:
    """A list of objects, as this file writes it."""
    return {item.strip() for item in text.split(";") if item.strip()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE VIEW public.v AS SELECT 1", "relation public.v"),
        ("CREATE MATERIALIZED VIEW public.v AS SELECT 1", "relation public.v"),
        ("CREATE TABLE public.t AS SELECT 1", "relation public.t"),
        ("SELECT 1 INTO public.t", "relation public.t"),
        ("CREATE TABLE t (A int)", "relation public.t; column public.t.a"),
        (
            'CREATE TABLE PUBLIC."Odd t" ("A b" int, "order" int)',
            'relation public."Odd t"; column public."Odd t"."A b"; column public."Odd t"."order"',
        ),
        (
            "CREATE TABLE public.t (id bigserial PRIMARY KEY, u int UNIQUE)",
            (
                "relation public.t; column public.t.id; column public.t.u; key public.t (id);"
                "key public.t (primary key); key public.t (u); index public.t_pkey;"
                "index public.t_u_key; relation public.t_id_seq"
            ),
        ),
        (
            (
                "ALTER TABLE public.t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY,"
                " ADD CONSTRAINT k UNIQUE (b, a)"
            ),
            "column public.t.n; relation public.t_n_seq; key public.t (a, b); index public.k",
        ),
        ("CREATE FOREIGN TABLE public.f (a int) SERVER s", "relation public.f; column public.f.a"),
        ("CREATE TABLE public.t PARTITION OF public.u DEFAULT", "relation public.t"),
        ("CREATE SEQUENCE public.s", "relation public.s"),
        ("CREATE UNIQUE INDEX i ON public.t (b, a)", "index public.i; key public.t (a, b)"),
        ("CREATE UNIQUE INDEX i ON public.t (a) WHERE b", "index public.i"),
        ("CREATE UNIQUE INDEX i ON public.t (lower(a))", "index public.i"),
        ("CREATE INDEX ON public.t (a)", ""),
        ('CREATE POLICY "a b" ON public.t USING (true)', 'policy public.t."a b"'),
        (
            "CREATE TRIGGER t AFTER INSERT ON auth.users EXECUTE FUNCTION public.f()",
            "trigger auth.users.t",
        ),
        ("CREATE FUNCTION auth.f() RETURNS int LANGUAGE sql AS ''", "function auth.f"),
        ("CREATE PROCEDURE f() LANGUAGE sql AS ''", "function public.f"),
        ("CREATE AGGREGATE public.a (int) (SFUNC = public.f, STYPE = int)", "function public.a"),
        ("CREATE TYPE public.m AS ENUM ('a')", "type public.m"),
        ("CREATE TYPE public.r AS RANGE (subtype = int)", "type public.r"),
        ("CREATE TYPE public.shell", "type public.shell"),
        ("CREATE TYPE public.c AS (a int)", "relation public.c; column public.c.a"),
        ("CREATE DOMAIN public.d AS text", "type public.d"),
        ("CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION anon", "schema app"),
        ("CREATE SCHEMA AUTHORIZATION anon", ""),
        ('CREATE ROLE "a-b"', 'role "a-b"'),
        ("ALTER TABLE public.t RENAME TO u", "relation public.u"),
        ("ALTER TABLE public.t RENAME COLUMN a TO b", "column public.t.b"),
        ("ALTER TABLE public.t RENAME CONSTRAINT a TO b", ""),
        ("ALTER TYPE public.m RENAME TO n", "type public.n"),
        ("ALTER FUNCTION public.f(int) RENAME TO g", "function public.g"),
        ("ALTER INDEX public.i RENAME TO j", "index public.j"),
        ("DO $$ BEGIN IF x THEN CREATE ROLE anon; END IF; END $$", "role anon"),
        ("INSERT INTO public.t VALUES (1)", ""),
    ],
)
def test_a_statement_provides_what_it_creates(text: str, expected: str) -> None:
    """Every kind of object that a fragment creates can be depended on."""
    assert provided(text) == words(expected)


T, A = "relation public.t", "column public.t.a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Tables
        (
            "CREATE TABLE public.t (a uuid REFERENCES auth.users ON DELETE CASCADE)",
            "relation auth.users; schema auth; ?key auth.users (primary key)",
        ),
        (
            "CREATE TABLE t (a int REFERENCES t, FOREIGN KEY (a, b) REFERENCES u (y, x))",
            (
                "relation public.u; column public.u.x; column public.u.y; ?key public.u (x, y);"
                "?key public.t (primary key)"
            ),
        ),
        ("CREATE TABLE public.t (id int PRIMARY KEY, p int REFERENCES public.t)", ""),
        ("CREATE TABLE public.x (LIKE public.t INCLUDING ALL)", T),
        ("CREATE TABLE public.x () INHERITS (public.t)", T),
        ("CREATE TABLE public.x PARTITION OF public.t FOR VALUES IN ('a')", T),
        ("CREATE TABLE app.x (a serial, b bigserial)", "schema app"),
        (
            'CREATE TABLE x (a public.mood[], b vector(3), c numeric(2)[], d "char", e time)',
            "type public.mood; type public.vector",
        ),
        (
            "CREATE TABLE x (a uuid DEFAULT extensions.uuid_generate_v4(), b int DEFAULT abs(1))",
            "function extensions.uuid_generate_v4; schema extensions",
        ),
        ("CREATE TABLE x (a int DEFAULT nextval('public.s'))", "relation public.s"),
        # Views, queries
        (
            "CREATE VIEW v AS WITH c AS (SELECT * FROM t) SELECT * FROM c JOIN app.u ON true",
            f"{T}; relation app.u; schema app",
        ),
        ("WITH RECURSIVE r AS (SELECT 1 UNION SELECT * FROM r) SELECT * FROM r", ""),
        ("SELECT * FROM pg_policies, pg_catalog.pg_class, information_schema.tables", ""),
        ("SELECT * FROM generate_series(1, 2) AS g, unnest(ARRAY[1]), LATERAL (SELECT 1) AS l", ""),
        ("SELECT extract(epoch FROM now()), coalesce(1, 2), CURRENT_USER, count(*)", ""),
        (
            (
                "SELECT 'public.t'::regclass, 'anon'::regrole, 'public.f(int)'::regprocedure,"
                " 'app'::regnamespace, 'pg_class'::regclass, ''::regclass, '\"A b\"'::regclass"
            ),
            f'{T}; role anon; function public.f; schema app; relation public."A b"',
        ),
        ("INSERT INTO t (a) SELECT b FROM u ON CONFLICT DO NOTHING", f"{T}; relation public.u"),
        ("CALL public.p(1)", "function public.p"),
        # Functions and triggers
        (
            (
                "CREATE FUNCTION f(x public.mood, y t.a%TYPE) RETURNS SETOF public.t LANGUAGE sql"
                " AS 'SELECT * FROM public.hidden'"
            ),
            f"type public.mood; type public.t; {T}; {A}",
        ),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''", ""),
        ("CREATE FUNCTION f() RETURNS int RETURN (SELECT count(*) FROM public.t)", T),
        (
            "CREATE TRIGGER x AFTER INSERT ON auth.users EXECUTE FUNCTION public.f()",
            "relation auth.users; schema auth; function public.f",
        ),
        ("CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION f()", "function public.f"),
        ("CREATE AGGREGATE a (int) (SFUNC = public.f, STYPE = int)", ""),
        # Indexes and keys
        (
            "CREATE INDEX i ON public.t (a, lower(b)) INCLUDE (c) WHERE d IS NULL",
            f"{T}; {A}; column public.t.b; column public.t.c; column public.t.d",
        ),
        ("ALTER TABLE public.t ADD UNIQUE USING INDEX i", f"{T}; index public.i"),
        ("ALTER INDEX public.i ALTER COLUMN 1 SET STATISTICS 9", "index public.i"),
        ("ALTER INDEX public.i RENAME TO j", "index public.i"),
        ("REINDEX INDEX public.i", "index public.i"),
        # Changes
        (
            (
                "ALTER TABLE public.t ADD COLUMN b public.mood, ALTER COLUMN a TYPE text,"
                " ALTER c SET NOT NULL, ADD CHECK (d > 0)"
            ),
            f"{T}; {A}; type public.mood; column public.t.c; column public.t.d",
        ),
        ("ALTER TABLE IF EXISTS public.t ADD COLUMN b int", f"?{T}"),
        ("ALTER TABLE public.t OWNER TO postgres", T),
        ("ALTER TYPE public.mood ADD VALUE 'x'", "type public.mood"),
        ("ALTER TYPE public.mood OWNER TO anon", "type public.mood; role anon"),
        ("ALTER DOMAIN public.d DROP NOT NULL", "type public.d"),
        ("ALTER FUNCTION public.f(int) OWNER TO postgres", "function public.f"),
        ("ALTER FUNCTION public.f(int) SET search_path = ''", "function public.f"),
        ("ALTER SEQUENCE public.s OWNED BY public.t.a", f"relation public.s; {T}; {A}"),
        ("ALTER PUBLICATION supabase_realtime ADD TABLE public.t", T),
        # Policies
        (
            (
                "CREATE POLICY p ON public.t TO authenticated USING (auth.uid() = a AND EXISTS"
                " (SELECT 1 FROM app.m AS x WHERE x.id = t.b AND maybe = 1))"
            ),
            (
                f"{T}; {A}; column public.t.b; role authenticated; function auth.uid; schema auth;"
                "relation app.m; schema app; column app.m.id"
            ),
        ),
        (
            "CREATE POLICY p ON storage.objects USING ((storage.foldername(name))[1] = 'x')",
            (
                "relation storage.objects; schema storage; column storage.objects.name;"
                "function storage.foldername"
            ),
        ),
        ("DROP POLICY IF EXISTS p ON public.t", T),
        # Comments
        ("COMMENT ON TABLE public.t IS 'x'", T),
        ("COMMENT ON COLUMN t.a IS NULL", f"{T}; {A}"),
        ("COMMENT ON VIEW public.t IS 'x'", T),
        ("COMMENT ON FOREIGN TABLE public.t IS 'x'", T),
        ("COMMENT ON FUNCTION public.f(public.mood) IS 'x'", "function public.f; type public.mood"),
        ("COMMENT ON FUNCTION f IS 'x'", "function public.f"),
        ("COMMENT ON TYPE public.mood IS 'x'", "type public.mood"),
        ("COMMENT ON DOMAIN public.d IS 'x'", "type public.d"),
        ("COMMENT ON CONSTRAINT c ON public.t IS 'x'", T),
        ("COMMENT ON CONSTRAINT c ON DOMAIN public.d IS 'x'", "type public.d"),
        ("COMMENT ON POLICY p ON public.t IS 'x'", f"{T}; policy public.t.p"),
        ("COMMENT ON TRIGGER x ON public.t IS 'x'", T),
        ("COMMENT ON INDEX public.i IS 'x'", "index public.i"),
        ("COMMENT ON SCHEMA app IS 'x'", "schema app"),
        ("COMMENT ON SCHEMA public IS 'x'", ""),
        ("COMMENT ON ROLE anon IS 'x'", "role anon"),
        ("COMMENT ON EXTENSION pgcrypto IS 'x'", ""),
        ("COMMENT ON LARGE OBJECT 1 IS 'x'", ""),
        ("COMMENT ON OPERATOR public.+ (int, int) IS 'x'", ""),
        # Grants
        ("GRANT USAGE ON SCHEMA public, app TO anon", "schema app; role anon"),
        ("GRANT EXECUTE ON FUNCTION public.f(int) TO anon", "function public.f; role anon"),
        ("GRANT USAGE ON SEQUENCE public.s TO anon", "relation public.s; role anon"),
        ("GRANT ALL ON ALL TABLES IN SCHEMA public TO anon", "role anon"),
        ("GRANT ALL ON ALL FUNCTIONS IN SCHEMA app TO anon", "schema app; role anon"),
        ("GRANT USAGE ON TYPE public.mood TO PUBLIC", "type public.mood"),
        ("GRANT SELECT (a) ON t TO postgres, CURRENT_USER", f"{T}; {A}"),
        ('GRANT anon TO "a-b"', 'role anon; role "a-b"'),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon",
            "role anon",
        ),
        # What may be missing
        ("DROP TABLE IF EXISTS public.t CASCADE", ""),
        ("DROP TYPE IF EXISTS public.mood", ""),
        ("DROP FUNCTION IF EXISTS public.f(public.mood)", ""),
        ("DROP ROLE IF EXISTS gone", ""),
        ("DROP TYPE public.mood", "type public.mood"),
        ("DROP ROLE gone", "role gone"),
        # The rest
        ("CREATE SCHEMA app CREATE TABLE t (a int) CREATE VIEW v AS SELECT * FROM t", ""),
        ("CREATE EXTENSION IF NOT EXISTS pgcrypto", ""),
        ("CREATE TYPE public.c AS (a public.mood)", "type public.mood"),
        ("SET search_path = ''", ""),
        ("NOTIFY pgrst, 'reload schema'", ""),
        ("DO $$ BEGIN PERFORM public.f(); END $$", "function public.f"),
    ],
)
def test_a_statement_requires_what_it_refers_to(text: str, expected: str) -> None:
    """A dependency is found wherever SQL can name one, and none is found where there is none."""
    assert required(text) == words(expected)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE public.t ATTACH PARTITION public.p DEFAULT",
        "ALTER TABLE public.t REPLICA IDENTITY USING INDEX i",
        "ALTER TABLE public.t DISABLE TRIGGER ALL",
        "ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y",
        "ALTER ROLE ALL SET x = 1",
        "ALTER SYSTEM SET x = 1",
        "ALTER EXTENSION x SET SCHEMA extensions",
        "ALTER TYPE public.c ADD ATTRIBUTE a int",
        "ALTER POLICY p ON public.t RENAME TO q",
        "CREATE CAST (text AS public.mood) WITH FUNCTION public.f(text)",
        "CREATE CAST (text AS public.mood) WITHOUT FUNCTION",
        "CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = public.f)",
        "CREATE RULE r AS ON INSERT TO public.t DO INSTEAD INSERT INTO public.u VALUES (NEW.*)",
        "CREATE STATISTICS public.st ON a, b FROM public.t",
        "CREATE PUBLICATION p FOR TABLE public.t WHERE (a > 1)",
        "CREATE TEXT SEARCH CONFIGURATION public.c (COPY = simple)",
        "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION f(internal))",
        "CREATE TABLE public.t (v daterange, PRIMARY KEY (id, v WITHOUT OVERLAPS))",
        "CREATE TABLE a.b.c (id int)",
        "CREATE TABLE public.t OF public.c",
        "DROP CAST IF EXISTS (text AS public.mood)",
        "DROP OPERATOR public.+ (int, public.mood)",
        "DROP OWNED BY anon",
        "GRANT SET ON PARAMETER x TO anon",
        "GRANT ALL ON LARGE OBJECT 1 TO anon",
        "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO app",
        "MERGE INTO public.t USING public.u ON true WHEN MATCHED THEN DELETE",
        "PREPARE x AS SELECT * FROM public.t",
        "SELECT FROM XMLTABLE('/a' PASSING x COLUMNS b int), JSON_TABLE('1', '$' COLUMNS (a int))",
        "SELECT 'a.b.c.d'::regclass, '\"'::regclass, '.'::regtype, nextval(x), nextval()",
        "SECURITY LABEL ON TABLE public.t IS 'x'",
        "COPY (SELECT * FROM public.t) TO STDOUT",
    ],
)
def test_rare_statements_break_nothing(text: str) -> None:
    """A statement of any kind is read without a crash."""
    provided(text)
    required(text)


def test_a_requirement_points_at_its_first_mention() -> None:
    """The finding stands where the reference is written, behind accents too."""
    text = "-- é\nCREATE VIEW public.v AS\n  SELECT 'ü', 1 FROM public.t, public.t AS u;"
    source = Source("x.sql", text)
    (statement,) = parse(source).statements

    (mention,) = [m for m in requires(statement) if m.object.kind == "relation"]

    at = source.position(mention.offset)
    assert (at.line, at.column) == (3, 22)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("role anon", "role anon"),
        ("  role   anon ", "role anon"),
        ("relation public.T", "relation public.t"),
        ('relation public."tasks"', "relation public.tasks"),
        ('relation public."Odd t"', 'relation public."Odd t"'),
        ("column public.t.order", 'column public.t."order"'),
        ("key public.t (b,a)", "key public.t (a, b)"),
        ('key public.t ("B", a)', 'key public.t ("B", a)'),
        ('policy public.t."a b"', 'policy public.t."a b"'),
        ("function auth.jwt", "function auth.jwt"),
    ],
)
def test_an_object_is_one_however_it_is_written(text: str, expected: str) -> None:
    """Quotes, case and the order of a key's columns make no second object."""
    assert str(read_object(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "anon", "role", "role a.b", "role a b", "table public.t", "relation t"),
        *("column public.t", "column a.b.c.d", "key public.t", "key public.t ()"),
        *("key public.t (a", "relation public.t (a)", "function auth.jwt()", 'role "'),
        *("relation public.", "relation public..t", "relation 1a.b", "key public.t (a,)"),
    ],
)
def test_what_is_no_object_is_refused_with_an_example(text: str) -> None:
    """A slip in `provides` says what was expected."""
    with pytest.raises(ValueError, match=r"is not an? [a-z]+: write (it as in|a kind and)"):
        read_object(text)
