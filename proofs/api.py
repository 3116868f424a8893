"""Proves tenancy through the real clients, over HTTP, with signed tokens.

Knows servers, clients and databases; what is asked and what is right stands in api_scenario.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from supabase import PostgrestAPIError, create_client

from proofs.api_scenario import (
    JWT_SECRET,
    PUBLISHABLE_KEY,
    SECRET_KEY,
    A,
    Answer,
    Relationship,
    Request,
    Step,
    initial_rows,
    scenario,
    user_of,
)
from proofs.node.claims import Claim, claim, failures, table
from proofs.node.npm import (
    NodeError,
    environment,
    install,
    pinned,
    program,
    run,
    run_node_proof,
)
from proofs.report import MIGRATION, ROOT, conclude, parser, progress
from schema_cli.project import platform_stubs
from schema_database import (
    Cluster,
    Database,
    PrivilegeRegime,
    apply_as_one_transaction,
    diff_catalogs,
    read_live_catalog,
)
from schema_database.address import connected
from schema_sql.source import read_source
from schema_targets.workspace import find_files, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schema_database import Template

GRANTS_KEPT = "after all requests, no privilege and nothing else in the catalog has changed"

# A client sends about 150 requests, each of some milliseconds.
_TIMEOUT = 120.0
# A server that breaks off an answer is still there for a moment.
_LAST_WORDS = 5.0

Client = Callable[[str, Sequence[Request]], list[Answer]]
"""Sends requests to a server, given by its URL, and returns the answers."""


@dataclass(frozen=True)
class Sabotage:
    """A fault, and the claims that must then fail.

    Attributes:
        name: what is wrong.
        sql: what makes it so, run by the owner.
        noticed_by: how claims begin that must fail, each of them.
        keep_grants: False lets the server grant what it likes.
        forge: False signs the forged tokens well.
    """

    name: str
    sql: str
    noticed_by: str
    keep_grants: bool = True
    forge: bool = True


SABOTAGES = (
    Sabotage(
        "row-level security off on one table",
        "ALTER TABLE public.workflow_definitions DISABLE ROW LEVEL SECURITY",
        "another tenant's rows are invisible",
    ),
    Sabotage(
        "a second policy, `USING (true)`",
        "CREATE POLICY open ON public.instance_context TO authenticated USING (true)",
        "another tenant's rows are invisible",
    ),
    Sabotage(
        "a GRANT is missing",
        "REVOKE SELECT ON public.workflow_instances FROM authenticated",
        "own rows are visible",
    ),
    Sabotage(
        "`service_role` may update the history",
        "GRANT UPDATE ON public.workflow_history TO service_role",
        "history cannot be changed",
    ),
    Sabotage(
        "`anon` may read a table, though no policy shows it a row",
        "GRANT SELECT ON public.instance_tasks TO anon",
        "without a token",
    ),
    Sabotage(
        "the policy that keeps deletes from shared functions is missing",
        "DROP POLICY own_functions_on_delete ON public.function_registry",
        "shared functions cannot be captured",
    ),
    Sabotage(
        "the tenant is missing in a foreign key",
        "ALTER TABLE public.workflow_instances"
        " DROP CONSTRAINT workflow_instances_app_code_workflow_definition_id_fkey,"
        " ADD FOREIGN KEY (workflow_definition_id) REFERENCES public.workflow_definitions (id)",
        "a row cannot hang on another tenant's parent",
    ),
    Sabotage(
        "two foreign keys for one relationship",
        "ALTER TABLE public.workflow_instances"
        " ADD FOREIGN KEY (workflow_definition_id) REFERENCES public.workflow_definitions (id)",
        "`workflow_instances?select=*,workflow_definitions(*)`",
    ),
    Sabotage(
        "policies trust what users write into `user_metadata`",
        "ALTER POLICY app_isolation ON public.workflow_definitions"
        " USING (app_code = coalesce((SELECT auth.jwt()) ->> 'app_code',"
        " (SELECT auth.jwt()) -> 'user_metadata' ->> 'app_code'))",
        "with an app_code that the user wrote",
    ),
    Sabotage(
        "forged tokens are signed with the right secret",
        "",
        "a forged token is refused",
        forge=False,
    ),
    Sabotage(
        "a trigger takes back what an update changes",
        "CREATE FUNCTION public.keep_old() RETURNS TRIGGER LANGUAGE plpgsql"
        " AS 'BEGIN RETURN OLD; END';"
        " CREATE TRIGGER keep_old BEFORE UPDATE ON public.instance_context"
        " FOR EACH ROW EXECUTE FUNCTION public.keep_old()",
        "own rows can be inserted, changed and deleted",
    ),
    Sabotage(
        "the server is left to its own grants (`rlsState` not active)",
        "",
        GRANTS_KEPT,
        keep_grants=False,
    ),
)


def prove() -> int:
    """Send the scenario with both clients under both regimes, then try every sabotage."""
    folder = install("api")
    stubs = platform_stubs(load(find_files(ROOT)))
    migration = (MIGRATION, read_source(ROOT / MIGRATION, MIGRATION).text)
    clients: dict[str, Client] = {
        "supabase-py": send_with_python,
        "supabase-js": lambda url, requests: send_with_javascript(folder, url, requests),
    }
    results: dict[str, list[Claim]] = {}
    noticed: list[Claim] = []
    total = len(clients) * len(PrivilegeRegime) + len(SABOTAGES)
    done = 0
    with Cluster.open(os.environ.get("DATABASE_URL")) as cluster:
        for regime in PrivilegeRegime:
            template = cluster.template(regime, stubs, [migration])
            for name, client in clients.items():
                for each in ask(cluster, template, folder, client):
                    results.setdefault(each.name, []).append(
                        replace(each, problem=each.problem and f"{name}: {each.problem}")
                    )
                done += 1
                progress(done, total, "conversations")
        for sabotage in SABOTAGES:
            claims = ask(cluster, template, folder, send_with_python, sabotage)
            meant = [each for each in claims if each.name.startswith(sabotage.noticed_by)]
            noticed.append(
                claim(
                    f"sabotage: {sabotage.name}",
                    bool(meant) and not any(each.held for each in meant),
                    f"not noticed by {[each.name for each in meant if each.held]}",
                )
            )
            done += 1
            progress(done, total, "conversations")
    everything = [each for row in results.values() for each in row] + noticed
    return conclude("api", len(everything), failures(everything), lambda: report(results, noticed))


def ask(
    cluster: Cluster,
    template: Template,
    folder: Path,
    client: Client,
    sabotage: Sabotage | None = None,
) -> list[Claim]:
    """Send the scenario to a server on a database of its own, and judge the answers.

    Returns:
        The claims, each once, in the order of the scenario.
    """
    with cluster.clone(template) as database:
        fill(database)
        steps = scenario(read_relationships(database))
        if sabotage:
            apply_as_one_transaction(database.url, sabotage.sql)
        if sabotage and not sabotage.forge:
            steps = [_well_signed(step) for step in steps]
        before = read_live_catalog(database.url)
        with serving(folder, database, keep_grants=not sabotage or sabotage.keep_grants) as url:
            answers = client(url, [step.request for step in steps])
        changes = diff_catalogs(before, read_live_catalog(database.url))
    problems: dict[str, list[str]] = {}
    for step, answer in zip(steps, answers, strict=True):
        known = problems.setdefault(step.claim, [])
        if not _judged(step, answer):
            known.append(f"{step.request.verb} {step.request.table}: {answer}")
    problems[GRANTS_KEPT] = changes
    return [Claim(name, "; ".join(found)) for name, found in problems.items()]


def fill(database: Database) -> None:
    """Insert the rows that the scenario begins with."""
    with connected(database.url) as connection:
        for name, row in initial_rows():
            values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
            connection.execute(
                SQL("INSERT INTO public.{} ({}) VALUES ({})").format(
                    Identifier(name),
                    SQL(", ").join(map(Identifier, row)),
                    SQL(", ").join([SQL("%s")] * len(row)),
                ),
                values,
            )


def read_relationships(database: Database) -> list[Relationship]:
    """Return every foreign key in schema public, sorted."""
    query = """
        SELECT conname, child.relname, parent.relname,
          ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place),
          ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place)
        FROM pg_constraint
        JOIN pg_class AS child ON child.oid = conrelid
        JOIN pg_class AS parent ON parent.oid = confrelid
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        ORDER BY parent.relname, child.relname, conname
    """
    with connected(database.url) as connection:
        return [
            Relationship(name, child, tuple(own), parent, tuple(other))
            for name, child, parent, own, other in connection.execute(query).fetchall()
        ]


@contextmanager
def serving(folder: Path, database: Database, *, keep_grants: bool) -> Iterator[str]:
    """Run @supabase/lite on a database for the length of a `with` block; yields its URL.

    Raises:
        NodeError: it did not start, or ended before the block did, or a client got no answer.
    """
    settings = {
        "url": database.url,
        "secret": JWT_SECRET,
        "publishableKey": PUBLISHABLE_KEY,
        "secretKey": SECRET_KEY,
        "keepGrants": keep_grants,
    }
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryFile("w+", encoding="utf-8") as log,
        subprocess.Popen(
            [program("node"), str(folder / "server.mjs")],
            cwd=folder,
            env=environment(Path(home)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Each request that is refused, it writes there with a stack trace.
            stderr=log,
            text=True,
            encoding="utf-8",
        ) as server,
    ):
        assert server.stdin is not None  # noqa: S101 - PIPE was asked for
        assert server.stdout is not None  # noqa: S101
        try:
            # If it has ended already, that shows in what it does not answer.
            with contextlib.suppress(OSError):
                server.stdin.write(json.dumps(settings) + "\n")
                server.stdin.flush()
            line = server.stdout.readline()
            if not line:
                raise NodeError(f"@supabase/lite did not start{_end_of(log)}")
            try:
                yield f"http://127.0.0.1:{json.loads(line)['port']}"
            except (httpx.HTTPError, NodeError) as error:
                said = f"a client got no answer: {str(error) or type(error).__name__}"
                raise NodeError(f"{said}\n@supabase/lite {_state(server)}{_end_of(log)}") from None
            if server.poll() is not None:
                raise NodeError(f"@supabase/lite {_state(server)}, unasked{_end_of(log)}")
        finally:
            server.terminate()


def _state(server: subprocess.Popen[str]) -> str:
    try:
        return f"ended with status {server.wait(_LAST_WORDS)}"
    except subprocess.TimeoutExpired:
        return "still runs"


def _end_of(log: IO[str]) -> str:
    log.seek(0)
    said = "\n".join(log.read().strip().splitlines()[-8:])
    return f":\n{said}\n  help: read what it says" if said else ", and said nothing"


def send_with_python(url: str, requests: Sequence[Request]) -> list[Answer]:
    """Send requests with supabase-py, one after another.

    Raises:
        httpx.HTTPError: the server gave no answer.
    """
    clients: dict[tuple[str, str | None], Any] = {}
    answers = []
    for request in requests:
        who = (request.caller.key, request.caller.token)
        if who not in clients:
            clients[who] = create_client(url, request.caller.key)
            if request.caller.token:
                clients[who].postgrest.auth(request.caller.token)
        try:
            rows = _built(clients[who], request).execute().data
        except PostgrestAPIError as error:
            answers.append(Answer(None, error.code or "", error.message or ""))
        else:
            answers.append(Answer(rows))
    return answers


def _built(client: Any, request: Request) -> Any:
    rows = client.table(request.table)
    match request.verb:
        case "select":
            query = rows.select(request.columns)
        case "delete":
            query = rows.delete()
        case verb:
            query = getattr(rows, verb)(dict(request.values))
    for column, value in request.where.items():
        query = query.eq(column, value)
    return query


def send_with_javascript(folder: Path, url: str, requests: Sequence[Request]) -> list[Answer]:
    """Send requests with supabase-js, one after another.

    Raises:
        NodeError: it failed, other than by an answer, or took too long.
    """
    with tempfile.TemporaryDirectory() as home:
        done = run(
            [program("node"), str(folder / "client.mjs")],
            "supabase-js",
            folder=folder,
            variables=environment(Path(home)),
            seconds=_TIMEOUT,
            stdin=json.dumps({"url": url, "requests": [each.to_json() for each in requests]}),
        )
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise NodeError(f"supabase-js failed:\n{said}\n  help: read what it says")
    return [
        Answer(each.get("rows"), each.get("code") or "", each.get("message") or "")
        for each in json.loads(done.stdout)
    ]


def _judged(step: Step, answer: Answer) -> bool:
    try:
        return step.judge(answer)
    except (KeyError, TypeError):
        # An answer of another shape, such as a list where one row was to be embedded.
        return False


def _well_signed(step: Step) -> Step:
    """Return the step with a token that is good, if it was a forged one."""
    if not step.claim.startswith("a forged token is refused"):
        return step
    return replace(step, request=replace(step.request, caller=user_of(A)))


def report(results: Mapping[str, Sequence[Claim]], noticed: Sequence[Claim]) -> str:
    """Return the page."""
    embeddings = {name: row for name, row in results.items() if name.startswith("`")}
    claims = table(
        ("Claim", "Conversations"),
        [(name, _count(row)) for name, row in results.items() if name not in embeddings],
    )
    # Each relationship has two requests, one after the other.
    names, counts = list(embeddings), [_count(row) for row in embeddings.values()]
    embedded = table(
        ("Parent in the child", "Children in the parent", "Conversations of each"),
        [
            (names[each], names[each + 1], f"{counts[each]}, {counts[each + 1]}")
            for each in range(0, len(names), 2)
        ],
    )
    sabotages = table(
        ("Fault", "Claims that must fail", "Noticed"),
        [
            (sabotage.name, f"{sabotage.noticed_by} …", "yes" if each.held else "**no**")
            for sabotage, each in zip(SABOTAGES, noticed, strict=True)
        ],
    )
    python, node = metadata.version("supabase"), pinned("api")
    javascript, lite = node["@supabase/supabase-js"], node["@supabase/lite"]
    return f"""\
# The Data API

Users do not speak SQL to Supabase but HTTP, through its clients. Here `supabase-py` {python} and
`supabase-js` {javascript} send the same requests, with tokens signed as Supabase Auth signs them
(HS256), to a database of our own; each under both ways in which Supabase grants new tables to the
API roles. That makes four conversations.

Behind HTTP stands npm's `@supabase/lite` {lite}, **an alpha** that speaks PostgREST's protocol, on
PostgreSQL itself: policies, privileges and keys are the database's, not an imitation's.

{claims}

## Embedding

Every foreign key of the catalog, from both sides; the answer holds exactly the related rows that
the caller may see. Two keys between two tables would make it ambiguous (PGRST201). Keys to
`applications` are asked for as `service_role`, since users may not read that table.

{embedded}

## Able to fail

{sabotages}

## What this does not prove

- PostgREST itself, which is not on npm. Error codes are what `@supabase/lite` makes of
  PostgreSQL's. It connects as the owner and takes the caller's role for each request.
- It takes a token without a signature for no token at all: 42501, where PostgREST says PGRST301.
- It takes any table that references two others for one that joins them, and so finds
  `workflow_instances?select=*,applications(*)` ambiguous; asked by the key's name, it answers.
  PostgREST wants both keys inside the joining table's primary key, and ours is `id` everywhere.
- Left alone, its first request grants ALL on all tables to every API role, `anon` included. So
  `rlsState` is set to `active` before, and the last claim watches over that. PostgREST grants
  nothing.
- With its own Auth off, it asks for a token's account all the same; here it is told that there is
  none.
- Supabase Auth: the tokens are ours. The hook in README.md puts `app_code` into them on Supabase.

Repeat it with `nox -s test_api`. It needs Node.js and npm.
"""


def _count(row: Sequence[Claim]) -> str:
    held = sum(each.held for each in row)
    return f"{held} of {len(row)} hold" if held == len(row) else f"**{held} of {len(row)} hold**"


if __name__ == "__main__":
    parser("test_api", __doc__).parse_args()
    sys.exit(run_node_proof(prove))
