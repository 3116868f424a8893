"""Statements to the schema they declare."""

from pathlib import Path

import pytest

from schema_sql.declared import DeclaredSchema, Table
from schema_sql.names import SERIAL_TYPES, Name
from schema_sql.objects import provides, requires
from schema_sql.source import Source, read_source
from schema_sql.statements import parse

BASE = "CREATE TABLE public.t (id int PRIMARY KEY, a text NOT NULL, b varchar(20)[] DEFAULT '{}');"


def declare(text: str) -> DeclaredSchema:
    """The schema that a text declares."""
    return DeclaredSchema(parse(Source("x.sql", text)).statements)


def table(text: str) -> Table:
    """The table public.t, changed by a text."""
    found = declare(BASE + text).table(Name("", "t"))
    assert found is not None
    return found


def test_columns_have_their_types_and_nullability() -> None:
    """A column is what PostgreSQL would make of it: keys and identities are NOT NULL."""
    found = table("ALTER TABLE t ADD n bigint GENERATED ALWAYS AS IDENTITY, ADD s serial")

    assert {c.name: (c.type, c.not_null) for c in found.columns.values()} == {
        "id": ("int4", True),
        "a": ("text", True),
        "b": ("varchar(20)[]", False),
        "n": ("int8", True),
        "s": ("serial", True),
    }


@pytest.mark.parametrize("word", [*SERIAL_TYPES, '"serial"', "SERIAL8"])
def test_every_serial_type_makes_a_sequence_and_not_null(word: str) -> None:
    """PostgreSQL knows each by two names, quoted or not."""
    (statement,) = parse(Source("x.sql", f"CREATE TABLE public.x (id {word})")).statements
    found = DeclaredSchema([statement]).tables[Name("public", "x")]

    assert found.columns["id"].not_null
    assert "relation public.x_id_seq" in {str(m.object) for m in provides(statement)}
    assert not [m.object for m in requires(statement) if m.object.kind == "type"]


@pytest.mark.parametrize("word", ["pg_catalog.serial", "public.serial4", '"Serial"', "serial5"])
def test_what_only_looks_like_a_serial_type_is_none(word: str) -> None:
    """With a schema, or in another case, PostgreSQL looks for a type of that name."""
    (statement,) = parse(Source("x.sql", f"CREATE TABLE public.x (id {word})")).statements

    assert not DeclaredSchema([statement]).tables[Name("public", "x")].columns["id"].not_null
    assert "relation public.x_id_seq" not in {str(m.object) for m in provides(statement)}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", "id a b"),
        ("ALTER TABLE t ADD c int, DROP COLUMN a", "id b c"),
        ("CREATE TABLE IF NOT EXISTS t (other int)", "id a b"),
        ("ALTER TABLE app.t DROP COLUMN a", "id a b"),
    ],
)
def test_columns_come_and_go(text: str, columns: str) -> None:
    """The first CREATE TABLE stands; later statements change it as PostgreSQL would."""
    assert list(table(text).columns) == columns.split()


def test_a_dropped_column_takes_its_keys_and_indexes_along() -> None:
    """A key of a column that is gone guards nothing any more."""
    found = table(
        "ALTER TABLE t ADD UNIQUE (a, id), ADD FOREIGN KEY (a) REFERENCES u;"
        "CREATE INDEX i ON t (a); CREATE INDEX j ON t (id) INCLUDE (a); CREATE INDEX k ON t (b);"
        "ALTER TABLE t DROP COLUMN a"
    )

    assert [key.columns for key in found.keys] == [("id",)]
    assert found.foreign_keys == []
    assert [index.name for index in found.indexes] == ["k"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ALTER TABLE t ADD UNIQUE (a, b)", [("id",), ("a", "b")]),
        ("ALTER TABLE t ADD UNIQUE (a) DEFERRABLE", [("id",)]),
        ("ALTER TABLE t ADD c int UNIQUE DEFERRABLE", [("id",)]),
        ("CREATE UNIQUE INDEX i ON t (a)", [("id",), ("a",)]),
        ("CREATE UNIQUE INDEX i ON t (a) WHERE b IS NULL", [("id",)]),
        ("CREATE UNIQUE INDEX i ON t (lower(a))", [("id",)]),
        (
            "CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i",
            [("id",), ("a",)],
        ),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE (a), DROP CONSTRAINT k", [("id",)]),
        ("CREATE UNIQUE INDEX i ON t (a); DROP INDEX public.i", [("id",)]),
    ],
)
def test_a_foreign_key_can_refer_to_immediate_whole_keys(
    text: str, keys: list[tuple[str, ...]]
) -> None:
    """Partial, deferrable and expression keys are no targets of foreign keys."""
    assert [key.columns for key in table(text).unique_keys()] == keys


@pytest.mark.parametrize(
    ("text", "privileges"),
    [
        ("GRANT SELECT, INSERT ON t TO anon", "SELECT INSERT"),
        ("GRANT ALL ON t TO anon; REVOKE ALL ON public.t FROM anon", ""),
        ("GRANT SELECT, UPDATE ON t TO anon; REVOKE UPDATE ON t FROM anon", "SELECT"),
        ("GRANT UPDATE (a) ON t TO anon; REVOKE UPDATE ON t FROM anon", ""),
        ("GRANT SELECT ON t TO anon; REVOKE GRANT OPTION FOR SELECT ON t FROM anon", "SELECT"),
        ("GRANT SELECT ON t TO anon; REVOKE SELECT ON app.t FROM anon", "SELECT"),
        ("GRANT SELECT ON t TO anon; REVOKE SELECT ON t FROM PUBLIC", "SELECT"),
    ],
)
def test_privileges_are_what_grants_and_revokes_leave(text: str, privileges: str) -> None:
    """The acl is the one that a database would show after the statements."""
    assert table(text).acl["anon"] == set(privileges.split())


def test_policies_are_replaced_and_dropped() -> None:
    """Only the policies that are left at the end count."""
    found = table(
        "CREATE POLICY p ON t USING (true); DROP POLICY IF EXISTS p ON public.t;"
        'CREATE POLICY "q r" ON t AS RESTRICTIVE FOR UPDATE TO anon, PUBLIC WITH CHECK (false)'
    )

    (policy,) = found.policies.values()
    assert (policy.name, policy.command, policy.permissive) == ("q r", "UPDATE", False)
    assert policy.roles == ("anon", "PUBLIC")
    assert policy.using is None
    assert policy.check is not None


def test_comments_row_security_and_drops() -> None:
    """Comments are kept by table and column; a dropped table is gone."""
    found = table(
        "COMMENT ON TABLE t IS 'it''s'; COMMENT ON COLUMN public.t.a IS 'x';"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    )
    assert (found.comment, found.column_comments) == ("it's", {"a": "x"})
    assert found.row_security is not None
    assert declare(f"{BASE} DROP TABLE IF EXISTS public.t CASCADE").tables == {}


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE public.missing ADD a int",
        "CREATE INDEX ON public.missing (a)",
        "GRANT SELECT ON public.missing TO anon",
        "COMMENT ON COLUMN public.missing.a IS 'x'",
        "CREATE POLICY p ON public.missing USING (true)",
        "ALTER TABLE t ALTER COLUMN missing SET NOT NULL, DROP CONSTRAINT missing",
        "ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 9",
        "CREATE TABLE p PARTITION OF t DEFAULT",
        "DROP FUNCTION f(int), g; DROP TYPE a",
    ],
)
def test_what_concerns_no_known_table_changes_nothing(text: str) -> None:
    """Statements about other things are passed over without a crash."""
    before, after = declare(BASE), declare(f"{BASE} {text}")

    assert list(after.tables) == list(before.tables)
    assert list(after.tables[Name("public", "t")].columns) == ["id", "a", "b"]


def test_the_real_fragments_declare_six_protected_tables() -> None:
    """Our own fragments are read whole: tables with keys, policies and privileges."""
    root = Path(__file__).parents[2]
    paths = sorted((root / "packages/schema").glob("*/*.sql"), key=lambda p: p.name != "table.sql")
    files = [parse(read_source(p, str(p))) for p in paths if p.parent.name != "platform"]

    schema = DeclaredSchema(statement for file in files for statement in file.statements)

    assert len(schema.tables) == 6
    for found in schema.tables.values():
        assert found.primary_key is not None
        assert found.row_security is not None
        assert "app_isolation" in found.policies
        assert "anon" not in {role for role, held in found.acl.items() if held}
        assert found.comment
