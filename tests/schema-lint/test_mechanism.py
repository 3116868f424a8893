"""Suppressions, reports, documentation and the workspace: knows rules by name only as examples."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import schema_lint
from schema_cli.main import main as schema
from schema_lint import UnknownRuleError, explain, lint, render, rules
from schema_sql.source import Finding, Source
from schema_sql.statements import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schema_sql.statements import SqlFile

SUPPRESSION_IDS = {"missing-reason", "unknown-rule", "unused-suppression", "malformed-suppression"}


def read(text: str, path: str = "a.sql") -> SqlFile:
    """Parse a text."""
    return parse(Source(path, text))


def found(text: str, *ids: str) -> list[tuple[int, str]]:
    """Line and id of the findings in one text, of some rules and of all about suppressions."""
    wanted = {*ids, *SUPPRESSION_IDS}
    return [(f.line, f.rule) for f in lint([read(text)]) if f.rule in wanted]


def test_a_suppression_behind_code_covers_its_line() -> None:
    """A comment at the end of a line speaks for that line alone."""
    text = (
        "DROP VIEW public.a; -- schema-lint: allow idempotent-drop -- it is there\n"
        "DROP VIEW public.b;\n"
    )
    assert found(text, "idempotent-drop") == [(2, "idempotent-drop")]


def test_a_suppression_above_a_statement_covers_all_its_lines() -> None:
    """A finding deep inside a policy is covered by a comment above the policy."""
    text = (
        "-- schema-lint: allow policy-tautology -- a list of countries\n"
        "CREATE POLICY a ON public.t\n"
        "  TO authenticated\n"
        "  USING (true)\n"
        "  WITH CHECK (true);\n"
        "CREATE POLICY b ON public.t USING (true);\n"
    )
    assert found(text, "policy-tautology") == [(6, "policy-tautology")]


def test_a_suppression_above_a_table_does_not_cover_its_columns() -> None:
    """What is allowed for the table is not allowed for a column that somebody adds later."""
    text = (
        "-- schema-lint: allow idempotent-create -- runs once\n"
        "-- schema-lint: allow plain-types -- the table's comment, not the column's\n"
        "CREATE TABLE public.t (\n"
        "  a TIMESTAMP\n"
        ");\n"
    )
    assert found(text, "idempotent-create", "plain-types") == [
        (2, "unused-suppression"),
        (4, "plain-types"),
    ]


def test_a_suppression_above_a_column_covers_that_column() -> None:
    """Other comments may stand between; the next column is on its own."""
    text = (
        "CREATE TABLE IF NOT EXISTS public.t (\n"
        "  -- schema-lint: allow plain-types -- the other system's type\n"
        "  -- The time at which it happened there.\n"
        "  a TIMESTAMP\n"
        "    NOT NULL,\n"
        "  b TIMESTAMP\n"
        ");\n"
    )
    assert found(text, "plain-types") == [(6, "plain-types")]


def test_a_blank_line_ends_what_a_suppression_is_about() -> None:
    """A comment that is set off from the code speaks of nothing."""
    text = "-- schema-lint: allow idempotent-drop -- it is there\n\nDROP VIEW public.a;\n"
    assert found(text, "idempotent-drop") == [(1, "unused-suppression"), (3, "idempotent-drop")]


def test_a_suppression_inside_a_do_block_covers_its_statement() -> None:
    """A body's comments are read, though the grammar sees the body as one string."""
    text = (
        "DO $$\n"
        "BEGIN\n"
        "  -- schema-lint: allow idempotent-drop -- it is there\n"
        "  DROP VIEW public.a;\n"
        "  DROP VIEW public.b;\n"
        "  EXECUTE 'x' || y; -- schema-lint: allow unreadable-body -- y is one of two words\n"
        "END $$;\n"
    )
    assert found(text, "idempotent-drop", "unreadable-body") == [(5, "idempotent-drop")]


def test_a_suppression_without_a_reason_is_a_finding() -> None:
    """It suppresses all the same, so that there is one thing to mend and not two."""
    text = "DROP VIEW public.a; -- schema-lint: allow idempotent-drop\n"
    assert found(text, "idempotent-drop") == [(1, "missing-reason")]


def test_a_suppression_of_no_rule_names_the_nearest() -> None:
    """A misspelled id is told with the id that was meant."""
    text = "DROP VIEW public.a; -- schema-lint: allow idempotent-drops -- it is there\n"
    (finding,) = [f for f in lint([read(text)]) if f.rule == "unknown-rule"]
    assert "did you mean idempotent-drop" in finding.message
    assert found(text, "idempotent-drop") == [(1, "idempotent-drop"), (1, "unknown-rule")]


@pytest.mark.parametrize(
    "comment",
    [
        "-- schema-lint: disable idempotent-drop",
        "-- schema-lint: allow",
        "-- schema-lint: allow idempotent-drop because it is there",
        "/* schema-lint: allow idempotent-drop -- it is there */",
    ],
)
def test_a_malformed_suppression_is_a_finding(comment: str) -> None:
    """What looks like a suppression and is none does not pass for one."""
    text = f"{comment}\nDROP VIEW public.a;\n"
    assert found(text, "idempotent-drop") == [(1, "malformed-suppression"), (2, "idempotent-drop")]


def test_findings_about_suppressions_cannot_be_suppressed() -> None:
    """There is no way around giving a reason."""
    text = (
        "-- schema-lint: allow missing-reason -- no time\n"
        "DROP VIEW public.a; -- schema-lint: allow idempotent-drop\n"
    )
    assert found(text, "idempotent-drop") == [(1, "unknown-rule"), (2, "missing-reason")]


def test_a_suppression_in_a_string_is_text() -> None:
    """Only comments count."""
    text = "COMMENT ON TABLE public.t IS '-- schema-lint: allow x -- y';\n"
    assert found(text) == []


def test_a_suppression_counts_bytes_and_characters_apart() -> None:
    """Umlauts before a finding do not shift what a comment covers."""
    text = (
        "COMMENT ON TABLE public.t IS 'äöüäöüäöü';\n"
        "SELECT 'äöü'; DROP VIEW public.a; -- schema-lint: allow idempotent-drop -- ja, ß\n"
        "DROP VIEW public.b;\n"
    )
    assert found(text, "idempotent-drop") == [(3, "idempotent-drop")]


def test_findings_are_sorted_and_the_same_in_every_run() -> None:
    """By path, line and column, whatever the order of rules and files."""
    one = read("DROP VIEW b;\nDROP VIEW a;\n", "z.sql")
    two = read("DROP VIEW c;\n", "a.sql")
    findings = lint([one, two])
    assert findings == sorted(findings)
    assert findings == lint([one, two])
    assert [f.path for f in findings] == sorted(f.path for f in findings)


def test_every_rule_speaks_of_the_file_it_was_given() -> None:
    """A finding about a table stands where the table is, so that its comment can allow it."""
    files = [read(rule.bad, f"{rule.id}.sql") for rule in rules()]
    workspace = schema_lint.Workspace(files)
    for file in files:
        for rule in rules():
            assert {f.path for f in rule.check(file, workspace)} <= {file.path}


def test_externals_are_known_and_not_judged() -> None:
    """A stub of the platform gives keys to reference, and no findings."""
    stub = read("CREATE TABLE public.applications (app_code TEXT);", "stub.sql")
    text = (
        "CREATE TABLE IF NOT EXISTS public.t (\n"
        "  app_code TEXT NOT NULL REFERENCES public.applications (app_code)\n"
        ");\n"
    )
    findings = lint([read(text)], [stub])
    assert {f.path for f in findings} == {"a.sql"}
    assert "fk-targets-unique-key" in {f.rule for f in findings}
    assert "fk-targets-unique-key" not in {f.rule for f in lint([read(text)])}


def test_files_are_judged_together() -> None:
    """A policy in one file protects the table of another, in whatever order they are given."""
    table = read("CREATE TABLE IF NOT EXISTS public.t (app_code TEXT NOT NULL);", "table.sql")
    access = read("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;", "access.sql")
    alone = {f.rule for f in lint([table])}
    together = {f.rule for f in lint([table, access])}
    assert "enable-row-security" in alone
    assert "enable-row-security" not in together


class TestARuleThatFails:
    """A fault of a rule is a finding, and ends neither the run nor another rule."""

    TEXT = "SELECT 1;\nCREATE TABLE t (a serial);\nDROP VIEW public.v;\n"

    @staticmethod
    def break_rule(monkeypatch: pytest.MonkeyPatch, rule_id: str, error: Exception) -> None:
        """Make a rule find something in the first CREATE TABLE, and fail there."""

        def check(file: SqlFile, workspace: schema_lint.Workspace) -> Iterator[Finding]:
            for statement in workspace.facts(file).statements("CreateStmt"):
                yield statement.finding(rule_id, "found before it failed")
                raise error

        broken = [replace(r, check=check) if r.id == rule_id else r for r in rules()]
        monkeypatch.setattr("schema_lint.engine.rules", lambda: tuple(broken))

    @pytest.mark.parametrize("error", [KeyError("args"), RecursionError("deep"), MemoryError()])
    def test_it_is_one_finding_at_the_statement(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        """The finding names the rule, the place and the error; what else was found stays."""
        files = [read(self.TEXT), read("DROP VIEW public.w;\n", "b.sql"), read(self.TEXT, "c.sql")]
        before = lint(files)
        self.break_rule(monkeypatch, "plain-types", error)
        found = lint(files)

        failures = [f for f in found if f.rule == "internal-error"]
        assert [(f.path, f.line, f.column) for f in failures] == [("a.sql", 2, 1), ("c.sql", 2, 1)]
        assert failures[0].message.startswith("plain-types could not read this statement: ")
        assert type(error).__name__ in failures[0].message
        assert "found before it failed" in {f.message for f in found}
        assert {f for f in before if f.rule != "plain-types"} < set(found)

    def test_its_suppressions_are_not_called_unused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody knows what the rule would have found there."""
        self.break_rule(monkeypatch, "plain-types", ValueError("x"))
        text = f"{self.TEXT}SELECT 2; -- schema-lint: allow plain-types -- it may be needed\n"

        assert "unused-suppression" not in {f.rule for f in lint([read(text)])}

    def test_the_command_ends_with_status_1(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The report has the finding, and there is no traceback."""
        self.break_rule(monkeypatch, "plain-types", KeyError("args"))
        path = tmp_path / "a.sql"
        path.write_text(self.TEXT, encoding="utf-8")

        assert schema(["lint", str(path)]) == 1
        captured = capsys.readouterr()
        assert ":2:1: internal-error: plain-types could not read this statement" in captured.out
        assert "Traceback" not in captured.out + captured.err

    def test_a_fault_in_what_all_rules_share_is_one_finding(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A statement that the declared schema or the facts cannot take in hides no other."""
        monkeypatch.setattr("schema_lint.workspace.FileFacts._read_create", lambda *_: 1 / 0)
        monkeypatch.setattr("schema_sql.declared._add_column", lambda *_: 1 / 0)
        found = lint([read(self.TEXT)])

        failures = [f for f in found if f.rule == "internal-error"]
        assert {(f.line, f.message.partition(" could")[0]) for f in failures} >= {(2, "the linter")}
        assert ("idempotent-drop", 3) in {(f.rule, f.line) for f in found}


def test_nothing_gives_nothing() -> None:
    """No file, an empty one and a comment are fine."""
    assert lint([]) == []
    assert lint([read(""), read("-- nothing", "b.sql")]) == []


FINDINGS = [
    Finding("a,b:c.sql", 3, 5, "some-rule", "100 % wrong, or: not", "write this\nand that"),
    Finding("ä.sql", 1, 1, "other-rule", "Straße"),
]


def test_the_text_report_is_for_people() -> None:
    """One line for the fact, with the remedy below."""
    assert render(FINDINGS, "text") == (
        "a,b:c.sql:3:5: some-rule: 100 % wrong, or: not\n"
        "  help: write this\n"
        "        and that\n"
        "ä.sql:1:1: other-rule: Straße\n"
    )


def test_the_json_report_has_a_version_and_every_field() -> None:
    """A program can rely on its shape."""
    report = json.loads(render(FINDINGS, "json"))
    assert report == {
        "version": 1,
        "findings": [
            {
                "path": "a,b:c.sql",
                "line": 3,
                "column": 5,
                "rule": "some-rule",
                "message": "100 % wrong, or: not",
                "help": "write this\nand that",
            },
            {
                "path": "ä.sql",
                "line": 1,
                "column": 1,
                "rule": "other-rule",
                "message": "Straße",
                "help": "",
            },
        ],
    }


def test_the_github_report_escapes_what_github_would_read() -> None:
    """Percent signs and line feeds everywhere, colons and commas in properties."""
    assert render(FINDINGS, "github").splitlines() == [
        (
            "::error file=a%2Cb%3Ac.sql,line=3,col=5,title=some-rule"
            "::100 %25 wrong, or: not%0Awrite this%0Aand that"
        ),
        "::error file=ä.sql,line=1,col=1,title=other-rule::Straße",
    ]


def test_no_findings_make_an_empty_report() -> None:
    """JSON stays JSON."""
    assert render([], "text") == ""
    assert render([], "github") == ""
    assert json.loads(render([], "json")) == {"version": 1, "findings": []}


def test_an_unknown_format_names_the_known_ones() -> None:
    """One clear error."""
    with pytest.raises(ValueError, match="choose one of text, json, github"):
        render([], "xml")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_explain_shows_the_documentation_and_both_examples(rule: schema_lint.Rule) -> None:
    """Whoever meets a finding can read all about it."""
    text = explain(rule.id)
    assert text.startswith(f"{rule.id}\n\n{rule.summary}\n")
    for example in (rule.good, rule.bad):
        assert all(line.strip() in text for line in example.splitlines())


@pytest.mark.parametrize("rule_id", sorted({*SUPPRESSION_IDS, "internal-error"}))
def test_explain_knows_the_findings_that_are_no_rule_s(rule_id: str) -> None:
    """Every id that a report can hold is explained."""
    assert explain(rule_id).startswith(f"{rule_id}\n\n")


def test_explain_of_an_unknown_rule_names_the_nearest() -> None:
    """One clear error."""
    with pytest.raises(UnknownRuleError, match="did you mean fk-needs-index"):
        explain("fk-need-index")
    with pytest.raises(UnknownRuleError, match=r"no rule is called 'zzz'$"):
        explain("zzz")


def test_no_two_rules_have_the_same_first_sentence() -> None:
    """Each rule is about something of its own."""
    summaries = [rule.summary for rule in rules()]
    assert len(summaries) == len(set(summaries)) > 50


@pytest.mark.parametrize(
    "hidden", ["\x1b[2J", "\r", "\x85", "\x9b2J", "\u2028", "\u202e", "\U000e0001"]
)
def test_no_report_holds_a_control_character(hidden: str) -> None:
    """What a file is called or holds cannot rewrite a terminal, nor forge a workflow command."""
    findings = [Finding(f"a{hidden}.sql", 1, 1, "rule", f"b{hidden}", f"c{hidden}")]

    for form in ("text", "json", "github"):
        assert all(line.isprintable() for line in render(findings, form).split("\n")), form
    (told,) = json.loads(render(findings, "json"))["findings"]
    assert (told["path"], told["message"]) == (f"a{hidden}.sql", f"b{hidden}")
