"""Ordered SQL fragments to one migration."""

import re
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schema_assemble.assemble import Part, assemble
from schema_assemble.guard import History, Needed
from schema_sql.declared import DeclaredSchema, Table
from schema_sql.names import SERIAL_TYPES
from schema_sql.objects import Object, read_object
from schema_sql.source import Source, SourceError
from schema_sql.statements import Statement, parse, shape, walk
from schema_targets.dependencies import read_dependencies
from schema_targets.labels import parse_label
from schema_targets.workspace import find_files, load

TABLE = """\
-- Why there is a table: über alles.
CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID NOT NULL DEFAULT gen_random_uuid(), -- a key
  /* of ( whom */
  app_code TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'NEW',
  parent_id UUID REFERENCES public.tasks (id),
  CONSTRAINT tasks_pkey PRIMARY KEY (id),
  CONSTRAINT tasks_status_check CHECK (status IN ('NEW', 'DONE')),
  CONSTRAINT tasks_app_code_fkey FOREIGN KEY (app_code) REFERENCES public.apps (code)
);

COMMENT ON TABLE public.tasks IS 'What is to be done.';
"""
INDEXES = """\
CREATE INDEX IF NOT EXISTS tasks_open_idx
  ON public.tasks (app_code, status DESC) -- newest first
  WHERE status <> 'DONE';
"""
APPS = "CREATE TABLE public.apps (code VARCHAR(20) UNIQUE, mood public.mood);"


def part(text: str, section: str = "tasks", path: str = "packages/db/tasks/x.sql") -> Part:
    """A fragment."""
    return Part(f"//db/{section}:x", section, parse(Source(path, text)))


def build(
    *texts: str,
    known: str = APPS,
    earlier: str = "",
    needed: tuple[Needed, ...] = (),
    history: History | None = None,
) -> str:
    """The migration of fragments that stand in one section."""
    parts = [part(text, path=f"p/{number}.sql") for number, text in enumerate(texts)]
    return assemble(
        "//db:m",
        "A title",
        parts,
        platform=[parse(Source("k.sql", known))],
        earlier=[parse(Source("s.sql", earlier))],
        needed=needed,
        history=history,
    )


def guard(text: str) -> Statement:
    """The guard of a migration."""
    (found,) = [s for s in parse(Source("m.sql", text)).statements if "problems" in s.text]
    return found


def references(text: str) -> list[Statement]:
    """The statements by which the guard makes its reference tables."""
    file = parse(Source("m.sql", guard(text).text))
    return [s for s in file.nested if s.kind in {"CreateStmt", "IndexStmt"}]


def normal(node: Any) -> Any:
    """A tree without what only one of a table and its reference table has: names, ONLY, …."""
    if isinstance(node, dict):
        ignored = {"if_not_exists", "schemaname", "conname", "idxname"}
        node = {k: normal(v) for k, v in node.items() if k not in ignored}
        if "relname" in node:
            node["relname"] = node["relname"].rpartition(".")[2]
            node["inh"] = True
        return node
    return [normal(item) for item in node] if isinstance(node, list) else node


def same_shape(reference: Statement, original: Statement) -> bool:
    """Whether a reference table or index declares what its original declares."""
    return bool(normal(shape(reference.node)) == normal(shape(original.node)))


def test_the_order_of_the_parts_is_the_order_of_the_text() -> None:
    """A reader meets header, guard, each fragment behind its marker, and what closes it."""
    text = build(TABLE, INDEXES)
    landmarks = [
        *("-- A title\n", "-- Built by `schema build //db:m`", "SET LOCAL lock_timeout"),
        *("pg_advisory_xact_lock", "DO $guard$", "ENABLE ROW LEVEL SECURITY"),
        *("-- tasks\n-- What is to be done.\n", "-- Source: p/0.sql\n", "-- Source: p/1.sql\n"),
        "DO $access$",
    ]

    places = [text.index(landmark) for landmark in landmarks]

    assert places == sorted(places)
    assert text.startswith("-- A title\n")
    assert text.endswith(";\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text


def test_fragments_survive_verbatim() -> None:
    """Comments, layout and spelling of a fragment are not touched."""
    text = build(TABLE, INDEXES)

    assert f"-- Source: p/0.sql\n{TABLE}" in text
    assert f"-- Source: p/1.sql\n{INDEXES}" in text


def test_no_transaction_is_begun_or_committed() -> None:
    """The Supabase CLI runs the file as one transaction, which a COMMIT would break."""
    kinds = {s.kind for s in parse(Source("m.sql", build(TABLE, INDEXES))).every_statement}

    assert not kinds & {"TransactionStmt", "LockStmt"}


def test_neighbours_share_a_banner_and_the_contents_give_its_line() -> None:
    """Everything about one table stands under one headline, which the contents lead to."""
    parts = [
        part("SELECT 1;", "a", "a/1.sql"),
        part("SELECT 2;", "a", "a/2.sql"),
        part("SELECT 3;", "b", "b/1.sql"),
    ]

    text = assemble("//db:m", "T", parts)

    lines = text.split("\n")
    contents = re.findall(r"^--  +(\d+)  (\w+)", text, re.MULTILINE)
    assert [title for _, title in contents] == ["Guard", "a", "b"]
    assert [lines[int(number) - 1] for number, _ in contents] == ["-- Guard", "-- a", "-- b"]


def test_nothing_but_the_arguments_is_in_the_text() -> None:
    """Built twice, the text is the same; no clock, user or path of the machine is in it."""
    assert build(TABLE, INDEXES) == build(TABLE, INDEXES)
    assert str(Path.cwd()) not in build(TABLE)


def test_a_migration_of_nothing_but_statements_has_no_guard() -> None:
    """Where there is nothing to compare and nothing to ask for, there is no guard."""
    text = build("SELECT 1;")

    assert "DO $" not in text
    assert "pg_advisory_xact_lock" in text


LONG = [f"'{'x' * number}'" for number in range(60)]


def originals(text: str) -> list[Statement]:
    """The tables and indexes of a fragment."""
    statements = parse(Source("x.sql", text)).statements
    return [s for s in statements if s.kind in {"CreateStmt", "IndexStmt"}]


@pytest.mark.parametrize(
    "text",
    [
        TABLE + INDEXES,
        "CREATE TABLE public.t ();",
        "CREATE TABLE t (a int, b int, CHECK (a - -1 > 0 AND a*-1<0 AND (a, b) IN ((1, 2))));",
        'CREATE TABLE t (a numeric(10,2)[], b text COLLATE "C", c timestamp(3) with time zone);',
        "CREATE TABLE t (a text DEFAULT 'x--y', b text DEFAULT '/* z */', c text DEFAULT 'it''s');",
        "CREATE TABLE t (a text DEFAULT E'a\\'b\\n', b text DEFAULT $x$it's $$ here$x$);",
        "CREATE TABLE t (a text DEFAULT U&'\\00e9', b text DEFAULT 'é€😀ü', \"d-é\" int);",
        "CREATE TABLE t (a text /* , ( */, -- ), b int\n b int/**/DEFAULT/**/1);",
        'CREATE TABLE t ("references" text, references_count int, "check" int, "(" int);',
        'CREATE TABLE t ("F" int CHECK ("F" > 0), UNIQUE ("F"));',
        "CREATE TABLE t (id uuid PRIMARY KEY REFERENCES storage.objects (id) ON DELETE CASCADE);",
        "CREATE TABLE t (a int REFERENCES data (id) ON UPDATE SET NULL, b int REFERENCES t);",
        'CREATE TABLE t (a int REFERENCES "Odd Name" ("order"), PRIMARY KEY (a));',
        "CREATE TABLE t (a int, EXCLUDE USING gist (a WITH =) WHERE (a > 0));",
        "CREATE TABLE t (a int) WITH (fillfactor = 70);",
        "CREATE TABLE t (a int, UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE INITIALLY DEFERRED);",
        "CREATE TABLE t (a text GENERATED ALWAYS AS (b || 'x') STORED, b text);",
        "CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY (START WITH 5));",
        'CREATE TABLE public."Odd (Name" (a int);',
        f"CREATE TABLE t (a text CHECK (a IN ({', '.join(LONG)})));",
        "CREATE TABLE t (a int); CREATE INDEX i ON t USING btree (lower(a::text) DESC NULLS LAST);",
        (
            "CREATE TABLE t (a int); CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a) INCLUDE (a)"
            " WHERE a > 0 AND 'ON x' <> 'IF NOT EXISTS';"
        ),
        "CREATE TABLE PUBLIC.T (ID int, p int REFERENCES T (Id)); CREATE INDEX I ON Public.T (ID);",
        'CREATE TABLE t (a int REFERENCES "a""B" (id)); CREATE INDEX i ON "public"."t" (a);',
        "CREATE TABLE data (a int); CREATE INDEX i ON data (a);",
        "CREATE TABLE t (a int); CREATE INDEX i ON ONLY public.t (a)",
    ],
)
def test_a_reference_table_declares_what_its_table_declares(text: str) -> None:
    """Each column, constraint and index is in the guard as the fragment has it."""
    wanted = originals(text)
    # Those of tables that are referenced stand before them.
    pairs = list(zip(references(build(text))[-len(wanted) :], wanted, strict=True))

    assert [found.text for found, original in pairs if not same_shape(found, original)] == []


def test_a_string_of_several_lines_is_the_same_in_the_reference_table() -> None:
    """A default that holds line ends is not changed by the guard's indentation."""
    text = "CREATE TABLE t (a text DEFAULT 'one\ntwo\n  three');"

    assert same_shape(references(build(text))[0], originals(text)[0])


def test_a_string_may_hold_the_marks_of_the_guard() -> None:
    """No text of a fragment can end the guard early."""
    text = "CREATE TABLE t (a text DEFAULT '$guard$');"

    assert same_shape(references(build(text))[0], originals(text)[0])


def test_a_string_may_hold_the_marks_of_a_template() -> None:
    """No text of a fragment is taken for a place to fill in."""
    text = "CREATE TABLE t (a text DEFAULT '/*references*/', b text DEFAULT '/*rows*/');"

    assert same_shape(references(build(text))[0], originals(text)[0])


def test_reference_tables_hold_no_comments() -> None:
    """The guard is not a second place for the reasons of a fragment."""
    for found in references(build(TABLE, INDEXES)):
        assert parse(Source("reference", found.text)).comments == ()


def test_reference_tables_refer_to_each_other_alone() -> None:
    """A temporary table can reference temporary tables only, so every name is of one."""
    text = build(
        TABLE,
        "CREATE TABLE storage (a text REFERENCES storage.objects (name),"
        " b uuid REFERENCES auth.users (id), c int REFERENCES storage);",
    )

    for found in references(text):
        names = [fields for kind, fields in walk(found.node) if kind == "RangeVar"]
        assert names
        assert {name["schemaname"] for name in names} == {"pg_temp"}


def test_a_referenced_table_has_its_keys_and_types_alone() -> None:
    """Of a table outside of the migration, no more is made than the referenced keys."""
    parent = references(build(TABLE))[0]

    assert parent.text == "CREATE TABLE pg_temp.apps (code VARCHAR(20), PRIMARY KEY (code))"


def test_each_reference_table_of_another_table_has_a_primary_key() -> None:
    """An event trigger that demands primary keys has nothing to refuse; each key is there once."""
    text = build(
        "CREATE TABLE t (a int REFERENCES public.users (b), c int REFERENCES public.users,"
        " d int REFERENCES public.users (id));",
        known="CREATE TABLE public.users (id int PRIMARY KEY, b int UNIQUE);",
    )

    assert "PRIMARY KEY (id), UNIQUE (b))" in references(text)[0].text


SHORT_AND_LONG = """
CREATE TABLE t (a int, b int CONSTRAINT mine CHECK (b > 0), CONSTRAINT t_pkey PRIMARY KEY (a),
  CONSTRAINT t_a_b_key UNIQUE (a, b), CONSTRAINT t_b_check CHECK (b < 9),
  CONSTRAINT t_b_key UNIQUE (b) INCLUDE (a), CONSTRAINT t_other_fkey FOREIGN KEY (b) REFERENCES t);
CREATE INDEX t_b_idx ON t (b); CREATE INDEX t_expr_idx ON t ((a + b)); CREATE INDEX i ON t (a, b);
"""


def test_a_name_is_left_out_only_where_postgresql_chooses_it() -> None:
    """A name that is not certainly the default is written, so that both sides have the same."""
    text = "".join(found.text for found in references(build(SHORT_AND_LONG)))

    named = set(re.findall(r"CONSTRAINT (\w+)|INDEX (\w+) ON", text))

    assert {first or second for first, second in named} == {
        *("mine", "t_b_check", "t_b_key", "t_other_fkey", "t_expr_idx", "i"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a text, CONSTRAINT t_b_check CHECK (b IN ('x', 'y')));",
        "CREATE TABLE t (a numeric(5));",
        "CREATE TABLE t (a text DEFAULT upper('x'));",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (b) WHERE (SELECT 1) = 1;",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE NOT (a IS NOT NULL);",
    ],
)
def test_words_that_are_not_known_are_not_predicted(text: str) -> None:
    """The build predicts nothing of what it is not sure of; then the guard always compares."""
    assert "expected CONSTANT TEXT := '';" in guard(build(text)).text


def test_nothing_that_the_guard_makes_outlives_it() -> None:
    """Reference tables are made in a block that can only end in an exception."""
    body = guard(build(TABLE, INDEXES)).text
    inner = body[body.index("    BEGIN\n") : body.index("    EXCEPTION WHEN SQLSTATE 'UNDO0'")]

    assert body.count("CREATE TABLE") == inner.count("CREATE TABLE") == 2
    assert inner.rstrip().endswith("RAISE SQLSTATE 'UNDO0';")


TASKS = "CREATE TABLE public.tasks (id int CONSTRAINT tasks_pk PRIMARY KEY, a int);"

CHANGES = [
    "ALTER TABLE public.tasks ADD COLUMN IF NOT EXISTS b int;",
    "CREATE INDEX IF NOT EXISTS i ON public.tasks (a);",
    "DROP POLICY IF EXISTS p ON public.tasks; CREATE POLICY p ON public.tasks USING (true);",
    "GRANT SELECT ON TABLE public.tasks TO anon;",
    "COMMENT ON COLUMN public.tasks.a IS 'A.';",
    "UPDATE public.tasks SET a = 1 WHERE a IS NULL;",
    "DO $$ BEGIN ALTER TABLE public.tasks DROP COLUMN IF EXISTS a; END $$;",
]


@pytest.mark.parametrize("text", CHANGES)
def test_a_migration_leaves_its_name_on_what_it_changes(text: str) -> None:
    """An earlier file, run again behind this one, finds the name and refuses."""
    built = build(text, earlier=TASKS, history=History("2_second", ("1_first",)))

    assert (
        "COMMENT ON CONSTRAINT tasks_pk ON public.tasks IS\n  'Last migration: 2_second';" in built
    )
    assert "mark <> ALL (ARRAY['1_first', '2_second'])" in guard(built).text


def test_a_migration_of_changes_promises_no_more_than_it_does() -> None:
    """Without tables of its own it locks, repairs and revokes nothing, and does not say so."""
    built = build(CHANGES[0], earlier=TASKS, history=History("2_second", ("1_first",)))

    assert not re.search("ACCESS EXCLUSIVE|undeclared", built)
    assert re.search(r"^--  +\d+  Mark: leaves the name", built, re.MULTILINE)


def test_a_migration_leaves_no_name_on_what_it_only_refers_to() -> None:
    """Neither a table that is referenced nor one of the platform is changed by it."""
    built = build(
        "CREATE TABLE public.notes (id int PRIMARY KEY, task int REFERENCES public.tasks);"
        "ALTER TABLE public.apps ADD COLUMN x int;",
        earlier=TASKS,
        history=History("2_second"),
    )

    assert re.findall(r"ON CONSTRAINT (\w+) ON (\S+)", built) == [("notes_pkey", "public.notes")]


NEEDED = [
    ("role anon", "unnest(ARRAY['anon'])"),
    ("schema auth", "has_schema_privilege(to_regnamespace('auth')"),
    ("function auth.jwt", "pronamespace = to_regnamespace('auth') AND proname = 'jwt'"),
    ("type public.mood", "typnamespace = to_regnamespace('public') AND typname = 'mood'"),
    ("relation public.apps", "relnamespace = to_regnamespace('public') AND relname = 'apps'"),
    ("index public.apps_idx", "relname = 'apps_idx'"),
    ('role "odd-role"', "unnest(ARRAY['\"odd-role\"'])"),
    ("key public.apps (b, a)", "ARRAY['a', 'b']"),
]


@pytest.mark.parametrize(("thing", "condition"), NEEDED)
def test_the_guard_asks_for_what_must_exist(thing: str, condition: str) -> None:
    """What the platform lacks is told with its remedy, quotes included, before anything runs."""
    text = build(TABLE, needed=(Needed(read_object(thing), "It's Supabase's."),))

    assert condition in " ".join(guard(text).text.split())
    assert "'It''s Supabase''s.'" in guard(text).text


def test_a_primary_key_is_asked_for_as_one() -> None:
    """REFERENCES without columns needs a primary key, whatever its columns are called."""
    needed = Needed(Object("key", "public.apps (primary key)"), "Apply the first one.")

    assert "indisprimary" in guard(build(TABLE, needed=(needed,))).text


def test_a_migration_without_tables_still_asks() -> None:
    """A later migration that only changes things has a guard for what it builds on."""
    needed = Needed(Object("relation", "public.tasks"), "Apply the first one.")

    text = build("ALTER TABLE public.tasks ADD COLUMN IF NOT EXISTS a int;", needed=(needed,))

    assert "relname = 'tasks'" in " ".join(guard(text).text.split())
    assert references(text) == []
    assert "DO $access$" not in text


def test_access_is_exactly_what_is_declared() -> None:
    """Policies and roles of the tables are listed, with their quotes."""
    text = build(
        TABLE,
        'CREATE POLICY "it\'s mine" ON public.tasks USING (true);'
        ' GRANT SELECT ON public.tasks TO anon, "odd-role", PUBLIC;',
    )
    access = text[text.index("DO $access$") : text.index("$access$;")]

    assert "'tasks.it''s mine'" in access
    listed = "'tasks|PUBLIC|SELECT', 'tasks|anon|SELECT', 'tasks|odd-role|SELECT'"
    assert listed in " ".join(access.split())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "-- é\nCREATE TABLE app.t (a int);",
            "p/0.sql:2:1: unguarded-table: the guard cannot compare app.t",
        ),
        (
            "CREATE TYPE public.m AS ENUM ('a');\nCREATE TABLE t (a int, b public.m);",
            (
                "p/0.sql:2:26: unguarded-table: the guard cannot compare public.t: this migration "
                "makes type public.m"
            ),
        ),
        (
            (
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS '';\n"
                "CREATE TABLE t (a int DEFAULT f());"
            ),
            (
                "p/0.sql:2:31: unguarded-table: the guard cannot compare public.t: this migration "
                "makes function public.f"
            ),
        ),
    ],
)
def test_a_table_that_cannot_be_guarded_is_refused(text: str, error: str) -> None:
    """What the guard could not compare is an error at its place, and not silently skipped."""
    with pytest.raises(SourceError) as caught:
        build(text)

    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t OF public.comp;",
        "CREATE TABLE t PARTITION OF public.u DEFAULT;",
        "CREATE TABLE t () INHERITS (public.u);",
        "CREATE TABLE t (a int) PARTITION BY RANGE (a);",
        "CREATE TABLE t (LIKE public.u);",
        "CREATE UNLOGGED TABLE t (a int);",
        "CREATE TEMP TABLE t (a int);",
        *(f"CREATE TABLE t (a {kind});" for kind in SERIAL_TYPES),
    ],
)
def test_a_table_that_has_no_reference_table_is_refused(text: str) -> None:
    """A partition, a copy or a temporary table is refused instead of left unguarded."""
    with pytest.raises(SourceError, match="the guard cannot compare"):
        build(text)


def test_a_fragment_without_its_last_semicolon_does_not_run_into_the_next() -> None:
    """Each fragment ends its own statements."""
    texts = ("SELECT 1", "SELECT 2 -- two", "SELECT 3")

    statements = parse(Source("m", build(*texts))).statements

    assert [s.text.partition(" --")[0] for s in statements[-3:]] == [
        "SELECT 1",
        "SELECT 2",
        "SELECT 3",
    ]


# ── The real packages ────────────────────────────────────────────────────────────────────────────


def real_tables() -> tuple[list[Part], dict[str, Table]]:
    """The fragments of our migration, and the tables that they declare."""
    workspace = load(find_files(Path(__file__).parents[2]))
    migration = workspace.targets[parse_label("//schema:phase1d_workflow_tables")]
    dependencies = read_dependencies(workspace)
    parts = [
        Part(str(t.label), t.label.package, dependencies.interfaces[t.label].sql)
        for t in workspace.shipped(migration)
    ]
    schema = DeclaredSchema(s for p in parts for s in p.sql.statements)
    return parts, {table.name.name: table for table in schema.tables.values()}


def test_the_committed_migration_guards_each_of_our_tables() -> None:
    """Every table and index of the real fragments has a reference that declares the same."""
    parts, tables = real_tables()
    root = Path(__file__).parents[2]
    (path,) = (root / "supabase/migrations").glob("*_phase1d_workflow_tables.sql")
    text = path.read_text(encoding="utf-8")
    wanted = [s for p in parts for s in p.sql.statements if s.kind in {"CreateStmt", "IndexStmt"}]

    found = references(text)

    for original in wanted:
        assert any(same_shape(reference, original) for reference in found), original.text
    assert sum(s.kind == "CreateStmt" for s in wanted) == len(tables) == 6
    for first, second in pairwise(parts):
        assert text.index(first.sql.source.text) < text.index(second.sql.source.text)
    assert textwrap.dedent(text) == text
