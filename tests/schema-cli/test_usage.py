"""What the command says to somebody who uses it wrongly, and where the files are wrong."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from schema_cli.main import VERBS

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "verbs:"),
        ("biuld", "schema: there is no verb 'biuld'\n  help: did you mean build?"),
        ("xyzzy", "schema: there is no verb 'xyzzy'\n  help: the verbs are: build,"),
        ("--rot . build", "unrecognized arguments: --rot"),
        ("--root", "argument --root: expected one argument"),
        ("--root nowhere build", "schema: --root: nowhere is not a folder"),
        ("--root pyproject.toml build", "schema: --root: pyproject.toml is not a folder"),
        ("--root packages query", "is no workspace\n  help: [tool.schema] in its pyproject.toml"),
        ("build --root .", "unrecognized arguments: --root"),
        ("build --force", "unrecognized arguments: --force"),
        ("build //db:m //db:m", "unrecognized arguments: //db:m"),
        ("build db", "schema: 'db' is not a label; write //package:name, in lower case"),
        ("build :m", "schema: ':m' is not a label; write //package:name, in lower case"),
        ("build //db:n", "schema: there is no target //db:n\n  help: did you mean //db:m?"),
        ("build //db:all", "schema: there is no target //db:all"),
        ("build //zz:zz", "schema: there is no target //zz:zz\n  help: `schema query` lists"),
        ("build //db/platform:roles", "schema: //db/platform:roles is external: it exists"),
        ("build --check //db/tasks:table", "schema: --check compares a file, and //db/tasks:tab"),
        ("deps //db:m", "unrecognized arguments: //db:m"),
        ("query why", "invalid choice: 'why'"),
        ("query deps", "schema: deps takes 1 label"),
        ("query path //db:m", "schema: path takes 2 labels"),
        ("query rdeps //db:m //db:m", "schema: rdeps takes 1 label"),
        ("query deps //db/tasks:tabel", "help: did you mean //db/tasks:table?"),
        ("show", "the following arguments are required: what"),
        ("show //db/tasks:nope", "schema: there is no target //db/tasks:nope"),
        ("show tasks", "schema: 'tasks' is not an object: write a kind and a name"),
        ("show relation", "schema: 'relation' is not an object"),
    ],
)
def test_wrong_usage_is_one_clear_message(
    root: Path, run: Run, arguments: str, message: str
) -> None:
    """Exit status 2, nothing on the output, and a message that says what to write instead."""
    status, out, err = run(*arguments.split())

    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


NO_URL = "this is no PostgreSQL connection URL\n  help: write it as postgresql://USER:PASS"
NOT_ENCODED = (
    "the user, the password or a parameter in the connection URL has a special character that is "
    "not percent-encoded\n  help: percent-encode it: write / as %2F, @ as %40, "
)
WRONG_URLS = [
    ("", "the connection URL is empty\n  help: write it as postgresql://"),
    (" ", "the connection URL is empty\n"),
    ("nonsense", NO_URL),
    ("http://x", NO_URL),
    ("postgresql://me:my/p?x=word@host/db", NOT_ENCODED),
    ("host=h password=my x=1", NO_URL),
    (
        "postgresql://me@host/db?sslmode=require&pgbouncer=true",
        (
            "a PostgreSQL connection URL has no parameter 'pgbouncer'\n"
            "  help: take ?pgbouncer=… out of it, or correct its name\n"
        ),
    ),
]


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("verb", ["locks", "verify"])
@pytest.mark.parametrize(("url", "message"), WRONG_URLS)
def test_a_wrong_url_is_wrong_usage(
    run: Run, monkeypatch: pytest.MonkeyPatch, verb: str, url: str, message: str
) -> None:
    """Also an empty one, as of a variable that is not set: no other server answers instead."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/other")
    status, out, err = run(verb, url)

    assert (status, out) == (2, "")
    assert err.startswith(f"schema: {message}")


@pytest.mark.parametrize("verb", ["db", "locks", "verify"])
def test_a_wrong_database_url_is_wrong_usage(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """The variable is named, because nobody wrote a URL on this command line."""
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    status, out, err = run(verb)

    assert (status, out) == (2, "")
    assert err.startswith(f"schema: DATABASE_URL: {NO_URL}")


def test_an_empty_database_url_counts_as_unset(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DATABASE_URL= schema …` is how people switch it off."""
    monkeypatch.setenv("DATABASE_URL", "")

    assert run("verify") == (
        2,
        "",
        "schema: no database is named\n  help: give its URL, or set DATABASE_URL\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["{url}"],
        ["--root", "{url}", "lint"],
        ["lint", "{url}"],
        ["show", "{url}"],
        ["query", "{url}"],
        ["locks", "{url}", "{url}"],
        ["verify", "--url={url}"],
        ["locks", "--format={url}"],
        ["verify", "{url}", "password='my s3cret'"],
        ["verify", "{url}", "jwt_secret=s3cret"],
        ["verify", "{url}", "service_role_key = s3cret"],
    ],
    ids=" ".join,
)
def test_a_url_in_the_wrong_place_is_not_repeated(
    root: Path, run: Run, arguments: list[str]
) -> None:
    """What a command line is wrong in is quoted, but never a password that stands in it."""
    url = "postgresql://me:s3cret@127.0.0.1:1/db"
    status, out, err = run(*(each.format(url=url) for each in arguments))

    assert (status, out) != (0, "")
    assert err
    assert "s3cret" not in out + err


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("verb", ["db", "locks", "verify"])
@pytest.mark.parametrize("password", ["s3cret", "s3/cret", "s3@cret", "s3%25cret", "s3:cret"])
def test_no_verb_shows_a_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, verb: str, password: str
) -> None:
    """Nobody listens on port 1: whether the URL can be read or not, its password is not shown."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{password}@127.0.0.1:1/db")
    status, out, err = run(verb)

    assert status in {1, 2}
    assert out == ""
    assert "postgresql://" in err or "percent-encode" in err
    assert "s3" not in err
    assert "cret" not in err


INTERRUPTS = [
    ["SIGINT"],
    ["SIGTERM"],
    ["SIGINT", "SIGTERM"],
    ["SIGHUP"],
    ["SIGTERM", "SIGINT", "SIGINT"],
    ["SIGHUP", "SIGTERM", "SIGINT"],
]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("signals", INTERRUPTS, ids=" ".join)
def test_who_ends_the_command_interrupts_it(root: Path, signals: list[str]) -> None:
    """Exit status 130 and not a word, at Ctrl-C as when `kill`, nox or a terminal ends it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db"
        command = [sys.executable, "-m", "schema_cli", "verify", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            connection, _ = silent.accept()
            with connection:
                for name in signals:
                    process.send_signal(getattr(signal, name))
                said = process.communicate(timeout=60)

    assert (process.returncode, *said) == (130, b"", b"")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("signals", INTERRUPTS[::2], ids=" ".join)
def test_who_ends_the_database_leaves_no_server(root: Path, signals: list[str]) -> None:
    """However often and by whom, it ends in order: one line, status 130, and nobody listens."""
    command = [sys.executable, "-m", "schema_cli", "db"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_without_database_url()
    ) as process:
        port = _port_of_the_database(process.stdout)
        for name in signals:
            process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, b"stopped; nothing is left behind\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX")
def test_a_closed_terminal_ends_the_database(root: Path) -> None:
    """Nobody is left to read what it says, which is no reason to leave a server behind."""
    import pty  # noqa: PLC0415 - absent on Windows

    controller, terminal = pty.openpty()
    # A session's first process makes the terminal that it opens its own.
    script = (
        "import os, sys; os.open(os.ttyname(1), os.O_RDWR); from schema_cli.__main__ import run"
    )
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}; sys.exit(run())", "db"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=_without_database_url(),
        start_new_session=True,
    ) as process:
        os.close(terminal)
        with open(controller, "rb", closefd=False) as shown:
            port = _port_of_the_database(shown)
        os.close(controller)
        status = process.wait(timeout=60)

    assert status == 130
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def _without_database_url() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


def _port_of_the_database(shown: IO[bytes] | None) -> int:
    """Read what `schema db` shows up to its URL."""
    assert shown is not None
    for line in shown:
        if found := re.search(rb"url .*127\.0\.0\.1:(\d+)/", line):
            return int(found[1])
    raise AssertionError("it ended before it served")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_the_database_is_reached_from_a_shell_set_up_for_another(root: Path) -> None:
    """What is shown to be typed leaves out the variables that would lead psql elsewhere."""
    command = [sys.executable, "-m", "schema_cli", "db"]
    shell = _without_database_url() | {"PGHOSTADDR": "203.0.113.1", "PGSERVICE": "nowhere"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=shell
    ) as process:
        assert process.stdout is not None
        psql = next(line for line in process.stdout if line.startswith("  psql "))
        asked = [*shlex.split(psql)[1:], "-c", "SELECT 'here'"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False, env=shell)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert answer.stderr == ""
    assert "here" in answer.stdout


def test_no_child_imports_from_the_current_folder(root: Path) -> None:
    """A checkout may hold a multiprocessing.py, which the style gate's processes would run."""
    script = "import os, sys; from schema_cli.__main__ import run; run(); print(); os.system({!r})"
    planted = "import pathlib; pathlib.Path('taken').touch()"
    (root / "colorsys.py").write_text(planted)
    child = f'"{sys.executable}" -c "import colorsys"'
    subprocess.run([sys.executable, "-c", script.format(child), "query"], check=True)

    assert not (root / "taken").exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_at_the_edge_is_no_traceback(root: Path, moment: str) -> None:
    """Also while the command is being imported, and once it has said its last word."""
    script = f"""
import importlib, os, signal, sys
from schema_cli import __main__, interrupts

class Importing:
    def find_spec(self, name, path=None, target=None):
        if {moment!r} == "before" and name == "schema_cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Importing())
status = __main__.run()
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    os.kill(os.getpid(), getattr(signal, name))
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "query"], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.returncode == (130 if moment == "before" else 0)
    assert ("//db/tasks:table" in done.stdout) == (moment == "after")


def test_outside_of_a_workspace(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verb says that there is no workspace, and how to name one."""
    monkeypatch.chdir(tmp_path)
    for verb in ("build", "deps", "query", "show //a:b"):
        status, out, err = run(*verb.split())

        assert (status, out) == (2, "")
        assert "is in no workspace" in err
        assert "help: change into the repository, or name it with --root" in err


@pytest.mark.parametrize("verb", ["build", "deps", "query", "show"])
def test_every_verb_explains_itself(run: Run, verb: str) -> None:
    """--help is there for each verb and ends well."""
    status, out, _ = run(verb, "--help")

    assert status == 0
    assert out.startswith(f"usage: schema {verb}")


def test_the_help_lists_the_verbs(run: Run) -> None:
    """`schema --help` is the table of contents."""
    status, out, _ = run("--help")

    assert status == 0
    assert all(f"\n  {verb} " in out for verb in VERBS)


BROKEN = [
    ("tasks/BUILD.toml", b"[fragment.table", "packages/db/tasks/BUILD.toml:1:16: build-file: "),
    ("tasks/BUILD.toml", b"a = 1\n\0", "packages/db/tasks/BUILD.toml:2:1: unreadable-file: "),
    (
        "tasks/BUILD.toml",
        b'[fragment.table]\nsrc = "table.sql"\ndep = []\n[fragment.access]\nsrc = "access.sql"',
        (
            "packages/db/tasks/BUILD.toml:3:1: build-file: unknown key 'dep' in [fragment.table]\n"
            "  help: did you mean 'deps'?"
        ),
    ),
    ("tasks/new.sql", b"SELECT 1;", "packages/db/tasks/new.sql:1:1: unowned-file: "),
    (
        "tasks/table.sql",
        "-- é\nCREATE TABEL x;".encode(),
        (
            'packages/db/tasks/table.sql:2:8: syntax: syntax error at or near "TABEL"\n'
            "    CREATE TABEL x;\n           ^\n"
        ),
    ),
    ("tasks/table.sql", b"\xff", "packages/db/tasks/table.sql:1:1: unreadable-file: the file h"),
    ("platform/roles.sql", b"\\i x", "packages/db/platform/roles.sql:1:1: syntax: "),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[message for _, _, message in BROKEN])
@pytest.mark.parametrize("command", ["build", "build --check", "deps", "deps --fix"])
def test_a_broken_file_is_told_and_nothing_is_written(
    root: Path, run: Run, command: str, broken: tuple[str, bytes, str]
) -> None:
    """Exit status 1, one error with its place, and no file is touched."""
    name, data, message = broken
    run("build")
    (root / "packages/db" / name).write_bytes(data)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    status, out, err = run(*command.split())

    assert status == 1
    assert err.startswith(message)
    assert "written" not in out
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["query", "query deps //db:m", "show //db/tasks:table"])
def test_questions_need_a_sound_workspace(root: Path, run: Run, command: str) -> None:
    """An answer from half a workspace would be wrong, so the errors are told instead."""
    (root / "packages/db/tasks/new.sql").touch()

    status, out, err = run(*command.split())

    assert (status, out) == (1, "")
    assert "unowned-file" in err


def test_a_folder_that_is_gone_is_told(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system refuses is one line, and not a traceback."""

    def gone() -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "cwd", gone)

    message = "schema: the current folder is gone\n  help: change into a folder that exists\n"
    assert run("query") == (2, "", message)


def test_an_empty_path_is_not_the_current_folder(styled: Path, run: Run) -> None:
    """A variable that is not set, as in `schema style --fix "$file"`, mends no whole folder."""
    table = styled / "packages/db/tasks/table.sql"
    table.write_text("select 1 ;\n", encoding="utf-8")

    status, out, err = run("style", "--fix", "")

    assert (status, out) == (2, "")
    assert err.startswith("schema: a path is empty\n  help: ")
    assert table.read_text(encoding="utf-8") == "select 1 ;\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize(
    ("arguments", "closed", "status", "shown"),
    [
        ("build //db/tasks:table", "1", 0, ""),
        ("build //db/tasks:table", "0", 0, "CREATE TABLE"),
        ("build //db/tasks:none", "1", 2, "there is no target"),
        ("build //db/tasks:none", "2", 2, ""),
        ("build --frob", "2", 2, ""),
        ("build", "2", 0, "written"),
    ],
)
def test_a_closed_stream_leads_to_nowhere(
    root: Path, arguments: str, closed: str, status: int, shown: str
) -> None:
    """With `>&-` nothing fails, no error comes out as SQL, and no file takes the stream's place."""
    command = f"{shlex.quote(sys.executable)} -m schema_cli {arguments} {closed}>&-"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == status
    assert shown in done.stdout + done.stderr
    assert shown or done.stdout + done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
@pytest.mark.parametrize("arguments", [("style",), ("style", "--fix"), ("lint",)])
def test_a_name_that_is_not_utf8_is_shown_escaped(
    styled: Path, run: Run, arguments: tuple[str, ...]
) -> None:
    """Neither a traceback nor a command for the terminal, whatever a file is called."""
    name = os.fsdecode(b"a\xff\x1b[2J.sql")
    (styled / name).write_text(f"select 1 ;\ncomment on table x is '{'x' * 99}'\n", "utf-8")

    status, out, err = run(*arguments, name)

    assert (status, err) == (1, "")
    assert "a\\udcff\\x1b[2J.sql:" in out
    assert "\x1b" not in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
@pytest.mark.parametrize("verb", ["style", "query", "lint", "build", "deps"])
def test_a_named_pipe_is_not_waited_for(styled: Path, run: Run, verb: str) -> None:
    """What is called .sql and is no file is told, and nobody has to write to it."""
    os.mkfifo(styled / "packages/db/tasks/pipe.sql")

    status, out, err = run(verb)

    assert status == 1
    assert "packages/db/tasks/pipe.sql:1:1: " in out + err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_an_output_that_is_a_named_pipe_is_not_waited_for(root: Path, run: Run) -> None:
    """It is named, and stays what it is."""
    (root / "out").mkdir()
    os.mkfifo(root / "out/1_m.sql")

    status, out, err = run("build")

    assert (status, out) == (2, "")
    assert err.endswith("out/1_m.sql: it is not a regular file\n")


def test_a_byte_order_mark_in_the_settings_is_ignored(styled: Path, run: Run) -> None:
    """Every verb reads pyproject.toml in one way."""
    settings = styled / "pyproject.toml"
    settings.write_bytes(b"\xef\xbb\xbf" + settings.read_bytes())

    for arguments in (("query",), ("style", "--no-cache")):
        status, _, err = run(*arguments)
        assert (status, err) == (0, "")


def schema(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "schema_cli", *arguments],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )


def test_the_output_is_utf8_whatever_the_locale(root: Path) -> None:
    """`schema build LABEL > file.sql` gives the same bytes on every system."""
    plain = schema(root, "build", "//db/tasks:table", PYTHONHASHSEED="1")
    ascii_only = schema(
        root,
        *("build", "//db/tasks:table"),
        PYTHONHASHSEED="2",
        PYTHONIOENCODING="ascii",
        LC_ALL="C",
    )

    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout == ascii_only.stdout
    assert "-- Tasks: über alles.\n".encode() in plain.stdout


def test_our_own_fragments_build_alike_under_every_hash_seed() -> None:
    """The real migration does not depend on the order in which sets are walked."""
    root = Path(__file__).parents[2]

    built = {
        schema(root, "build", "//schema/instance_tasks:all", PYTHONHASHSEED=seed).stdout
        for seed in ("1", "2", "3")
    }

    assert len(built) == 1
    assert b"CREATE TABLE" in built.pop()


def test_the_module_is_the_command(root: Path) -> None:
    """The exit status of the process is the command's."""
    found = schema(root, "query", "deps", "//db:nope")

    assert found.returncode == 2
    assert found.stdout == b""
    assert found.stderr.startswith(b"schema: there is no target //db:nope")
    assert b"Traceback" not in found.stderr
