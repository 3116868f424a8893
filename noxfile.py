"""Everything this repository does, one verb each; what each verb means is known to the packages.

`nox` alone builds, lints and tests. What stands behind `--` goes to the command, as in
`nox -s test -- -k tenancy`.
"""

import logging
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["build", "lint", "test"]

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGES = {
    path.parent.name: nox.project.load_toml(path)
    for path in sorted(Path("packages").glob("*/pyproject.toml"))
}


MAY_HOLD_SECRET = re.compile(r"://|:/|@|(password|secret|_key)\s*=", re.IGNORECASE)


def redact(record: logging.LogRecord) -> bool:
    """Take what may hold a secret out of what nox prints: it repeats commands, failed ones too."""
    message = record.getMessage()
    secrets = {each for each in sys.argv[1:] if MAY_HOLD_SECRET.search(each)}
    for secret in sorted(secrets, key=len, reverse=True):
        for shown in (shlex.quote(secret), repr(secret), secret):
            message = message.replace(shown, "***")
    record.msg, record.args = message, ()
    return True


logging.getLogger("nox").addFilter(redact)

_interrupted = False


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Let SIGTERM and a closed terminal do what Ctrl-C does: nox ends what it runs, then itself."""
    global _interrupted  # noqa: PLW0603 - signal handlers share nothing else
    if not _interrupted:
        _interrupted = True
        raise KeyboardInterrupt


for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    number = getattr(signal, name, None)
    # What nox was started to ignore, as by `nohup`, it goes on ignoring.
    if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, interrupt)


@nox.session
def build(session: nox.Session) -> None:
    """Build the migration from its fragments; `-- --check` only says whether it is stale."""
    install(session, "schema-cli")
    session.run("schema", "build", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run every check, or those named: `-- ruff mypy`; `-- --fix` mends what can be mended."""
    fix = ["--fix"] if "--fix" in session.posargs else []
    sources = [f"packages/{name}/src" for name in PACKAGES]
    checks = {
        "deps": ["schema", "deps", *fix],
        "style": ["schema", "style", *fix],
        "rules": ["schema", "lint"],
        "build": ["schema", "build", *([] if fix else ["--check"])],
        "locks": ["schema", "locks", "--write" if fix else "--check"],
        "proofs": ["python", "-m", "proofs.contents", *([] if fix else ["--check"])],
        "squawk": ["squawk", "supabase/migrations/*.sql"],
        "ruff": ["ruff", "check", *fix],
        "format": ["ruff", "format", *([] if fix else ["--check"])],
        "mypy": ["mypy", *sources, "noxfile.py", "proofs", "tests", "tools"],
    }
    named = [argument for argument in session.posargs if argument != "--fix"]
    if unknown := [name for name in named if name not in checks]:
        session.error(f"no check is called {', '.join(unknown)}; there are {', '.join(checks)}")

    # All of them, because mypy reads all of them.
    install(session, *PACKAGES, groups=("lint", "test", "api"))
    failed = []
    for name in named or checks:
        try:
            run(session, *checks[name])
        except CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session
def test(session: nox.Session) -> None:
    """Prove it all, against a PostgreSQL of its own or the server that DATABASE_URL names."""
    install(session, *PACKAGES, groups=("test",))
    run(session, "pytest", "-n", "auto", *session.posargs)


@nox.session
def deps(session: nox.Session) -> None:
    """Hold the declared dependencies against the SQL; `-- --fix` writes the true ones."""
    install(session, "schema-cli")
    session.run("schema", "deps", *session.posargs)


@nox.session
def db(session: nox.Session) -> None:
    """Start a local database with the migration and a demo tenant in it, until Ctrl-C."""
    install(session, "schema-cli", "schema-database")
    run(session, "schema", "db", *session.posargs)


@nox.session
def schema(session: nox.Session) -> None:
    """Run the schema command with anything that it can do: `-- query`, `-- explain RULE`, …."""
    root = Path.cwd()
    try:
        install(session, *PACKAGES)
    except CommandFailed:
        # 1 would mean that `verify` has looked and found a difference.
        raise SystemExit(2) from None
    except OSError as error:
        session.warn(f"cannot install the schema command: {error}")
        raise SystemExit(2) from None
    # Everyone on a machine may list commands. A URL may hold a password, so it goes by the
    # environment instead.
    urls = [each for each in session.posargs if "://" in each or "password=" in each]
    if len(urls) > 1:
        session.warn("there is more than one connection URL")
        raise SystemExit(2)
    arguments = [each for each in session.posargs if each not in urls]
    environment = {"DATABASE_URL": urls[0]} if urls else None
    # Paths on the command line begin where the user is, and not where this file is.
    with session.chdir(session.invoked_from):
        run_for_status(session, "schema", f"--root={root}", *arguments, env=environment)


@nox.session
def prove_convergence(session: nox.Session) -> None:
    """Prove that a run may be cut off, killed, raced and repeated; a page in docs/proofs."""
    prove(session, "convergence")


@nox.session
def prove_gates(session: nox.Session) -> None:
    """Prove that the gates see faults: every mutant of our operators is killed, and by whom."""
    prove(session, "gates", groups=("lint", "test"))


@nox.session
def prove_tenancy(session: nox.Session) -> None:
    """Prove that no tenant sees another: 10,000 random operations against a model."""
    prove(session, "tenancy")


@nox.session
def test_matrix(session: nox.Session) -> None:
    """Run the tests on every PostgreSQL that Supabase runs or will: 15, 16, 17 and 18."""
    prove(session, "matrix", groups=("test", "matrix"))


@nox.session
def test_supabase_cli(session: nox.Session) -> None:
    """Ship with npm's Supabase CLI: push, push again, resume, refuse, ask its advisors."""
    prove(session, "supabase_cli")


@nox.session
def test_api(session: nox.Session) -> None:
    """Call it over HTTP with supabase-py and supabase-js, and with tokens honest and forged."""
    prove(session, "api", groups=("test", "api"))


def run_for_status(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    """Run a command whose exit status means something: nox ends with the same.

    nox itself makes 1 of every failure, and CI could not tell "differs" from "could not look".
    """
    try:
        run(session, *command, env=env)
    except CommandFailed as error:
        # Older versions of nox have it in their message alone.
        stated = re.fullmatch(r"Returned code (-?\d+)", str(error.reason))
        status = int(stated[1]) if stated else 1
        # Negative where a signal ended it, for which shells have 128 and its number.
        raise SystemExit(status if status > 0 else 128 - status) from None


def prove(session: nox.Session, name: str, groups: tuple[str, ...] = ("test",)) -> None:
    """Run one of the proofs; each leaves no server behind when it is interrupted."""
    install(session, *PACKAGES, groups=groups)
    run(session, "python", "-m", f"proofs.{name}", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what the packages and tools require in constraints.txt; `-- --upgrade` takes newer."""
    session.install("uv")
    requirements = write_requirements(session, *third_party())
    session.run(
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11"),
        *("--no-annotate", "--custom-compile-command=nox -s lock"),
        *("--output-file=constraints.txt", str(requirements)),
        *session.posargs,
    )


def run(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    """Run what may have a server, with the time to stop it where it or nox is interrupted.

    Ctrl-C in a terminal reaches it as well as nox. Who ends nox alone does not, so after a second
    nox ends it in turn.
    """
    session.run(*command, env=env, interrupt_timeout=1.0, terminate_timeout=30.0)


def install(session: nox.Session, *names: str, groups: tuple[str, ...] = ()) -> None:
    """Install packages of this repository, editable, and groups of tools, all as pinned."""
    # In a file, because uv rebuilds what it is given as arguments every time: 1.2 s and a network.
    requirements = write_requirements(
        session,
        *(f"-e {Path('packages', name).resolve().as_uri()}" for name in closure(*names)),
        *nox.project.dependency_groups(PROJECT, *groups),
    )
    session.install(
        "--constraint=constraints.txt",
        f"--requirement={requirements}",
        # What builds the packages is pinned too.
        env={"PIP_BUILD_CONSTRAINT": "constraints.txt", "UV_BUILD_CONSTRAINT": "constraints.txt"},
    )


def write_requirements(session: nox.Session, *requirements: str) -> Path:
    """Write requirements where this session alone reads them, and return the place."""
    path = Path(session.virtualenv.location, "requirements.txt")
    path.write_text("".join(f"{requirement}\n" for requirement in requirements), encoding="utf-8")
    return path


def closure(*names: str) -> list[str]:
    """Return packages and all of ours that they need.

    An installer that is given all of them by path asks no index for any of our names.
    """
    found = dict.fromkeys(names)
    for name in names:
        required = [each for each in PACKAGES[name]["project"]["dependencies"] if each in PACKAGES]
        found |= dict.fromkeys(closure(*required))
    return sorted(found)


def third_party() -> Iterator[str]:
    """Yield the requirements of all packages, their builds and the tools, but for our own."""
    yield from nox.project.dependency_groups(PROJECT, *PROJECT["dependency-groups"])
    for package in PACKAGES.values():
        requires = package["build-system"]["requires"] + package["project"]["dependencies"]
        yield from (each for each in requires if each not in PACKAGES)
