"""The style gate, seen from its callers: what it finds, what it mends, what it remembers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from schema_style import Result, StyleError, check, workers
from schema_style.job import Job, Outcome

REPOSITORY = Path(__file__).parents[2]

HOUSE_STYLE = """\
-- Reasons in line comments; facts in COMMENT ON.
CREATE TABLE IF NOT EXISTS public.workflow_definitions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  app_code TEXT NOT NULL,
  tags TEXT[] NOT NULL DEFAULT '{}',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  CONSTRAINT workflow_definitions_pkey PRIMARY KEY (id),
  CONSTRAINT workflow_definitions_status_check CHECK (status IN (
    'DRAFT', 'ACTIVE', 'DEPRECATED'
  )),
  CONSTRAINT workflow_definitions_app_code_fkey FOREIGN KEY (app_code)
    REFERENCES public.applications (app_code)
);

COMMENT ON TABLE public.workflow_definitions IS
  'Workflow blueprints: '
  'one row per version of a workflow.';

CREATE INDEX IF NOT EXISTS workflow_definitions_app_code_status_idx
  ON public.workflow_definitions (app_code, status)
  WHERE is_active;

DROP POLICY IF EXISTS "app_isolation" ON public.workflow_definitions;
CREATE POLICY "app_isolation" ON public.workflow_definitions
  FOR ALL
  TO authenticated
  USING (app_code IS NULL OR app_code = ((SELECT auth.jwt()) ->> 'app_code'))
  WITH CHECK (app_code = ((SELECT auth.jwt()) ->> 'app_code'));

REVOKE ALL ON TABLE public.workflow_definitions FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON TABLE public.workflow_definitions
  TO authenticated, service_role;
"""

CARELESS = """\


create table if not exists public.t (
     ID uuid  not null default GEN_RANDOM_UUID() ,
  b BOOLEAN DEFAULT true
);



COMMENT ON TABLE public.t IS 'x'"""

MENDED = """\
CREATE TABLE IF NOT EXISTS public.t (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  b BOOLEAN DEFAULT TRUE
);

COMMENT ON TABLE public.t IS 'x';
"""

LONG = f"COMMENT ON TABLE public.t IS '{'x' * 100}';\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory in which this repository's style holds."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that went to sqlfluff, in the order in which they did."""
    paths: list[str] = []
    run = workers.run

    def recording(jobs: list[Job]) -> list[Outcome]:
        paths.extend(job.path for job in jobs)
        return run(jobs)

    monkeypatch.setattr(workers, "run", recording)
    return paths


def write(root: Path, text: str | bytes, name: str = "a.sql") -> Path:
    """Put a file below the root."""
    path = root / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def look(root: Path, *, fix: bool = False) -> Result:
    """Check all files below the root, with a cache."""
    return check([root], root=root, cache_dir=root / ".cache", fix=fix)


def test_house_style_passes(root: Path) -> None:
    """The style in which the fragments are written is the style that the gate asks for."""
    write(root, HOUSE_STYLE)
    assert look(root) == Result(findings=(), checked=1, fixed=())


def test_findings_and_their_mending(root: Path) -> None:
    """Case, white space and terminators are found with their position, and mended in one go."""
    path = write(root, CARELESS)
    found = {(finding.code, finding.line) for finding in look(root).findings}
    assert found >= {
        ("LT13", 1),
        ("CP01", 3),
        ("LT02", 4),
        ("CP02", 4),
        ("CP03", 4),
        ("CP05", 4),
        ("LT01", 4),
        ("CP04", 5),
        ("LT15", 8),
        ("CV06", 10),
        ("LT12", 10),
    }
    assert path.read_text(encoding="utf-8") == CARELESS
    assert look(root, fix=True) == Result(findings=(), checked=1, fixed=("a.sql",))
    assert path.read_bytes() == MENDED.encode()
    assert sorted(file.name for file in root.iterdir()) == [".cache", "a.sql", "pyproject.toml"]


def test_long_lines_are_left_to_their_author(root: Path) -> None:
    """A long line is reported with its remedy and not broken, by no other rule's mending either."""
    text = f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.t TO {'a, ' * 20}b;\n"
    careful, careless = write(root, text), write(root, text.replace("TO", "to"), "b.sql")
    before = careful.stat()
    result = look(root, fix=True)
    assert [str(finding) for finding in result.findings] == [
        (
            f"{name}:1:1: layout.long_lines: Line is too long (120 > 100)\n"
            "  help: break the line; a string may continue as another string on the next line"
            " (PostgreSQL joins them)"
        )
        for name in ("a.sql", "b.sql")
    ]
    assert careless.read_text(encoding="utf-8") == text
    assert result.fixed == ("b.sql",)
    after = careful.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("text", "where", "fact"),
    [
        ("SELECT 1;\nCREATE TABL x (a int);\n", "a.sql:2:1: parsing:", "begins here: CREATE TABL"),
        ("select 1; SELECT (1;\n", "a.sql:1:18: parsing:", "closing bracket"),
        ("SELECT 'abc\n", "a.sql:1:8: parsing:", "'abc"),
        ("SELECT 1;\n-- sqlfluff:dialect:none\n", "a.sql:2:1: inline-configuration:", "sqlfluff"),
        (
            "SELECT 1;\nSELECT 'ü\xff';\n".encode("latin-1"),
            "a.sql:2:9: unreadable-file:",
            "not UTF-8",
        ),
    ],
)
def test_unreadable_file_is_one_finding(
    root: Path, text: str | bytes, where: str, fact: str
) -> None:
    """What sqlfluff cannot read is said in one finding, not skipped, and never rewritten."""
    path = write(root, text)
    before = path.read_bytes()
    result = look(root, fix=True)
    [message] = map(str, result.findings)
    assert message.startswith(where)
    assert fact in message
    assert (path.read_bytes(), result.fixed) == (before, ())


def test_noqa_has_no_effect(root: Path) -> None:
    """No comment in a file switches the style off."""
    write(root, "select 1; -- noqa\n")
    assert [finding.code for finding in look(root).findings] == ["CP01"]


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("SELECT a OPERATOR(pg_catalog.<=) b;\n", None),
        ("SELECT a\nORDER BY b USING OPERATOR(pg_catalog.<);\n", "SELECT a\nORDER BY"),
        ("CREATE OPERATOR public.=== (FUNCTION = f, LEFTARG = a);\n", None),
        (
            (
                "ALTER TABLE t ADD CONSTRAINT c\n"
                "EXCLUDE USING gist (a WITH OPERATOR(pg_catalog.=), b WITH -|-);\n"
            ),
            None,
        ),
        ("SELECT a ?- b;\n", None),
        ("SELECT a?-b;\n", "SELECT a ?- b;\n"),
        ("SELECT @ -5, |/ 25, !!q, ~5;\n", None),
        ("SELECT - - 5;\n", "SELECT - -5;\n"),
        ("SELECT a # b, a <-> b, a &<| b, a |=| b;\n", None),
        ("SELECT j @? '$.a', j #>> '{a}', j ->> 'x', j @@ '$.a';\n", None),
        ("SELECT a<=b, c!=d;\n", "SELECT a <= b, c != d;\n"),
        ("SELECT N'x', U&'d!61' UESCAPE '!', E'\\'', B'01', X'1F';\n", None),
        ("SELECT $$a  b$$, $Tag$a  b$Tag$, $1, 0x1F, 1_000, 1., .5e10;\n", None),
        ("SELECT ÜBER FROM É;\n", "SELECT Über FROM É;\n"),
        ("SELECT ÉTÉ, éone FROM a$b;\n", "SELECT ÉtÉ, éone FROM a$b;\n"),
        ('SELECT "Ü  -- noqa" FROM U&"d!61" UESCAPE \'!\';\n', None),
        ("select a[1 : 2], f(x=>1), b ::text;\n", "SELECT a[1:2], f(x => 1), b::TEXT;\n"),
        (
            "GRANT SELECT\nON TABLE Public\n.Runs TO a;\n",
            "GRANT SELECT\nON TABLE public.runs TO a;\n",
        ),
        ("/* x /* y */ z  */\nselect 1 -- c", "/* x /* y */ z  */\nSELECT 1; -- c\n"),
    ],
)
def test_a_fix_keeps_every_token(root: Path, text: str, fixed: str | None) -> None:
    """What PostgreSQL reads as one thing is never split, joined or renamed, nor reported."""
    path = write(root, text)

    result = look(root, fix=True)

    assert [str(finding) for finding in result.findings] == []
    assert path.read_text(encoding="utf-8").startswith(fixed or text)


def test_a_comma_is_not_carried_over_a_comment(root: Path) -> None:
    """What comes before a comment stays there; the rest of the file is fixed."""
    path = write(root, "select\n  a -- first\n  , b ;\n")

    [finding] = look(root, fix=True).findings

    assert path.read_text(encoding="utf-8") == "SELECT\n  a -- first\n  , b;\n"
    assert (finding.code, finding.line, finding.fixable) == ("LT04", 3, False)
    assert finding.help.startswith("correct it by hand: ")


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c", "\x1d", "\x1e"])
@pytest.mark.parametrize(
    "directive",
    [
        "-- sqlfluff:rules:capitalisation.keywords:capitalisation_policy:lower",
        "--sqlfluff:dialect:none",
        "-- noqa: disable=all",
    ],
)
def test_no_line_break_of_another_script_hides_a_directive(
    root: Path, char: str, directive: str
) -> None:
    """What Python takes for the end of a line does not make a comment sqlfluff's configuration."""
    write(root, f"-- Reason.{char}{directive}\nselect 1;\n")

    assert [finding.code for finding in look(root).findings] == ["CP01"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "-- Reason.\rselect 1;\n",
            "a.sql:1:11: unreadable-file: the file holds",
        ),
        ("SELECT\v1;\n", "a.sql:1:7: white-space: U+000B"),
        ("SELECT 1;\n\f\nselect 2;\n", "a.sql:2:1: white-space: U+000C"),
        ("SELECT\x1e1;\n", "a.sql:1:7: parsing: PostgreSQL does not know"),
        ("\\echo select\nSELECT 1;\n", "a.sql:1:1: parsing: this is a command of psql"),
    ],
)
def test_nothing_hides_the_rest_of_a_file(root: Path, text: str, place: str) -> None:
    """What sqlfluff would take for a comment or a space, and PostgreSQL would not, is reported."""
    path = write(root, text)

    [finding] = look(root, fix=True).findings

    assert str(finding).startswith(place)
    assert path.read_bytes() == text.encode()


def test_empty_file_is_no_finding(root: Path) -> None:
    """Nothing is in no style, so that mending it comes to an end."""
    write(root, "\n")
    assert look(root, fix=True) == Result(findings=(), checked=1, fixed=())


def test_unchanged_tree_needs_no_sqlfluff(root: Path) -> None:
    """An unchanged tree costs hashing alone, with its findings and with `fix` too."""
    write(root, LONG)
    [finding] = look(root).findings
    program = (
        "import sys; sys.modules['sqlfluff'] = None\n"
        "from pathlib import Path; from schema_style import check\n"
        "for fix in (False, True):\n"
        "    print(*check([Path()], root=Path(), cache_dir=Path('.cache'), fix=fix).findings)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{finding}\n" * 2, "")


def test_only_what_changed_is_looked_at(root: Path, looked_at: list[str]) -> None:
    """What is remembered of a file holds for its content, whatever happens to others."""
    write(root, LONG)
    write(root, LONG, "b.sql")
    look(root)
    write(root, LONG.replace("x", "y"))
    look(root)
    assert looked_at == ["a.sql", "b.sql", "a.sql"]


def test_changed_style_looks_at_everything_again(root: Path, looked_at: list[str]) -> None:
    """What is remembered holds for one configuration."""
    write(root, LONG)
    look(root)
    config = root / "pyproject.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("max_line_length = 100", "max_line_length = 200"), "utf-8")
    assert look(root).checked == 1
    assert looked_at == ["a.sql", "a.sql"]


def test_nothing_is_remembered_without_a_cache(root: Path, looked_at: list[str]) -> None:
    """Without a directory for it there is no cache, neither read nor written."""
    write(root, LONG)
    for _ in range(2):
        check([root], root=root, cache_dir=None)
    assert looked_at == ["a.sql", "a.sql"]
    assert sorted(file.name for file in root.iterdir()) == ["a.sql", "pyproject.toml"]


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"key": 1}', "\xff", "[" * 200_000], ids=lambda text: text[:9]
)
def test_corrupt_cache_is_ignored(root: Path, broken: str) -> None:
    """A damaged cache costs time and nothing else, and is whole again afterwards."""
    write(root, LONG)
    remembered = look(root)
    stored = root / ".cache" / "findings.json"
    whole = stored.read_bytes()
    stored.write_bytes(broken.encode("latin-1"))
    assert look(root) == remembered
    assert stored.read_bytes() == whole


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"line": 1', '"line": "1"'),
        ('"fixable": false', '"fixable": 7'),
        ('"message": "', '"message": ["x"], "old": "'),
        ('"rule": ', '"rule": null, "else": '),
        ('"findings": [', '"findings": 5, "else": ['),
        ('"findings": [', '"findings": [5, '),
    ],
)
def test_a_remembered_finding_of_another_form_is_forgotten(root: Path, old: str, new: str) -> None:
    """Values of wrong types in the cache never reach the report: the file is looked at again."""
    write(root, LONG)
    write(root, LONG, "b.sql")
    remembered = look(root)
    stored = root / ".cache" / "findings.json"
    text = stored.read_text(encoding="utf-8")
    assert old in text
    stored.write_text(text.replace(old, new), encoding="utf-8")

    assert look(root) == remembered
    assert stored.read_text(encoding="utf-8") == text


def test_cache_forgets_files_that_are_gone(root: Path) -> None:
    """The cache never holds more than the tree."""
    write(root, "SELECT 1;\n", "gone.sql")
    look(root)
    (root / "gone.sql").rename(root / "here.sql")
    look(root)
    stored = (root / ".cache" / "findings.json").read_text(encoding="utf-8")
    assert "here.sql" in stored
    assert "gone.sql" not in stored


def test_unwritable_cache_is_no_error(root: Path) -> None:
    """Where nothing can be remembered the gate still works."""
    write(root, "SELECT 1;\n")
    (root / "file").touch()
    result = check([root], root=root, cache_dir=root / "file" / "cache")
    assert result.findings == ()


def test_processes_answer_like_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handed to several processes, each file gets the findings that are its own."""
    write(root, "select 1;\n")
    write(root, LONG, "b.sql")
    alone = check([root], root=root, cache_dir=None)
    monkeypatch.setattr(workers, "PARALLEL_FROM", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert check([root], root=root, cache_dir=None) == alone
    assert [(finding.path, finding.code) for finding in alone.findings] == [
        ("a.sql", "CP01"),
        ("b.sql", "LT05"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"LT01",', '"LT99",', "sqlfluff has no rule LT99"),
        ('dialect = "postgres"', 'dialect = "none"', "sqlfluff refuses"),
        ("[tool.", "[other.", r"no table \[tool.sqlfluff\]"),
        ("[tool.", "[tool", "pyproject.toml: "),
    ],
)
def test_wrong_configuration_is_one_clear_error(
    root: Path, old: str, new: str, message: str
) -> None:
    """A configuration that cannot hold stops the gate, instead of letting it check less."""
    write(root, "SELECT 1;\n")
    config = root / "pyproject.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(StyleError, match=message):
        look(root)


def test_missing_path_is_one_clear_error(root: Path) -> None:
    """A path that does not exist is named, relative to the root."""
    with pytest.raises(StyleError, match=r"^x/none\.sql: no such file or directory$"):
        check([root / "x/none.sql"], root=root, cache_dir=None)


@pytest.mark.parametrize(
    ("data", "fixed"),
    [
        (b"\xef\xbb\xbfSELECT 1;\n", None),
        (b"\xef\xbb\xbfselect 1;\r\n", b"SELECT 1;\n"),
        (b"SELECT 1;\r\nSELECT 2;\r\n", None),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_text(
    root: Path, data: bytes, fixed: bytes | None
) -> None:
    """A file is read as every other tool of ours reads it, and not rewritten for its mark alone."""
    path = write(root, data)

    assert look(root, fix=True).findings == ()
    assert path.read_bytes() == (fixed or data)


def foreign_files(root: Path) -> list[Path]:
    """Files out of style that are not the project's, and a .gitignore that names some of them."""
    names = [
        ".git/a.sql",
        ".nox/test/lib/a.sql",
        ".venv/a.sql",
        "deep/node_modules/x/a.sql",
        "deep/__pycache__/a.sql",
        "env/lib/a.sql",
        "vendored/a.sql",
        "vendored/deep/a.sql",
        "dist/a.sql",
        "deep/made.sql",
        "deep/local/b.sql",
        "deep/.hidden.sql",
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write(root, CARELESS, name)
    (root / "env/pyvenv.cfg").touch()
    (root / "vendored/.git").write_text("gitdir: elsewhere", encoding="utf-8")
    (root / ".gitignore").write_text("# made\ndist/\n*.sql\n!*.sql\nmade.sql\n", encoding="utf-8")
    (root / "deep/.gitignore").write_text("/local\n", encoding="utf-8")
    return [root / name for name in names]


def test_what_is_not_the_projects_is_left_alone(root: Path) -> None:
    """A folder stands for the project's files in it, and for nobody else's."""
    foreign = foreign_files(root)
    write(root, CARELESS, "deep/own.sql")
    write(root, CARELESS)

    result = check([root], root=root, cache_dir=None, fix=True)

    assert result.fixed == ("a.sql", "deep/own.sql")
    assert {path.read_text(encoding="utf-8") for path in foreign} == {CARELESS}


@pytest.mark.parametrize(
    "name",
    [".git", ".git/a.sql", ".nox/test", "deep/node_modules", "env/lib/a.sql", "vendored/deep"],
)
def test_what_is_not_the_projects_cannot_be_named(root: Path, name: str) -> None:
    """Asked for by name it is refused, with the reason, before anything is written."""
    foreign = foreign_files(root)
    own = write(root, CARELESS)

    with pytest.raises(StyleError, match="is not the project's own"):
        check([own, root / name], root=root, cache_dir=None, fix=True)

    assert {path.read_text(encoding="utf-8") for path in [own, *foreign]} == {CARELESS}


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_no_link_leads_a_fix_out_of_the_workspace(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Links of files and folders, to outside, to what is left alone and in a circle."""
    outside = tmp_path_factory.mktemp("outside")
    theirs = write(outside, CARELESS)
    foreign = foreign_files(root)
    (root / "file.sql").symlink_to(theirs)
    (root / "folder").symlink_to(outside)
    (root / "git.sql").symlink_to(root / ".git/a.sql")
    (root / "made.sql").symlink_to(root / "deep/local/b.sql")
    (root / "loop").symlink_to(root)
    (root / "self.sql").symlink_to("self.sql")
    (root / "void.sql").symlink_to("nothing.sql")
    (root / "self.sql").unlink()
    (root / "void.sql").unlink()
    own = write(root, CARELESS, "own.sql")
    (root / "link.sql").symlink_to("own.sql")

    assert check([root], root=root, cache_dir=None, fix=True).fixed == ("own.sql",)
    for link in ("file.sql", "folder", "folder/a.sql", "git.sql"):
        with pytest.raises(StyleError, match=r"a link leads out|is not the project's own"):
            check([root / link], root=root, cache_dir=None, fix=True)

    assert {path.read_text(encoding="utf-8") for path in [theirs, *foreign]} == {CARELESS}
    assert (root / "link.sql").is_symlink()
    assert own.read_text(encoding="utf-8") == MENDED


def test_outside_is_no_place_to_check(root: Path) -> None:
    """A file that is not in the workspace has another style, or none."""
    for path in (root.parent / "a.sql", root / "../out/o.sql"):
        with pytest.raises(StyleError, match=r"\.sql: it is outside of the workspace$"):
            check([path], root=root, cache_dir=None)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize(
    ("signals", "broken"),
    [("SIGINT SIGHUP", "ZeroDivisionError"), ("SIGTERM", "workers.BrokenProcessPool")],
)
def test_signals_while_processes_start_change_no_answer(
    root: Path, signals: str, broken: str
) -> None:
    """A terminal's are answered by the parent alone; where workers are ended, nobody waits."""
    for name in ("a.sql", "b.sql"):
        write(root, LONG, name)
    program = root / "program.py"
    program.write_text(
        f"""\
import os, signal, sys
from multiprocessing import util
from pathlib import Path
from schema_style import check, workers

def start_and_signal(*arguments):
    pid = start(*arguments)
    for name in {signals.split()!r}:
        os.kill(pid, getattr(signal, name))
    return pid

if __name__ == "__main__":
    workers.PARALLEL_FROM = 0
    start, util.spawnv_passfds = util.spawnv_passfds, start_and_signal
    # Without several processes the program would do.
    workers.os.cpu_count = lambda: 2
    workers.BrokenProcessPool = {broken}
    root = Path(sys.argv[1])
    print(len(check([root], root=root, cache_dir=None).findings))
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, program, root], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("2\n", "")
