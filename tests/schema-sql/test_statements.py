"""SQL text to statements."""

import pytest

from schema_sql.names import Name, quote
from schema_sql.source import Source, SourceError
from schema_sql.statements import SqlFile, expression, parse, walk


def read(text: str) -> SqlFile:
    """Parse a text."""
    return parse(Source("x.sql", text))


@pytest.mark.parametrize("text", ["", " \n\t", "-- only a comment", "/* one */ -- two\n", ";;"])
def test_a_text_without_statements_is_fine(text: str) -> None:
    """A file that is empty so far is no error."""
    assert read(text).statements == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 'é', FROM x", 'x.sql:1:13: syntax: syntax error at or near "FROM"'),
        ("SELECT 1;\nSELEC 2;", 'x.sql:2:1: syntax: syntax error at or near "SELEC"'),
        ("SELECT 'abc", "x.sql:1:8: syntax: unterminated quoted string"),
        ("SELECT 1 /* abc", "x.sql:1:10: syntax: unterminated /* comment"),
        ("SELECT $a$b", "x.sql:1:8: syntax: unterminated dollar-quoted string"),
        ('SELECT "', "x.sql:1:8: syntax: unterminated quoted identifier"),
        ("\\i other.sql\n", 'x.sql:1:1: syntax: syntax error at or near "\\"'),
        ("CREATE TABLE é (\n  ñ int,,\n)", 'x.sql:2:9: syntax: syntax error at or near ","'),
        ("SELECT 1 +", "x.sql:1:11: syntax: syntax error at end of input"),
    ],
)
def test_a_syntax_error_names_its_place_and_shows_the_line(text: str, message: str) -> None:
    """Broken SQL is one error with line, column and a caret, also behind accents."""
    with pytest.raises(SourceError) as caught:
        read(text)

    first, line, caret = str(caught.value).splitlines()
    assert first.startswith(message)
    assert line.removeprefix("    ") in text.split("\n")
    assert caret.strip() == "^"


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT {'(' * 30_000}1{')' * 30_000}",
        f"SELECT 1{'+1' * 300_000}",
        f"SELECT {'NOT ' * 30_000}a",
        f"SELECT * FROM {'(SELECT * FROM ' * 2_000}t{') x' * 2_000}",
        f"SELECT 1{' UNION ALL SELECT 1' * 300_000}",
    ],
    ids=["brackets", "operators", "not", "subqueries", "union"],
)
def test_sql_too_deep_to_read_is_one_error(text: str) -> None:
    """Beyond what PostgreSQL's own parser takes there is one error at the statement, no crash."""
    with pytest.raises(SourceError) as caught:
        read(f"SELECT 0;\n{text};")

    finding = caught.value.finding
    assert (finding.line, finding.rule) == (2, "syntax")
    assert finding.message == "nested too deeply: PostgreSQL's own parser gives up here"
    assert finding.help


def test_a_statement_spans_its_first_to_its_last_token() -> None:
    """Comments and semicolons around a statement are no part of it; those inside are."""
    text = "-- é\n/* b */ SELECT 1 -- in\n + 2 ; -- tail\n\nSELECT 'ü' -- end\n/* last */"

    first, second = read(text).statements

    assert first.text == "SELECT 1 -- in\n + 2"
    assert second.text == "SELECT 'ü'"
    assert (first.position().line, first.position().column) == (2, 9)
    assert second.position().line == 5


def test_comments_keep_their_text_and_line() -> None:
    """Suppressions are found where they were written, but not inside of strings."""
    file = read("-- é 1\nSELECT '-- no', $$/* no */$$; /* two\nlines */ -- 3")

    assert [(c.line, c.text) for c in file.comments] == [
        (1, "-- é 1"),
        (2, "/* two\nlines */"),
        (3, "-- 3"),
    ]
    assert [file.source.data[c.offset :][:2] for c in file.comments] == [b"--", b"/*", b"--"]


BODY = """\
-- é
DO $outer$
DECLARE
  x INT := (SELECT count(*) FROM public.declared);
  c CURSOR FOR SELECT * FROM public.of_cursor;
BEGIN
  CREATE TABLE public.plain (ñ INT);
  IF EXISTS (SELECT FROM public.asked) THEN
    CREATE TABLE public.in_if ();
  ELSIF x = 1 THEN
    CREATE TABLE public.in_elsif ();
  ELSE
    CREATE TABLE public.in_else ();
  END IF;
  FOR r IN SELECT * FROM public.looped LOOP
    PERFORM public.performed(r.id);
  END LOOP;
  x := (SELECT max(id) FROM public.assigned);
  SELECT id INTO x FROM public.into_variable;
  EXECUTE 'CREATE INDEX i ON public.executed (id)';
  EXECUTE $q$ CREATE TABLE public.quoted (a TEXT DEFAULT $s$x$s$) $q$;
  DO $inner$ BEGIN CREATE TABLE public.inner_do (); END $inner$;
  BEGIN
    CREATE TYPE public.tried AS ENUM ('a');
  EXCEPTION WHEN duplicate_object THEN
    ALTER TYPE public.handled ADD VALUE 'b';
  END;
  RAISE NOTICE '%', (SELECT 1 FROM public.raised);
END
$outer$;
""".replace("FOR r IN", "FOR x IN")


@pytest.mark.parametrize(
    ("name", "conditional"),
    [
        ("public.declared", False),
        ("public.of_cursor", False),
        ("public.plain", False),
        ("public.asked", True),
        ("public.in_if", True),
        ("public.in_elsif", True),
        ("public.in_else", True),
        ("public.looped", True),
        ("public.performed", True),
        ("public.assigned", False),
        ("public.executed", False),
        ("public.quoted", False),
        ("public.inner_do", False),
        ("public.tried", True),
        ("public.handled", True),
        ("public.raised", False),
    ],
)
def test_a_body_hides_nothing_that_stands_in_it(name: str, conditional: bool) -> None:
    """What a DO block runs is read as if it stood outside, at its own place."""
    file = read(BODY)

    (found,) = [s for s in file.nested if s.kind != "DoStmt" and name in s.text]

    assert found.in_body
    assert found.conditional is conditional
    assert found.position().line == BODY[: BODY.index(name)].count("\n") + 1


def test_a_variable_of_a_query_does_not_hide_its_table() -> None:
    """SELECT … INTO variable is not the grammar's; its tables are found nevertheless."""
    names = {
        fields["relname"]
        for statement in read(BODY).nested
        for kind, fields in walk(statement.node)
        if kind == "RangeVar"
    }

    assert "into_variable" in names


def test_positions_inside_of_a_body_are_those_of_the_file() -> None:
    """A finding about a column inside a body points at that column."""
    file = read(BODY)
    (table,) = [s for s in file.nested if "public.plain" in s.text]
    column = next(node for kind, node in walk(table.node) if kind == "ColumnDef")

    assert BODY.encode()[table.offset(column) :].startswith("ñ INT".encode())


def test_statements_come_in_the_order_of_the_text() -> None:
    """Rules see statements as the reader does, whatever the parser's order."""
    starts = [statement.start for statement in read(BODY).nested]

    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DO $$ BEGIN EXECUTE 'DROP TABLE ' || x; END $$", "put together at run time"),
        ("DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'x'); END $$", "put together at run time"),
        ("DO $$ BEGIN EXECUTE 'not sql'; END $$", "syntax error"),
        ("DO $$ BEGIN FOR i IN EXECUTE 'x' LOOP END LOOP; END $$", "its body: "),
        ("DO 'BEGIN CREATE TABLE t (a text DEFAULT ''x''); END'", "quoted string with escapes"),
        ("DO $$ SELECT 1 $$ LANGUAGE sql", "the language is sql"),
        ("DO $$ plain nonsense $$", "its body: syntax error"),
        ("DO $$$$", "its body: syntax error"),
        (f"DO $$ BEGIN EXECUTE 'a'{'||1' * 3000}; END $$", "put together at run time"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, reason: str) -> None:
    """SQL that is hidden in a body is told as hidden, and never taken for harmless."""
    file = read(text)

    assert reason in " ".join(place.reason for place in file.opaque)


def test_a_parse_tree_walk_names_what_the_grammar_leaves_out() -> None:
    """Tables, roles and types are found where their field fixes their kind."""
    file = read("ALTER TABLE public.t OWNER TO anon; SELECT 1::public.mood FROM a")

    kinds = {kind for statement in file.statements for kind, _ in walk(statement.node)}

    assert {"RangeVar", "RoleSpec", "TypeName"} <= kinds


@pytest.mark.parametrize("name", ["a", "a_1", "_x", "a$"])
def test_a_plain_name_is_not_quoted(name: str) -> None:
    """Names read as people write them."""
    assert quote(name) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("A", '"A"'),
        ("a b", '"a b"'),
        ('a"b', '"a""b"'),
        ("é", '"é"'),
        ("1a", '"1a"'),
        ("", '""'),
        ("order", '"order"'),
        ("user", '"user"'),
        ("values", '"values"'),
    ],
)
def test_a_name_is_quoted_where_sql_needs_it(name: str, written: str) -> None:
    """What we write can be pasted into SQL: it names the same thing there."""
    assert quote(name) == written
    file = read(f"SELECT * FROM public.{quote(name)}") if name else None
    if file:
        assert str(Name("public", name)) in file.statements[0].text


def test_expressions_that_mean_the_same_have_one_shape() -> None:
    """White space, comments and case of keywords make no difference."""
    assert expression("a =  b AND c /* x */") == expression("a=b and c")
    assert expression("a = b") != expression("b = a")
