"""Policies and keys that look right and are not, and the other way round."""

from __future__ import annotations

import pytest

from schema_lint import lint
from schema_lint.logic import truth
from schema_lint.tenancy import is_claim, read_claim
from schema_sql.names import SERIAL_TYPES
from schema_sql.source import Source
from schema_sql.statements import expression, parse

CLAIM = "((SELECT auth.jwt()) ->> 'app_code')"
TABLE = """CREATE TABLE IF NOT EXISTS public.t (
  id UUID NOT NULL DEFAULT gen_random_uuid(), app_code TEXT NOT NULL, status TEXT NOT NULL,
  CONSTRAINT t_pkey PRIMARY KEY (id)
);
"""
POLICY_RULES = {
    *("policy-isolates-tenant", "policy-tautology", "policy-claim-spelling"),
    *("no-null-comparison", "shared-rows-read-only", "qualify-names", "no-user-metadata"),
}


def policy_findings(using: str, *, restrictive: bool = False) -> set[str]:
    """The rules that object to a policy's USING."""
    kind = "RESTRICTIVE" if restrictive else "PERMISSIVE"
    text = (
        f"{TABLE}CREATE POLICY a ON public.t AS {kind} FOR SELECT TO authenticated\n"
        f"  USING ({using});\n"
    )
    return {f.rule for f in lint([parse(Source("a.sql", text))])} & POLICY_RULES


@pytest.mark.parametrize(
    "using",
    [
        f"app_code = {CLAIM}",
        f"{CLAIM} = app_code",
        f"t.app_code = {CLAIM}",
        f"public.t.app_code = {CLAIM}",
        f"app_code = {CLAIM} AND status <> 'HIDDEN'",
        f"(app_code = {CLAIM} OR status = 'OPEN') AND app_code = {CLAIM}",
        f"(app_code = {CLAIM} AND status = 'A') OR (app_code = {CLAIM} AND status = 'B')",
        f"app_code = {CLAIM} OR false",
        "(app_code = (( SELECT auth.jwt() AS jwt) ->> 'app_code'::text))",
        "false",
    ],
)
def test_a_policy_that_keeps_tenants_apart_passes(using: str) -> None:
    """However it is put, as long as each branch demands the claim."""
    assert policy_findings(using) == set()


@pytest.mark.parametrize(
    ("using", "rule"),
    [
        (f"app_code = {CLAIM} OR status = 'OPEN'", "policy-isolates-tenant"),
        (f"app_code = {CLAIM} OR {CLAIM} IS NULL", "policy-isolates-tenant"),
        (f"NOT (app_code <> {CLAIM})", "policy-isolates-tenant"),
        (f"app_code IS NOT DISTINCT FROM {CLAIM}", "policy-isolates-tenant"),
        (f"coalesce(app_code = {CLAIM}, true)", "policy-isolates-tenant"),
        (f"app_code = coalesce({CLAIM}, app_code)", "policy-isolates-tenant"),
        (f"(app_code = {CLAIM}) IS NOT FALSE", "policy-isolates-tenant"),
        (f"lower(app_code) = {CLAIM}", "policy-isolates-tenant"),
        (f"app_code LIKE {CLAIM}", "policy-isolates-tenant"),
        (f"app_code OPERATOR(public.=) {CLAIM}", "policy-isolates-tenant"),
        (f"status = {CLAIM}", "policy-isolates-tenant"),
        (f"u.app_code = {CLAIM}", "policy-isolates-tenant"),
        (f"EXISTS (SELECT 1 FROM public.u WHERE app_code = {CLAIM})", "policy-isolates-tenant"),
        (
            f"CASE WHEN status = 'OPEN' THEN true ELSE app_code = {CLAIM} END",
            "policy-isolates-tenant",
        ),
        ("public.is_member(app_code)", "policy-isolates-tenant"),
        ("app_code = ((SELECT public.jwt()) ->> 'app_code')", "policy-isolates-tenant"),
        ("app_code = ((SELECT auth.jwt()) ->> 'app_id')", "policy-isolates-tenant"),
        (
            "app_code = ((SELECT auth.jwt()) -> 'app_metadata' ->> 'app_code')",
            "policy-isolates-tenant",
        ),
        ("app_code = ((SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code')", "no-user-metadata"),
        ("app_code = ((SELECT jwt()) ->> 'app_code')", "qualify-names"),
        ("app_code = ((SELECT auth.jwt()) -> 'app_code')", "policy-claim-spelling"),
        ("app_code = auth.jwt() ->> 'app_code'", "policy-claim-spelling"),
        ("app_code = (SELECT auth.jwt() ->> 'app_code')", "policy-claim-spelling"),
        (f"app_code = {CLAIM} OR app_code = NULL", "no-null-comparison"),
        (f"app_code = {CLAIM} OR id = id", "policy-tautology"),
        (f"app_code = {CLAIM} OR id IS NOT NULL", "policy-tautology"),
        (f"app_code = {CLAIM} OR status IN (status)", "policy-tautology"),
        (f"app_code = {CLAIM} OR EXISTS (SELECT 1 FROM public.u)", "policy-tautology"),
        (f"app_code = {CLAIM} OR NOT (app_code <> app_code)", "policy-tautology"),
        (f"app_code = {CLAIM} OR 'x' = 'x'", "policy-tautology"),
        (f"(app_code = {CLAIM}) OR NOT (app_code = {CLAIM})", "policy-tautology"),
    ],
)
def test_a_policy_that_looks_right_and_is_not_is_found(using: str, rule: str) -> None:
    """By the rule that says what is wrong with it."""
    assert rule in policy_findings(using)


def test_a_restrictive_policy_need_not_name_the_tenant() -> None:
    """It only takes away from what permissive policies give."""
    assert policy_findings("status = 'OPEN'", restrictive=True) == set()
    assert policy_findings("true", restrictive=True) == {"policy-tautology"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("NOT false", True),
        ("NULL::boolean", None),
        ("a = a", True),
        ("a = b", None),
        ("a <> a", False),
        ("1 > 2", False),
        ("'1' = 1", None),
        ("a = a AND b", None),
        ("a = a AND NOT false", True),
        ("b AND false", False),
        ("b OR true", True),
        ("b OR NOT b", True),
        ("b IS NULL OR b IS NOT NULL", True),
        ("kept IS NOT NULL", True),
        ("kept IS NULL", False),
        ("a IS NOT NULL", None),
        ("coalesce(a = a, false)", True),
        ("coalesce(b, true)", None),
        ("EXISTS (SELECT 1)", True),
        ("EXISTS (SELECT 1 FROM f WHERE f.code = code)", True),
        ("EXISTS (SELECT 1 FROM f AS g WHERE code = g.code AND 1 = 1)", True),
        ("EXISTS (SELECT 1 FROM f WHERE f.code = t.code)", None),
        ("EXISTS (SELECT 1 FROM f, g WHERE f.code = code)", None),
        ("CASE WHEN b THEN true ELSE true END", True),
        ("CASE WHEN b THEN true END", None),
        ("'t'::boolean", True),
        ("'off' = 'on'", False),
    ],
)
def test_truth_is_claimed_only_where_it_is_sure(text: str, value: bool | None) -> None:
    """True and false for every row; None for whatever depends on the row."""
    assert truth(expression(text), {"kept"}) is value


@pytest.mark.parametrize(
    ("text", "path", "exact"),
    [
        ("(SELECT auth.jwt()) ->> 'app_code'", ("app_code",), True),
        ("auth.jwt() ->> 'app_code'", ("app_code",), False),
        ("(SELECT auth.jwt() ->> 'app_code')", ("app_code",), False),
        ("auth.jwt() -> 'user_metadata' ->> 'app_code'", ("user_metadata", "app_code"), False),
        ("auth.jwt() #>> '{app_metadata,app_code}'", ("app_metadata", "app_code"), False),
        (
            "nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'app_code'",
            ("app_code",),
            False,
        ),
        ("current_setting('request.jwt.claim.app_code', true)", ("app_code",), False),
        ("(SELECT auth.jwt() FROM public.t) ->> 'app_code'", None, False),
        ("public.jwt() ->> 'app_code'", None, False),
        ("auth.jwt() ->> key", None, False),
    ],
)
def test_a_claim_is_known_in_every_spelling(
    text: str, path: tuple[str, ...] | None, exact: bool
) -> None:
    """One spelling is right; the others are understood, so that the right one can be named."""
    node = expression(text)
    claim = read_claim(node)
    assert (claim.path if claim else None) == path
    assert is_claim(node) is exact


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t ();",
        "CREATE TABLE t OF kind (a NOT NULL, PRIMARY KEY (a));",
        "CREATE TABLE t (LIKE u INCLUDING ALL);",
        "CREATE TABLE t PARTITION OF u DEFAULT;",
        "CREATE TABLE t (a INT) INHERITS (u);",
        "CREATE FOREIGN TABLE t (a INT) SERVER s;",
        "CREATE INDEX ON t ((a + 1));",
        "ALTER TABLE t ADD PRIMARY KEY USING INDEX i;",
        "ALTER TABLE t ADD a INT REFERENCES u, ALTER b TYPE INT, OWNER TO x, SET (fillfactor = 1);",
        "CREATE POLICY p ON t;",
        "CREATE POLICY p ON t USING (a IN (SELECT 1 UNION SELECT 2) AND EXISTS (VALUES (1)));",
        "ALTER POLICY p ON t USING (true);",
        "ALTER POLICY p ON t RENAME TO q;",
        "GRANT ALL ON SCHEMA s, r TO PUBLIC; GRANT a TO b; GRANT SELECT (a) ON t TO x;",
        "COMMENT ON FUNCTION f(INT) IS 'x'; COMMENT ON CAST (a AS b) IS 'x';",
        "COMMENT ON TYPE a IS ''; COMMENT ON CONSTRAINT c ON DOMAIN d IS 'x';",
        "COMMENT ON COLUMN c IS 'x';",
        "DROP FUNCTION f; DROP CAST (a AS b); DROP OPERATOR + (INT, INT); DROP OWNED BY a;",
        "DO 'BEGIN NULL; END'; DO LANGUAGE sql 'SELECT 1';",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE;",
        "CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO u VALUES (new.a);",
        "SET TIME ZONE 'UTC'; RESET ALL; SET CONSTRAINTS ALL DEFERRED;",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (1); END;",
        "CREATE SCHEMA s CREATE TABLE t (a INT) CREATE VIEW v AS SELECT 1;",
        "REVOKE GRANT OPTION FOR SELECT ON t FROM a; REVOKE ADMIN OPTION FOR a FROM b;",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO a;",
    ],
)
def test_no_statement_makes_a_rule_fail(text: str) -> None:
    """Any file from anywhere can be judged, alone."""
    for finding in lint([parse(Source("a.sql", text))]):
        assert finding.line >= 1
        assert finding.message


def test_an_unknown_table_gives_no_finding_about_what_it_lacks() -> None:
    """A file of policies alone is judged for what it says, not for what stands elsewhere."""
    text = f"""ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS "app_isolation" ON public.t;
CREATE POLICY "app_isolation" ON public.t FOR ALL TO authenticated
  USING (app_code = {CLAIM}) WITH CHECK (app_code = {CLAIM});
CREATE INDEX IF NOT EXISTS t_status_idx ON public.t (status);
ALTER TABLE public.t DROP CONSTRAINT IF EXISTS t_run_id_fkey,
  ADD CONSTRAINT t_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs (id);
COMMENT ON COLUMN public.t.status IS 'OPEN or DONE.';
REVOKE ALL ON public.t FROM PUBLIC, anon, authenticated, service_role CASCADE;
GRANT SELECT ON public.t TO authenticated, service_role;
"""
    assert lint([parse(Source("a.sql", text))]) == []


def test_a_key_of_another_file_serves_a_foreign_key() -> None:
    """A unique index counts; the message names the file in which to add one."""
    parent = parse(Source("p.sql", "CREATE TABLE public.p (id UUID, code TEXT);"))
    child = parse(Source("c.sql", "CREATE TABLE public.c (code TEXT REFERENCES public.p (code));"))
    (finding,) = [f for f in lint([parent, child]) if f.rule == "fk-targets-unique-key"]
    assert (finding.path, finding.message) == ("c.sql", "public.p (code) has no unique key")
    assert finding.help == "add UNIQUE (code) to p.sql"
    index = parse(Source("i.sql", "CREATE UNIQUE INDEX p_code_key ON public.p (code);"))
    assert "fk-targets-unique-key" not in {f.rule for f in lint([parent, index, child])}


def test_no_table_is_mistaken_for_another() -> None:
    """Twice the tables make twice the findings."""

    def tables(count: int) -> str:
        return "".join(f"CREATE TABLE public.t{n} (id UUID);\n" for n in range(count))

    ten, twenty = (lint([parse(Source("a.sql", tables(n)))]) for n in (10, 20))
    assert len(twenty) == 2 * len(ten)


@pytest.mark.parametrize("word", [*SERIAL_TYPES])
def test_rules_know_every_serial_type(word: str) -> None:
    """Each word is refused as a column's type, and matches the type of its sequence."""
    text = f"""
        CREATE TABLE public.p (id {word} PRIMARY KEY);
        CREATE TABLE public.c (a {SERIAL_TYPES[word]} REFERENCES public.p (id));
        CREATE TABLE public.d (a text REFERENCES public.p (id));
    """
    found = [(f.line, f.rule) for f in lint([parse(Source("a.sql", text))])]

    assert (2, "plain-types") in found
    assert [line for line, rule in found if rule == "fk-types-match"] == [4]


def test_an_altered_policy_that_reads_its_own_table_is_found() -> None:
    """ALTER POLICY may close a circle, and one on a table that no file declares may as well."""
    text = """
        CREATE TABLE public.b (id int);
        CREATE POLICY b ON public.b USING (EXISTS (SELECT 1 FROM public.a));
        ALTER POLICY a ON public.a USING (EXISTS (SELECT 1 FROM public.b));
        CREATE POLICY c ON public.a USING (EXISTS (SELECT 1 FROM public.b));
    """
    found = [f.line for f in lint([parse(Source("a.sql", text))]) if f.rule == "policy-recursion"]

    assert found == [4, 5]
