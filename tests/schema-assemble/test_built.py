"""What is in a built migration, and whose it is."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schema_assemble.assemble import Part, assemble
from schema_assemble.built import Built, build, read_built
from schema_assemble.guard import Needed
from schema_lint import lint
from schema_sql.objects import read_object
from schema_sql.source import Finding, Source, SourceError
from schema_sql.statements import parse

TABLE = """\
-- Tasks.
CREATE TABLE IF NOT EXISTS public.tasks (
  id UUID NOT NULL,
  CONSTRAINT tasks_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE public.tasks IS 'One row a task.';
"""
ACCESS = "GRANT SELECT ON TABLE public.tasks TO anon;\n"


def part(sql: str, name: str = "table") -> Part:
    """A fragment of the package `tasks`."""
    return Part(f"//tasks:{name}", "tasks", parse(Source(f"tasks/{name}.sql", sql)))


def built(title: str = "Tasks", remedy: str = "Make it.", *parts: Part) -> Built:
    """A migration that needs a role."""
    needed = [Needed(read_object("role anon"), remedy)]
    shipped = parts or (part(TABLE), part(ACCESS, "access"))
    return build("out/1_m.sql", "//tasks:m", title, shipped, needed=needed)


def test_every_statement_is_a_fragments_or_the_builds_own() -> None:
    """The fragments' statements stand in order, and each knows where it was written."""
    found = built()

    ours = [
        (origin.source.path, origin.position().line, statement.kind)
        for statement, origin in zip(found.sql.statements, found.origins, strict=True)
        if origin is not None
    ]
    assert ours == [
        ("tasks/table.sql", 2, "CreateStmt"),
        ("tasks/table.sql", 7, "CommentStmt"),
        ("tasks/access.sql", 1, "GrantStmt"),
    ]
    assert len(found.sql.statements) > len(ours)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize(
    "injected",
    [
        "GRANT ALL ON public.tasks TO anon;",
        "GRANT SELECT ON TABLE public.tasks TO anon;",  # As a fragment has it.
        "DO $$ BEGIN DROP TABLE public.tasks; END $$;",
        "SET LOCAL lock_timeout = '0';",
        "/* ",
    ],
)
def test_a_title_cannot_become_sql(end: str, injected: str) -> None:
    """A line end ends the comment that holds the title: nothing behind it is built."""
    with pytest.raises(SourceError):
        built(f"x{end}{injected} --")


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_PRINTABLE = _TEXTS.filter(lambda text: text.isprintable() and "\\" not in text)


@settings(max_examples=25, deadline=None, database=None)
@given(title=_PRINTABLE, remedy=_PRINTABLE)
@example(title="*/ -- $$ $guard$ %s 'x' \"y\"; GRANT", remedy="'); END $guard$; GRANT ALL; --")
@example(title="/*", remedy="$existing$ || '' /*tables*/ %I")
def test_what_prints_is_only_text(title: str, remedy: str) -> None:
    """Whatever a BUILD file may say, the migration has the same statements, and says it."""
    kinds = [statement.kind for statement in built().sql.statements]

    assert [statement.kind for statement in built(title, remedy).sql.statements] == kinds


@settings(max_examples=25, deadline=None, database=None)
@given(title=_TEXTS, remedy=_TEXTS)
@example(title="x\rSELECT 1;", remedy="x")
@example(title="x", remedy="\0")
def test_what_does_not_print_is_text_or_refused(title: str, remedy: str) -> None:
    """Also where a text comes by another way than a BUILD file, no statement is added by it."""
    kinds = [statement.kind for statement in built().sql.statements]
    try:
        found = built(title, remedy)
    except SourceError:
        return

    assert [statement.kind for statement in found.sql.statements] == kinds


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("TO anon", "TO public", "tasks/access.sql:1:1"),
        ("GRANT SELECT", "-- GRANT SELECT", "tasks/access.sql:1:1"),
        ("CREATE TABLE IF NOT", "CREATE TABLE /* IF */ IF NOT", "tasks/table.sql:2:1"),
        (
            "COMMENT ON TABLE",
            "GRANT SELECT ON a TO b; COMMENT ON /* */ TABLE",
            "tasks/table.sql:7:1",
        ),
    ],
)
def test_a_fragments_statement_that_is_lost_is_told(old: str, new: str, place: str) -> None:
    """Whatever the assembler does, each statement of each fragment is there as it is written."""
    parts = [part(TABLE), part(ACCESS, "access")]
    text = assemble("//tasks:m", "Tasks", parts)

    assert read_built("out/1_m.sql", text, parts).text == text
    with pytest.raises(SourceError) as caught:
        read_built("out/1_m.sql", text.replace(old, new), parts)
    assert str(caught.value).startswith(f"{place}: changed-statement: in out/1_m.sql this is not")


@pytest.mark.parametrize("end", [r"\r", r"\n", r"\r\n", r"\u2028"])
def test_a_comment_on_a_table_cannot_become_sql(end: str) -> None:
    """What a string of a fragment says may stand in a comment of the build, and ends none."""
    sql = TABLE.replace("'One row a task.'", f"E'a{end}GRANT ALL ON t TO anon;'")

    found = built("T", "R", part(sql), part(ACCESS, "access"))

    assert len(found.sql.statements) == len(built().sql.statements)


def test_equal_remedies_stay_equal_and_others_other() -> None:
    """A build may say a remedy once for all that it is for: no text is taken for another."""
    roles = [
        Needed(read_object(f"role {n}"), r) for n, r in [("a", "x!"), ("b", "x?"), ("c", "x!")]
    ]

    assert build("o/1_m.sql", "//tasks:m", "It's!", [part(TABLE)], needed=roles)


@pytest.mark.parametrize(
    ("added", "rule"),
    [("GRANT ALL ON t TO anon;", "foreign-statement"), ("-- x\rSELECT 1;", "text-as-sql")],
)
def test_an_assembler_that_adds_a_definition_is_stopped(
    monkeypatch: pytest.MonkeyPatch, added: str, rule: str
) -> None:
    """What is in no fragment is not shipped, whoever puts it in."""
    monkeypatch.setattr(
        "schema_assemble.built.assemble", lambda *a, **k: f"{assemble(*a, **k)}{added}\n"
    )

    with pytest.raises(SourceError) as caught:
        built()
    assert caught.value.finding.rule == rule


def test_a_setting_of_a_fragment_is_not_taken_for_the_builds() -> None:
    """What a fragment says as the build does is traced to where the fragment says it."""
    own = built().sql.statements[0].text
    found = built("T", "R", part(f"{own};\n{TABLE}"))

    assert found.origins[0] is None
    assert found.shipped.statements[0].kind == found.sql.statements[0].kind


def test_the_builds_own_statements_are_not_judged() -> None:
    """No rule reads the guard: its temporary tables and blocks are what they must be."""
    shipped = built().shipped

    assert [statement.kind for statement in shipped.every_statement] == [
        "CreateStmt",
        "CommentStmt",
        "GrantStmt",
    ]
    assert shipped.opaque == ()
    assert {finding.path for finding in lint([shipped])} == {"out/1_m.sql"}


def test_a_block_of_a_fragment_is_judged() -> None:
    """What a fragment's DO block runs, or hides, is the fragment's."""
    block = "DO $$\nBEGIN\n  GRANT ALL ON public.tasks TO anon;\n  EXECUTE x;\nEND $$;\n"

    shipped = built("T", "R", part(TABLE), part(block, "block")).shipped

    assert [statement.kind for statement in shipped.nested] == ["GrantStmt"]
    assert len(shipped.opaque) == 1


def test_a_finding_is_traced_to_its_fragment() -> None:
    """Line by line, and by column where a fragment's first line is indented."""
    found = built("T", "R", part(TABLE), part("  " + ACCESS + "\n\n-- x\nSELECT\n  1;", "access"))

    def origin(text: str) -> tuple[str, int, int] | None:
        at = found.sql.source.position(found.sql.source.data.index(text.encode()))
        traced = found.origin(Finding("out/1_m.sql", at.line, at.column, "rule", "fact", "help"))
        return (traced.path, traced.line, traced.column) if traced else None

    assert origin("CONSTRAINT tasks_pkey PRIMARY KEY (id)\n);\n\nCOM") == ("tasks/table.sql", 4, 3)
    assert origin("GRANT SELECT ON") == ("tasks/access.sql", 1, 3)
    assert origin("TO anon;") == ("tasks/access.sql", 1, 38)
    assert origin("1;") == ("tasks/access.sql", 6, 3)
    assert origin("-- x") == ("tasks/access.sql", 4, 1)
    assert origin("-- Tasks.") == ("tasks/table.sql", 1, 1)
    assert origin("SET LOCAL") is None
    assert found.fragments == ["tasks/table.sql", "tasks/access.sql"]
