"""What `schema verify` says, to people and to programs, and how it ends."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from schema_cli.commands import verify
from schema_database import CHECKS, Cluster, Database, PrivilegeRegime
from schema_database.address import with_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parents[2]

HOLE = (
    "CREATE VIEW public.look AS SELECT * FROM public.workflow_instances;"
    "GRANT SELECT ON public.look TO authenticated"
)
ID = "definer-view public.look"


@pytest.fixture
def regime() -> PrivilegeRegime:
    """Return one of the two: what is seen of our tables does not depend on it."""
    return PrivilegeRegime.EXPLICIT


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Path:
    """Return a copy of our workspace, the current folder, with the tests' server as its own."""

    @contextmanager
    def opened() -> Iterator[Cluster]:
        yield cluster

    monkeypatch.setattr(Cluster, "open", opened)
    shutil.copytree(ROOT / "packages/schema", tmp_path / "packages/schema")
    settings = '[tool.schema]\npackages = "packages"\n'
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _accept(workspace: Path, text: str) -> None:
    path = workspace / "supabase/accepted.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _execute(database: Database, sql: str) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(sql)


def test_a_database_as_declared(workspace: Path, run: Run, migrated_database: Database) -> None:
    """One line, without the password, and exit status 0."""
    status, out, err = run("verify", migrated_database.url)

    assert (status, err) == (0, "")
    assert out.endswith(": no difference from what the migrations declare of 6 tables\n")
    assert out.count("\n") == 1
    assert ":***@" in out


def test_a_difference_is_a_fact_a_remedy_and_a_name(
    workspace: Path, run: Run, migrated_database: Database
) -> None:
    """Exit status 1, and what a person needs to fix or accept it."""
    _execute(migrated_database, HOLE)

    status, out, err = run("verify", migrated_database.url)

    assert (status, err) == (1, "")
    fact, remedy, name = out.splitlines()[:3]
    assert fact == (
        "difference: view public.look reaches public.workflow_instances with the rights of"
        " postgres, past the policies of its caller (authenticated may SELECT)"
    )
    assert remedy.startswith("  help: ALTER VIEW public.look SET (security_invoker = true), or")
    assert name == f"  id: {ID}"
    assert ": 1 difference from what" in out


def test_a_database_without_the_migration(
    workspace: Path, run: Run, platform_database: Database
) -> None:
    """Each table is one difference; its columns, policies and grants are not listed as well."""
    status, out, err = run("verify", platform_database.url)

    assert (status, err) == (1, "")
    assert out.count("difference: ") == out.count(" is missing\n  help: ") == 6


def test_the_help_names_every_check(run: Run) -> None:
    """It explains the first word of each id."""
    status, out, _ = run("verify", "--help")

    assert status == 0
    assert all(f"  {check} " in out for check in CHECKS)


def test_json_has_the_documented_fields(
    workspace: Path, run: Run, migrated_database: Database
) -> None:
    """Programs can tell notes, acceptances and unused acceptances apart."""
    _execute(migrated_database, f"{HOLE}; ALTER TABLE public.instance_tasks REPLICA IDENTITY FULL")
    _execute(migrated_database, "CREATE POLICY p ON public.workflow_history USING (TRUE)")
    _accept(workspace, f'[accepted]\n"{ID}" = "Ours."\n"definer-view public.gone" = "Old."\n')

    status, out, err = run("verify", "--format", "json", migrated_database.url)

    assert (status, err) == (1, "")
    report = json.loads(out)
    assert list(report) == ["version", "database", "as_declared", "tables", "findings", "unused"]
    assert (report["version"], report["as_declared"]) == (1, False)
    assert "public.instance_tasks" in report["tables"]
    assert {tuple(finding) for finding in report["findings"]} == {
        ("id", "check", "subject", "level", "message", "help", "accepted")
    }
    assert [(each["id"], each["level"], each["accepted"]) for each in report["findings"]] == [
        (ID, "difference", "Ours."),
        ("drift policy p on public.workflow_history", "difference", None),
        ("drift table public.instance_tasks: replica identity", "note", None),
    ]
    assert report["unused"] == [{"id": "definer-view public.gone", "line": 3}]


def test_what_is_accepted_does_not_count(
    workspace: Path, run: Run, migrated_database: Database
) -> None:
    """It is shown with its reason; what is accepted and not found is shown with its line."""
    _execute(migrated_database, HOLE)
    _accept(workspace, f'[accepted]\n"{ID}" = "Sums."\n\n"definer-view public.gone" = "Old."\n')

    status, out, _ = run("verify", migrated_database.url)

    assert status == 0
    assert out.startswith("accepted: view public.look reaches")
    assert "\n  reason: Sums.\n" in out
    assert "note: supabase/accepted.toml:4: definer-view public.gone is accepted and was" in out


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[accepted]\n"definer-view public.x" = ""\n', "2:1", "accepted without a reason"),
        ('[accepted]\n"definer-view public.x" = 1\n', "2:1", "accepted without a reason"),
        ('[accepted]\n"definer-view public.x"\n', "2:24", "no TOML: expected '='"),
        ('\n[accepted]\n"definer-veiw public.x" = "y"\n', "3:1", "no finding is called"),
        ('[accepted]\n"definer-view" = "y"\n', "2:1", "no finding is called"),
        ('[accept]\n"definer-view public.x" = "y"\n', "1:1", "unknown key 'accept'"),
        ('accepted = "y"\n', "1:1", "accepted must be a table"),
        ('[accepted]\n"a b" = "c"\n"a b" = "d"\n', "3:12", "no TOML: cannot overwrite a value"),
    ],
)
def test_an_acceptance_that_says_nothing_is_refused(
    workspace: Path, run: Run, text: str, line: str, message: str
) -> None:
    """At its line, with what to write, before anything is read."""
    _accept(workspace, text)

    status, out, err = run("verify", "postgresql://127.0.0.1:1/nowhere")

    assert (status, out) == (2, "")
    assert err.lower().startswith(f"supabase/accepted.toml:{line}: accepted: ")
    assert message.lower() in err.lower()
    assert "\n  help: " in err


def _wrong_password(database: Database) -> str:
    word = "wrong"
    return with_parts(database.url, password=word)


def _no_such_database(database: Database) -> str:
    return with_parts(database.url, dbname="nowhere")


def _nobody_there(_: Database) -> str:
    return "postgresql://127.0.0.1:1/nowhere"


def _no_url(_: Database) -> str:
    return "nonsense"


@pytest.mark.parametrize("url", [_wrong_password, _no_such_database, _nobody_there, _no_url])
def test_what_could_not_be_looked_at_is_no_difference(
    workspace: Path, run: Run, migrated_database: Database, url: Callable[[Database], str]
) -> None:
    """Exit status 2, one error with its remedy, and nothing that a program would take for JSON."""
    status, out, err = run("verify", "--format", "json", url(migrated_database))

    assert (status, out) == (2, "")
    assert "\n  help: " in err


@pytest.mark.parametrize(
    "text", ["CREATE TABLE", "CREATE TABLE public.x (id INT);", "SELECT 'unfinished"]
)
def test_a_broken_workspace_is_no_difference(
    workspace: Path, run: Run, migrated_database: Database, text: str
) -> None:
    """Exit status 2: nobody knows what the database should be."""
    path = workspace / "packages/schema/workflow_history/indexes.sql"
    path.write_text(text, encoding="utf-8")

    status, out, _ = run("verify", migrated_database.url)

    assert (status, out) == (2, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_names_from_the_database_act_on_no_terminal(
    workspace: Path, run: Run, migrated_database: Database, form: str
) -> None:
    """The name of an object could otherwise rewrite an operator's screen."""
    evil = "a\x1b[2J\x07\n\r\u2028\u202e\x9b31mü"
    _execute(migrated_database, HOLE.replace("public.look", f'public."{evil}"'))
    comment = f"COMMENT ON TABLE public.workflow_history IS '{evil}'"
    _execute(migrated_database, comment)

    status, out, _ = run("verify", "--format", form, migrated_database.url)

    assert status == 1
    shown = (
        out
        if form == "text"
        else "".join(
            each[key] for each in json.loads(out)["findings"] for key in ("id", "message", "help")
        )
    )
    assert r"\x1b[2J\x07\n\r\u2028\u202e\x9b31mü" in shown
    assert not set(evil) - set("a[2J31mü\n") & set(out)
    assert all(line.isprintable() for line in out.splitlines())


def test_a_reader_that_has_seen_enough_changes_no_status(
    workspace: Path, run: Run, migrated_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`schema verify | head -1` still ends with 1."""
    _execute(migrated_database, HOLE)
    reader, writer = os.pipe()
    os.close(reader)
    with io.TextIOWrapper(io.FileIO(writer, "w"), write_through=True) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        status = verify.run(Namespace(url=migrated_database.url, root=None, format="text"))
    assert status == 1
