"""Proves that the Supabase CLI, as npm ships it, can push, repeat, resume and refuse our migration.

Knows the CLI's commands and what it prints; must not know how the migration is built.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from proofs.advisors import ACCEPTED_KEY, unaccepted
from proofs.node.claims import Claim, claim, failures, table
from proofs.node.npm import pinned, run_node_proof
from proofs.node.supabase import Said, SupabaseCli, fresh_cli, installed_cli
from proofs.report import MIGRATION as MIGRATION_PATH
from proofs.report import ROOT, conclude, parser, progress
from schema_cli.project import platform_stubs
from schema_database import (
    Catalog,
    Cluster,
    Database,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_catalog,
    read_live_catalog,
)
from schema_database.address import connected
from schema_sql.source import read_source
from schema_targets.versions import apply_order, version
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MIGRATION = PurePosixPath(MIGRATION_PATH).name
LATER = "20251121_later.sql"
BROKEN = "20251122_broken.sql"

_OLDER_TABLE = """\
CREATE TABLE public.workflow_instances (
  id UUID PRIMARY KEY,
  instance_code TEXT UNIQUE,
  stakeholder_id UUID,
  status TEXT
)"""

_GUARD_SAYS = (
    "Tables of this database differ from what this migration declares; nothing was changed."
)
_GUARD_LISTS = "- workflow_instances.app_code is missing, must be text NOT NULL"
_GUARD_LACKS = "This migration lacks what it builds on; nothing was changed."


@dataclass(frozen=True)
class Project:
    """A copy of supabase/ beside a fresh database.

    Attributes:
        cli: the CLI; its folder holds the copy.
        database: the platform, without our migration.
    """

    cli: SupabaseCli
    database: Database

    def write(self, name: str, sql: str) -> None:
        """Write a migration."""
        path = self.cli.folder / "supabase" / "migrations" / name
        path.write_text(sql, encoding="utf-8", newline="\n")

    def push(self) -> Said:
        """Run `supabase db push`."""
        return self.cli.run(self.database.url, "db", "push", "--yes")

    def catalog(self) -> Catalog:
        """Read what schema public holds now."""
        return read_live_catalog(self.database.url)

    def ask(self, query: str) -> list[Any]:
        """Return the first column of a query's rows."""
        with connected(self.database.url) as connection:
            return [row[0] for row in connection.execute(query.encode()).fetchall()]

    def policies(self) -> list[Any]:
        """Return the policies' object ids: running our file makes all of them anew."""
        return self.ask("SELECT oid FROM pg_policy ORDER BY 1")


def pushes(project: Project) -> Iterator[Claim]:
    """Push to a fresh database, and again."""
    expected = _applied_by_ourselves(project)
    first = project.push()
    yield claim(
        "a push to a fresh database applies the file",
        first.status == 0 and first.applied() == [MIGRATION],
        str(first),
    )
    differences = diff_catalogs(expected, project.catalog())
    yield claim(
        "the catalog is the one that the committed file makes",
        not differences,
        "\n".join(differences),
    )
    policies = project.policies()
    again = project.push()
    yield claim(
        "a second push says that the database is up to date, and applies nothing",
        again.status == 0
        and "up to date" in again.out + again.err
        and not again.applied()
        and project.policies() == policies,
        str(again),
    )


def resumes(project: Project) -> Iterator[Claim]:
    """Push a file that fails behind ours, mend it, push again."""
    project.write(LATER, "CREATE TABLE public.later (id INTEGER PRIMARY KEY);\n")
    project.write(BROKEN, "CREATE TABLE public.mended (id INTEGER);\nSELECT 1 / 0;\n")
    stopped = project.push()
    versions = project.ask(
        "SELECT version FROM supabase_migrations.schema_migrations ORDER BY version"
    )
    yield claim(
        "a push stops at a file that fails, and remembers those before it",
        stopped.status != 0
        and "division by zero" in stopped.err
        and versions == [MIGRATION[:8], LATER[:8]],
        f"{stopped}\nremembered: {versions}",
    )
    yield claim(
        "nothing of the failed file is left",
        project.ask("SELECT to_regclass('public.mended')::text") == [None],
        "its table is there",
    )
    policies = project.policies()
    project.write(BROKEN, "CREATE TABLE public.mended (id INTEGER);\n")
    resumed = project.push()
    yield claim(
        "once it is mended, a push applies that file alone",
        resumed.status == 0
        and resumed.applied() == [BROKEN]
        and bool(policies)
        and project.policies() == policies,
        str(resumed),
    )


def orders(project: Project) -> Iterator[Claim]:
    """Push files whose order as text, as numbers and by file name are not the same."""
    names = [
        *("20251120093000_time.sql", "20251121_date.sql", "20251121000000_time.sql"),
        *("9_counter.sql", "10_counter.sql", "010_counter.sql", "20251122_a b.c.sql"),
        *("20251123-hyphen.sql", "20251123x_letter.sql", "no_version.sql", "20251123_a.SQL"),
    ]
    for name in names:
        project.write(name, "SELECT 1;\n")
    pushed = project.push()
    expected = sorted(filter(version, [*names, MIGRATION]), key=apply_order)
    yield claim(
        "files are applied in the order in which `schema build` takes them, by version as text",
        pushed.status == 0 and pushed.applied() == expected,
        f"{pushed}\nexpected: {expected}",
    )
    yield claim(
        "a file that has no version is skipped with exit status 0, which `schema build` refuses",
        pushed.status == 0
        and all(f"Skipping migration {n}" in pushed.out + pushed.err for n in names[7:]),
        str(pushed),
    )


def refuses(project: Project) -> Iterator[Claim]:
    """Push over a table of another shape, and where the platform is incomplete."""
    apply_as_one_transaction(project.database.url, _OLDER_TABLE)
    before = project.catalog()
    drift = project.push()
    shown = drift.out + drift.err
    yield claim(
        "over a table of another shape, the CLI shows the guard's words, column by column",
        # Its own words, not the text of the statement, which the CLI prints as well.
        drift.status != 0 and f"{_GUARD_SAYS}\n" in shown and _GUARD_LISTS in shown,
        str(drift)[:2000],
    )
    differences = diff_catalogs(before, project.catalog())
    yield claim("the refused push changed nothing", not differences, "\n".join(differences))

    apply_as_one_transaction(
        project.database.url,
        "DROP TABLE public.workflow_instances;"
        " ALTER TABLE public.applications RENAME TO applications_elsewhere",
    )
    lacking = project.push()
    shown = lacking.out + lacking.err
    yield claim(
        "where public.applications is missing, the CLI shows that in words",
        lacking.status != 0
        and f"{_GUARD_LACKS}\n" in shown
        and "\n- table public.applications\n" in shown,
        str(lacking)[:2000],
    )
    apply_as_one_transaction(
        project.database.url, "ALTER TABLE public.applications_elsewhere RENAME TO applications"
    )
    mended = project.push()
    yield claim(
        "once both are put right, the same push applies the file",
        mended.status == 0 and mended.applied() == [MIGRATION],
        str(mended)[:2000],
    )


def waits(project: Project) -> Iterator[Claim]:
    """Push over our own tables while a session uses one of them."""
    sql = read_source(ROOT / MIGRATION_PATH, MIGRATION_PATH).text
    apply_as_one_transaction(project.database.url, sql, name=MIGRATION)
    before, policies = project.catalog(), project.policies()
    with connected(project.database.url) as reader, reader.transaction():
        reader.execute("SELECT FROM public.workflow_history")
        holder = f"process {reader.info.backend_pid} "
        waited = project.push()
    yield claim(
        "while a session reads a table, a push gives up and names the table and the session",
        waited.status != 0
        and f"public.workflow_history is in use by {holder}" in waited.out + waited.err,
        str(waited)[:2000],
    )
    yield claim(
        "that push changed nothing",
        project.catalog() == before and project.policies() == policies,
        "\n".join(diff_catalogs(before, project.catalog())) or "the policies are others",
    )
    again = project.push()
    yield claim(
        "once the session is done, the same push applies the file",
        again.status == 0 and again.applied() == [MIGRATION],
        str(again)[:2000],
    )


def advises(project: Project) -> Iterator[Claim]:
    """Ask the advisors about a fresh push."""
    project.push()
    unexpected = unaccepted(project.cli, project.database.url)
    serious = [each for each in unexpected if each.level != "INFO"]
    yield claim(
        "the advisors find nothing at level WARN or ERROR in our tables",
        not serious,
        f"not as accepted: {serious}",
    )
    others = [each for each in unexpected if each.level == "INFO"]
    yield claim(
        "at level INFO they find the fresh indexes unused, and the one accepted key, and no more",
        not others,
        f"not as accepted: {others}",
    )


ACTS: tuple[Callable[[Project], Iterator[Claim]], ...] = (
    pushes,
    resumes,
    orders,
    refuses,
    waits,
    advises,
)


@dataclass(frozen=True)
class Sabotage:
    """A fault put into the copy of the migration, and the claim that must then fail.

    Attributes:
        name: what is wrong.
        old: what is replaced in the migration.
        new: by what.
        act: the act that must notice.
        noticed_by: the beginning of the claim.
    """

    name: str
    old: str
    new: str
    act: Callable[[Project], Iterator[Claim]]
    noticed_by: str

    def applied_to(self, sql: str) -> str:
        """Return the faulty migration; where nothing is replaced, the claim will hold."""
        return sql.replace(self.old, self.new)


_BEGINNING = "SET LOCAL lock_timeout = '5s';"
_FORGETS = """\
CREATE OR REPLACE FUNCTION supabase_migrations.forget() RETURNS TRIGGER LANGUAGE plpgsql
  AS 'BEGIN RETURN NULL; END';
CREATE OR REPLACE TRIGGER forget BEFORE INSERT ON supabase_migrations.schema_migrations
  FOR EACH ROW EXECUTE FUNCTION supabase_migrations.forget();
"""
_LEAVES_SOMETHING = "COMMIT; CREATE TABLE IF NOT EXISTS public.left_over (); BEGIN;\n"

SABOTAGES = (
    Sabotage(
        "an index is missing",
        "CREATE INDEX IF NOT EXISTS workflow_instances_current_node_id_idx"
        "\n  ON public.workflow_instances (current_node_id);",
        "",
        pushes,
        "the catalog is the one",
    ),
    Sabotage(
        "what was pushed is not remembered",
        _BEGINNING,
        _FORGETS + _BEGINNING,
        pushes,
        "a second push",
    ),
    Sabotage(
        "what was pushed is not remembered",
        _BEGINNING,
        _FORGETS + _BEGINNING,
        resumes,
        "once it is mended",
    ),
    Sabotage(
        "it commits before its guard has looked",
        _BEGINNING,
        _LEAVES_SOMETHING + _BEGINNING,
        refuses,
        "the refused push changed nothing",
    ),
    Sabotage(
        "it commits before it waits",
        _BEGINNING,
        _LEAVES_SOMETHING + _BEGINNING,
        waits,
        "that push changed nothing",
    ),
    Sabotage(
        "the guard looks at no table",
        "tables CONSTANT NAME[] := ARRAY[",
        "tables CONSTANT NAME[] := '{}'; unused CONSTANT NAME[] := ARRAY[",
        refuses,
        "over a table of another shape",
    ),
    Sabotage(
        "something else ends it before it gives up",
        _BEGINNING,
        f"{_BEGINNING} SET LOCAL statement_timeout = '2s';",
        waits,
        "while a session reads a table",
    ),
    Sabotage(
        "policies call auth.jwt() bare, for each row",
        "(SELECT auth.jwt())",
        "auth.jwt()",
        advises,
        "the advisors find nothing",
    ),
    Sabotage(
        "row-level security is left off on one table",
        "END\n$access$;",
        "END\n$access$;\nALTER TABLE public.workflow_history DISABLE ROW LEVEL SECURITY;",
        advises,
        "the advisors find nothing",
    ),
    Sabotage(
        "an index for a foreign key is missing",
        "CREATE INDEX IF NOT EXISTS instance_tasks_function_code_idx"
        "\n  ON public.instance_tasks (function_code);",
        "",
        advises,
        "at level INFO",
    ),
)


def prove() -> int:
    """Run every act under both privilege regimes, then every sabotage; return the exit status."""
    command = installed_cli()
    sql = read_source(ROOT / MIGRATION_PATH, MIGRATION_PATH).text
    stubs = platform_stubs(load(find_files(ROOT)))
    results: dict[str, dict[PrivilegeRegime, Claim]] = {}
    noticed: list[Claim] = []
    total = len(ACTS) * len(PrivilegeRegime) + len(SABOTAGES)
    done = 0
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        for regime in PrivilegeRegime:
            for act in ACTS:
                with _project(cluster, stubs, regime, command, sql) as project:
                    for each in act(project):
                        results.setdefault(each.name, {})[regime] = each
                done += 1
                progress(done, total, "acts")
        for sabotage in SABOTAGES:
            faulty = sabotage.applied_to(sql)
            with _project(cluster, stubs, PrivilegeRegime.EXPLICIT, command, faulty) as project:
                noticed.append(_try(sabotage, project))
            done += 1
            progress(done, total, "acts")
    noticed.append(
        claim(
            "docs/decisions.md gives the reason of the accepted finding",
            "`unindexed_foreign_keys`"
            in (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8"),
            "it does not name unindexed_foreign_keys",
        )
    )
    claims = [each for row in results.values() for each in row.values()] + noticed
    return conclude(
        "supabase_cli", len(claims), failures(claims), lambda: _report(results, noticed)
    )


@contextmanager
def _project(
    cluster: Cluster,
    stubs: list[tuple[str, str]],
    regime: PrivilegeRegime,
    command: tuple[str, ...],
    sql: str,
) -> Iterator[Project]:
    template = cluster.template(regime, stubs)
    with cluster.clone(template) as database, fresh_cli(command) as cli:
        shutil.copytree(
            ROOT / "supabase",
            cli.folder / "supabase",
            ignore=shutil.ignore_patterns(".temp", ".branches"),
        )
        project = Project(cli, database)
        project.write(MIGRATION, sql)
        yield project


def _applied_by_ourselves(project: Project) -> Catalog:
    """Return the catalog that the committed file makes, which is then undone."""
    sql = read_source(ROOT / MIGRATION_PATH, MIGRATION_PATH).text
    with connected(project.database.url) as connection, connection.transaction(force_rollback=True):
        apply_as_one_transaction(connection, sql, name=MIGRATION)
        return read_catalog(connection)


def _try(sabotage: Sabotage, project: Project) -> Claim:
    claims = list(sabotage.act(project))
    failed = [each.name for each in claims if not each.held]
    return claim(
        f"sabotage: {sabotage.name}",
        any(name.startswith(sabotage.noticed_by) for name in failed),
        f"noticed by {failed or 'nothing'}",
    )


def _report(results: Mapping[str, Mapping[PrivilegeRegime, Claim]], others: list[Claim]) -> str:
    def word(each: Claim) -> str:
        return "holds" if each.held else "**fails**"

    regimes = list(PrivilegeRegime)
    claims = table(
        ("Claim", *(f"{regime.value} grants" for regime in regimes)),
        [(name, *(word(row[regime]) for regime in regimes)) for name, row in results.items()],
    )
    sabotages = table(
        ("Fault in the migration", "Claim that must fail", "Noticed"),
        [
            (sabotage.name, f"{sabotage.noticed_by} …", "yes" if each.held else "**no**")
            for sabotage, each in zip(SABOTAGES, others, strict=False)
        ],
    )
    version = pinned("supabase_cli")["supabase"]
    return f"""\
# The Supabase CLI

The command-line client that npm ships as `supabase` {version} runs our migration as people do:
`supabase db push --yes --remote=URL`, then `supabase db advisors --level=info -o json`. Each act
has a fresh database of our own and a copy of `supabase/`, under both ways in which Supabase grants
new tables to the API roles.

{claims}

## What the advisors say

- `unused_index`, INFO, for each index that is not unique: no query has run yet. Ignored.
- `unindexed_foreign_keys`, INFO, for `{ACCEPTED_KEY}`: accepted: `(workflow_instance_id, node_id)`
  serves it, and one more index would cost each insert 15 to 40 %
  ([docs/decisions.md](../decisions.md), *One index for one purpose*).
- `rls_disabled_in_public`, ERROR, for `public.applications`, with legacy grants alone. That table
  is not ours: an earlier phase makes it, and the stub that stands in for it here has no row-level
  security. Check it in your project.

## Able to fail

{sabotages}

## What this does not prove

- The hosted platform: no project, no login, no pooler. The server is plain PostgreSQL with
  Supabase's roles.
- Other versions of the CLI.

Repeat it with `nox -s test_supabase_cli`. It needs Node.js and npm.
"""


if __name__ == "__main__":
    parser("test_supabase_cli", __doc__).parse_args()
    sys.exit(run_node_proof(prove))
