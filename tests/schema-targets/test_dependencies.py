"""Strict dependencies: what BUILD files declare against what the SQL refers to."""

import random
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import schema_sql.objects
import schema_sql.statements
from schema_targets.dependencies import read_dependencies, rewrite_deps
from schema_targets.labels import Label, parse_label
from schema_targets.workspace import find_files, load

Write = Callable[[dict[str, str]], Path]

USERS = "CREATE TABLE public.users (id int PRIMARY KEY, name text);\n"
PLATFORM = """\
[external.auth]
stub = "auth.sql"
provides = ["schema auth", "function auth.uid", "relation auth.users", "column auth.users.id"]
remedy = "Run it on Supabase."
"""
AUTH = """\
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid, email text);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS 'SELECT 1';
"""


def findings(root: Path) -> list[str]:
    """What is wrong with the dependencies of a workspace that is sound otherwise."""
    workspace = load(find_files(root))
    assert [str(error) for error in workspace.errors] == []
    return [str(finding) for finding in read_dependencies(workspace).findings()]


def fragments(sql: dict[str, str], **keys: str) -> dict[str, str]:
    """A package p of fragments that one migration ships, beside the platform's auth."""
    build = "".join(
        f'[fragment.{name}]\nsrc = "{name}.sql"\n{keys.get(name, "")}\n' for name in sql
    )
    build += '[migration.m]\ntitle = "M"\nout = "out/1_m.sql"\nroots = [":all"]\n'
    files = {f"p/{name}.sql": text for name, text in sql.items()}
    return files | {
        "p/BUILD.toml": build,
        "platform/BUILD.toml": PLATFORM,
        "platform/auth.sql": AUTH,
    }


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON public.users (name) WHERE id > 0;",
        "CREATE TABLE public.t (u int REFERENCES public.users);",
        "CREATE TABLE public.t (u int, FOREIGN KEY (u) REFERENCES users (id));",
        "CREATE VIEW public.v AS SELECT users.* FROM users;",
        "CREATE FUNCTION f() RETURNS SETOF public.users LANGUAGE sql AS '';",
        "COMMENT ON COLUMN public.users.name IS 'x';",
        "CREATE POLICY p ON users USING (users IS NOT NULL AND users.ctid IS NOT NULL);",
        "DO $$ BEGIN IF EXISTS (SELECT FROM public.users) THEN NULL; END IF; END $$;",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE public.users ADD COLUMN x int'; END $$;",
        "SELECT 'public.users'::regclass;",
        "COMMENT ON INDEX public.users_pkey IS 'x';",
        "ALTER TABLE IF EXISTS public.users ENABLE ROW LEVEL SECURITY;",
    ],
)
def test_a_reference_needs_its_dep_and_a_dep_its_reference(write: Write, sql: str) -> None:
    """Without the dep the reference is told with the line to write; with it all is well."""
    root = write(fragments({"users": USERS, "x": sql}))

    (finding,) = findings(root)

    assert finding.startswith("packages/p/x.sql:1:")
    assert "undeclared-dep: " in finding
    assert "is provided by //p:users, which is not in deps" in finding
    assert 'add deps = [":users"] to [fragment.x] at packages/p/BUILD.toml:4, or run' in finding
    write(fragments({"users": USERS, "x": sql}, x='deps = [":users"]'))
    assert findings(root) == []


def test_an_unused_dep_is_told_on_its_line(write: Write) -> None:
    """A dep that nothing in the SQL needs is told where it is written."""
    keys = 'deps = [\n  ":users",\n  "//platform:auth",\n]'
    sql = {"users": USERS, "x": "CREATE INDEX i ON public.users (name);"}

    (finding,) = findings(write(fragments(sql, x=keys)))

    assert finding.startswith(
        "packages/p/BUILD.toml:8:1: unused-dep: packages/p/x.sql refers to nothing that "
        '//platform:auth provides\n  help: remove "//platform:auth", or run `schema deps --fix`'
    )


def test_what_a_body_hides_is_declared_as_unverified(write: Write) -> None:
    """unverified_deps need no visible reference, and a visible one is no second error."""
    hidden = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM public.users';"
    visible = "CREATE VIEW v AS SELECT * FROM public.users;"
    for sql in (hidden, hidden + visible):
        root = write(fragments({"users": USERS, "x": sql}, x='unverified_deps = [":users"]'))
        assert findings(root) == []


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        (
            "CREATE INDEX i ON public.userz (name);",
            (
                "packages/p/x.sql:1:19: unresolved-object: nothing provides relation public.userz\n"
                "  help: did you mean relation public.users?"
            ),
        ),
        (
            "CREATE INDEX i ON public.users (nam);",
            (
                "packages/p/x.sql:1:1: unresolved-object: "
                "nothing provides column public.users.nam\n"
                "  help: did you mean column public.users.name?"
            ),
        ),
        (
            "SELECT other.thing();",
            (
                "packages/p/x.sql:1:8: unresolved-object: nothing provides function other.thing\n"
                "  help: create it in a fragment, or declare it in an [external.NAME]"
            ),
        ),
        (
            "GRANT SELECT ON public.users TO nobody_knows;",
            "packages/p/x.sql:1:33: unresolved-object: nothing provides role nobody_knows",
        ),
        (
            "COMMENT ON COLUMN auth.users.email IS 'x';",
            (
                "packages/p/x.sql:1:1: unresolved-object: "
                "nothing provides column auth.users.email\n"
                '  help: add "column auth.users.email" to provides of //platform:auth in '
                "packages/platform/BUILD.toml"
            ),
        ),
    ],
)
def test_what_nobody_provides_is_told_with_the_closest(
    write: Write, sql: str, finding: str
) -> None:
    """A typing error is told at its place, with what was meant."""
    deps = 'deps = [":users"]' if "public.users" in sql else ""
    deps = deps or ('deps = ["//platform:auth"]' if "auth.users" in sql else "")

    (found,) = findings(write(fragments({"users": USERS, "x": sql}, x=deps)))

    assert found.startswith(finding)


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE public.t (LIKE public.users, extra int);",
        "CREATE TABLE public.t (extra int) INHERITS (public.users);",
        "CREATE TABLE public.t AS SELECT * FROM public.users;",
        "CREATE VIEW public.t AS SELECT * FROM public.users;",
        "SELECT * INTO public.t FROM public.users;",
    ],
)
def test_columns_that_the_grammar_cannot_see_are_not_called_missing(
    write: Write, table: str
) -> None:
    """Copied, inherited and selected columns are left to PostgreSQL."""
    sql = {"users": USERS, "t": table, "x": "COMMENT ON COLUMN public.t.name IS 'x';"}

    assert findings(write(fragments(sql, t='deps = [":users"]', x='deps = [":t"]'))) == []


@pytest.mark.parametrize(
    ("sql", "facts"),
    [
        (
            {"a": USERS, "b": USERS},
            ["packages/p/b.sql:1:14: provided-twice: relation public.users is provided by //p:a"],
        ),
        (
            {"a": "CREATE TABLE t (a int);\nCREATE TABLE IF NOT EXISTS public.t (a int);"},
            ["packages/p/a.sql:2:28: provided-twice: relation public.t is created twice in this"],
        ),
        (
            {"a": USERS, "b": "CREATE TABLE IF NOT EXISTS auth.users (x int);"},
            ["packages/platform/auth.sql:2:14: provided-twice: relation auth.users is provided by"],
        ),
        (
            {
                "a": "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS '';\n"
                "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS '';"
            },
            [],
        ),
        (
            {"a": "DO $$ BEGIN IF x THEN CREATE ROLE r; ELSE CREATE ROLE r LOGIN; END IF; END $$;"},
            [],
        ),
        ({"a": "CREATE TYPE public.t AS ENUM ('a');\nCREATE ROLE t;"}, []),
    ],
)
def test_an_object_has_one_provider(write: Write, sql: dict[str, str], facts: list[str]) -> None:
    """A second CREATE … IF NOT EXISTS would be skipped without a word, so it is told, once."""
    keys = 'deps = ["//platform:auth"]'
    found = findings(write(fragments(sql, b=keys if "auth." in sql.get("b", "") else "")))

    found = [line for line in found if "unused-dep" not in line and "undeclared" not in line]
    assert [line[: len(fact)] for line, fact in zip(found, facts, strict=True)] == facts


def test_an_external_keeps_its_promises(write: Write) -> None:
    """What `provides` says and the stub does not create is told at the promise."""
    files = fragments({"users": USERS})
    files["platform/BUILD.toml"] = PLATFORM.replace("auth.uid", "auth.jwt")

    (finding,) = findings(write(files))

    assert finding.startswith(
        "packages/platform/BUILD.toml:3:1: broken-promise: the stub packages/platform/auth.sql "
        "does not provide function auth.jwt"
    )


def test_a_stub_may_lean_on_its_own_database(write: Write) -> None:
    """References of stubs that nobody declares are not our business."""
    files = fragments({"users": USERS})
    files["platform/auth.sql"] += "GRANT USAGE ON SCHEMA auth TO supabase_admin;"

    assert findings(write(files)) == []


@pytest.mark.parametrize(
    ("migrations", "finding"),
    [
        ("", "packages/p/BUILD.toml:1:1: unshipped-fragment: no migration ships //p:a"),
        (
            (
                '[migration.m]\ntitle="M"\nout="o/1_m.sql"\nroots=[":a"]\n'
                '[migration.n]\ntitle="N"\nout="o/2_n.sql"\nroots=[":a"]\n'
            ),
            (
                "packages/p/BUILD.toml:10:1: shipped-twice: //p:a is shipped by //p:m too\n"
                '  help: if that one ships first, add after = ["//p:m"]'
            ),
        ),
    ],
)
def test_a_fragment_is_shipped_once(write: Write, migrations: str, finding: str) -> None:
    """A fragment that no migration ships, or two do, is told."""
    build = f'[fragment.a]\nsrc = "a.sql"\n{migrations}'

    (found,) = findings(write({"p/BUILD.toml": build, "p/a.sql": USERS}))

    assert found.startswith(finding)


def test_sql_that_cannot_be_read_is_no_finding_but_an_error(write: Write) -> None:
    """A syntax error is told as such, and blames nobody's deps."""
    sql = {"users": "CREATE TABLE (", "x": "SELECT 1;"}
    root = write(fragments(sql, x='deps = [":users"]'))

    dependencies = read_dependencies(load(find_files(root)))

    assert [str(e).split(": ")[1] for e in dependencies.errors] == ["syntax"]
    assert dependencies.findings() == []


def test_our_own_fragments_depend_on_what_they_declare() -> None:
    """The real packages are sound, and each dep that is taken away is missed by name."""
    workspace = load(find_files(Path(__file__).parents[2]))
    dependencies = read_dependencies(workspace)
    assert [str(error) for error in workspace.errors] == []
    assert dependencies.findings() == []

    access = parse_label("//schema/instance_tasks:access")
    needed = dependencies.needed(dependencies.interfaces[access])

    assert set(needed) == set(workspace.targets[access].deps)


# ── schema deps --fix ────────────────────────────────────────────────────────────────────────────


def labels(*texts: str) -> list[Label]:
    """Labels as seen from the package p."""
    return [parse_label(text, "p") for text in texts]


@pytest.mark.parametrize(
    ("before", "deps", "after"),
    [
        (
            (
                '# top\n[fragment.t]\nsrc = "t.sql" # the table\n\n'
                '# about u\n[fragment.u]\nsrc="u.sql"\n'
            ),
            {"t": labels("//q:c", ":a"), "u": []},
            (
                '# top\n[fragment.t]\nsrc = "t.sql" # the table\ndeps = [":a", "//q:c"]\n\n'
                '# about u\n[fragment.u]\nsrc="u.sql"\n'
            ),
        ),
        (
            '[external.t]\nremedy = "x"\nstub = "t.sql"\nprovides = []\n',
            {"t": labels(":a")},
            '[external.t]\nremedy = "x"\nstub = "t.sql"\ndeps = [":a"]\nprovides = []\n',
        ),
        (
            '[fragment.t]\nsrc = "t.sql"\ndeps = [":b", "//q:c"] # why\nunverified_deps = [":z"]\n',
            {"t": labels(":a", "//q:c")},
            '[fragment.t]\nsrc = "t.sql"\ndeps = [":a", "//q:c"] # why\nunverified_deps = [":z"]\n',
        ),
        (
            '[fragment.t]\nsrc = "t.sql"\ndeps = [":a"] # gone\n\n# next\n[fragment.u]\n',
            {"t": []},
            '[fragment.t]\nsrc = "t.sql"\n\n# next\n[fragment.u]\n',
        ),
        (
            '[fragment.t]\nsrc = "t.sql"\ndeps = [\n  # none, on purpose\n]\n',
            {"t": []},
            '[fragment.t]\nsrc = "t.sql"\ndeps = [\n  # none, on purpose\n]\n',
        ),
        (
            (
                '[fragment.t]\nsrc = "t.sql"\ndeps = [ # open\n  # about a\n  ":a", # a\n\n'
                '  "//q:c", # c\n] # after\n'
            ),
            {"t": labels(":a", ":b", "//q:c")},
            (
                '[fragment.t]\nsrc = "t.sql"\ndeps = [ # open\n  # about a\n  ":a", # a\n\n'
                '  ":b",\n\n  "//q:c", # c\n] # after\n'
            ),
        ),
        (
            "fragment.t.src = 't.sql' # c\nfragment.u.src = 'u.sql'\n",
            {"t": labels(":a"), "u": []},
            "fragment.t.src = 't.sql' # c\nfragment.t.deps = [\":a\"]\nfragment.u.src = 'u.sql'\n",
        ),
        (
            '[fragment.t]\nsrc = "t.sql"',
            {"t": labels(":a")},
            '[fragment.t]\nsrc = "t.sql"\ndeps = [":a"]\n',
        ),
    ],
    ids=["missing", "external", "changed", "emptied", "explained", "lines", "dotted", "no-newline"],
)
def test_fix_writes_the_deps_and_nothing_else(
    before: str, deps: dict[str, Iterable[Label]], after: str
) -> None:
    """Right deps are written where a person would, and every other byte stays."""
    assert rewrite_deps(before, "p", deps) == after


@pytest.mark.parametrize(
    "text",
    [
        '[fragment.t]\nsrc = "t.sql"\ndeps = ["//p:a","//q:c" ,]\n',
        "[fragment.t]\ndeps = [ # x\n\t'//q:c', # c\n\t':a' # a\n]\nsrc = 't.sql'",
        "fragment = { t = { src = 't.sql', deps = [':a', '//q:c'] } }",
        '["fragment".\'t\']\n"deps" = [":a", "//q:c"]\n\n\n# end',
    ],
)
def test_fix_leaves_right_deps_as_they_are_written(text: str) -> None:
    """Order, quotes and spacing are the author's as long as the labels are right."""
    assert rewrite_deps(text, "p", {"t": labels(":a", "//q:c")}) == text


def test_fix_puts_a_list_that_is_long_on_lines_of_its_own() -> None:
    """A new list stays readable."""
    wanted = labels(*(f"//a/long/package/name_{number}:table" for number in range(5)))
    text = rewrite_deps('[fragment.t]\nsrc = "t.sql"\n', "p", {"t": wanted})

    assert len(text.splitlines()) == 9
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("seed", range(60))
def test_fix_is_idempotent_and_keeps_comments_and_keys(seed: int) -> None:
    """Whatever the file looks like: deps are right after it, the rest is as before."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeat itself
    pool = [":a", ":b", ":c", "//q:a", "//q/r:b", "//s:c", "//p:d"]
    lines, wanted = [], {}
    for name in ("t", "u", "v"):
        have = chance.sample(pool, chance.randint(0, 4))
        wanted[name] = set(labels(*chance.sample(pool, chance.randint(0, 4))))
        lines += [f"# about {name}", f"[fragment.{name}] # header {name}", f'src = "{name}.sql"']
        if chance.random() < 0.3:
            lines.append("# between")
        style = chance.choice(["none", "line", "lines", "commented"])
        quoted = [f'"{item}"' for item in have]
        if style == "line":
            lines.append(f"deps = [{', '.join(quoted)}]")
        elif style == "lines":
            lines += ["deps = [", *(f"  {item}," for item in quoted), "]"]
        elif style == "commented":
            lines += ["deps = [ # open", *(f"  # above\n  {item}," for item in quoted), "]"]
        lines += [f'unverified_deps = ["//z:{name}"] # tail'] * (chance.random() < 0.5)
        lines += [""] * chance.randint(0, 2)
    before = "\n".join(lines)

    after = rewrite_deps(before, "p", wanted)

    old, new = tomllib.loads(before)["fragment"], tomllib.loads(after)["fragment"]
    for name, table in new.items():
        assert set(labels(*table.pop("deps", []))) == wanted[name]
        old[name].pop("deps", None)
    assert new == old
    assert re.findall(r"#.*", after) == re.findall(r"#.*", before)
    assert rewrite_deps(after, "p", wanted) == after


def test_a_fault_on_one_file_is_an_error_of_that_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the dependency check does not expect ends in one error with its place."""
    root = write(fragments({"users": USERS, "t": "SELECT 1;\nCREATE VIEW public.v AS SELECT 1;"}))
    original = schema_sql.objects.provides

    def fail(statement: schema_sql.statements.Statement) -> object:
        if statement.kind == "ViewStmt":
            raise KeyError("name")
        return original(statement)

    monkeypatch.setattr("schema_targets.dependencies.provides", fail)
    (error,) = read_dependencies(load(find_files(root))).errors

    assert str(error).startswith(
        "packages/p/t.sql:2:1: internal-error: the dependency check could not read this statement"
    )
