"""Throwaway databases: templates made once, clones for each test, nothing left behind.

Knows databases and roles on a server, its own or one it is lent; must not know what the project
puts into them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import Connection
from psycopg.errors import QueryCanceled
from psycopg.sql import SQL, Composable, Identifier, Literal

from schema_database import janitor
from schema_database.address import ConnectionUrl, completed, connected, masked, with_parts
from schema_database.apply import apply_as_one_transaction
from schema_database.children import start_python, wait_for
from schema_database.engine import OLDEST_MAJOR, find_engine
from schema_database.environment import FOR_CLIENTS, shell_variables
from schema_database.errors import DatabaseError
from schema_database.server import private_server
from schema_database.supabase import SEARCH_PATH, PrivilegeRegime, bootstrap, create_owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from psycopg.rows import TupleRow

PREFIX = "schema_throwaway_"
"""Begins the name of every database and login role made here, on whatever server."""

LOGIN_LIFETIME = timedelta(hours=2)
"""How long the login made on a borrowed server is valid, unless it is renewed."""

ROLE_COMMENT = "Made by schema-database for its throwaway databases; removed with the last of them."
"""Marks the API roles made on a server that had none."""

# Arbitrary: it only has to be the same for everyone who builds or removes here.
_LOCK = 5_207_731_640_218_944_261

_NEEDED_BY_JANITOR = ("schema_database", "psycopg", "psycopg_binary", "pglast")

_SECONDS_TO_END = 60
"""How long a session that was told to end may take."""

_OTHERWISE = "leave out URL and DATABASE_URL to use a server that is started for you"

_MORE_TIME = "give it more time (statement_timeout, lock_timeout in that URL or of that role)"

_REMEDIES = {
    "25006": "name a server that may be written to: no standby, no default_transaction_read_only",
    "42501": "give that role what it lacks",
    "55P03": _MORE_TIME,
    "57014": _MORE_TIME,
    "25P04": "give it more time (transaction_timeout in that URL or of that role)",
}
"""What to do about an error, by its SQLSTATE."""


@dataclass(frozen=True)
class Template:
    """A finished database that accepts no connections and exists to be cloned.

    Attributes:
        name: its name on the server.
        regime: the privilege regime it was made under.
    """

    name: str
    regime: PrivilegeRegime


@dataclass(frozen=True)
class Database:
    """A throwaway database.

    Attributes:
        name: its name on the server.
        url: logs in as its owner, Supabase's `postgres`, who runs migrations.
        admin_url: logs in as the server's administrator, Supabase's `supabase_admin`.
    """

    name: str
    url: str = field(repr=False)
    admin_url: str = field(repr=False)


@dataclass(frozen=True)
class _Access:
    """All that another process needs to use a cluster; holds passwords."""

    admin_url: str = field(repr=False)
    owner: str
    owner_password: str | None = field(repr=False)
    run: str
    private: bool


class Cluster:
    """A server with room for throwaway databases: our own, or one that DATABASE_URL names.

    Use `Cluster.open` in the process that owns it, `Cluster.attach` in those that share it.
    """

    def __init__(self, access: _Access, connection: Connection[TupleRow]) -> None:
        self._access = access
        self._connection = connection

    @classmethod
    @contextmanager
    def open(
        cls, database_url: str | None = None, *, major: int | None = None
    ) -> Iterator[Cluster]:
        """Start a private server, or borrow the given one, for the length of a `with` block.

        On a borrowed server the named database is only connected to. What is made there (databases
        and roles whose names begin with `schema_throwaway_`, and API roles if there were none) is
        removed at the end, even when this process is killed, by a process that outlives it. Roles
        that exist are left as they are.

        Args:
            database_url: administrative URL of a server to borrow, as in the environment variable
                DATABASE_URL: a superuser, or a role with CREATEDB such as Supabase's `postgres`.
                None or empty starts a private server.
            major: which PostgreSQL to start; without meaning for a borrowed server.

        Yields:
            The cluster.

        Raises:
            DatabaseError: the server cannot be started, reached or used.
        """
        if database_url:
            # Named anew, so that no traceback with arguments, as pytest's, shows the password.
            database_url = completed(database_url, shell_variables())
        with ExitStack() as stack:
            if database_url:
                access = stack.enter_context(_borrowed(database_url))
            else:
                access = stack.enter_context(_private(major))
            yield cls(access, stack.enter_context(_admin(access.admin_url, access.run)))

    @classmethod
    @contextmanager
    def attach(cls, handle: str) -> Iterator[Cluster]:
        """Share a cluster that another process opened, for the length of a `with` block.

        Args:
            handle: what `handle()` gave in that process.

        Raises:
            DatabaseError: it is gone.
        """
        access = _Access(**json.loads(handle))
        # Neither is shown by a traceback with arguments, as pytest's.
        access = replace(access, admin_url=ConnectionUrl(access.admin_url))
        handle = "***"
        with _admin(access.admin_url, access.run) as connection:
            yield cls(access, connection)

    def handle(self) -> str:
        """Return a text with which another process can `attach`. It holds passwords."""
        return json.dumps(asdict(self._access), sort_keys=True)

    @property
    def major(self) -> int:
        """The server's major version."""
        return self._connection.info.server_version // 10000

    @property
    def owner(self) -> str:
        """The role that plays Supabase's `postgres`: owns the databases and runs migrations."""
        return self._access.owner

    @property
    def shown_url(self) -> str:
        """The administrator's URL, fit to be printed: without its password."""
        return masked(self._access.admin_url)

    def template(
        self,
        regime: PrivilegeRegime,
        stubs: Sequence[tuple[str, str]],
        migrations: Sequence[tuple[str, str]] = (),
    ) -> Template:
        """Make a database like Supabase's, or find the one made before from the same input.

        Any number of processes may ask at once: one makes it, the others wait.

        Args:
            regime: what the API roles get on new tables.
            stubs: (name, SQL) in order: what the platform provides; run by the administrator.
            migrations: (name, SQL) in order: run by the owner after that, one transaction each.

        Returns:
            The template.

        Raises:
            ApplyError: a stub or a migration was refused.
            DatabaseError: the server refused to make the database.
        """
        content = json.dumps([regime, list(stubs), list(migrations)])
        key = hashlib.sha256(content.encode()).hexdigest()[:12]
        template = Template(f"{self._prefix}t_{key}", regime)
        name = Identifier(template.name)
        with _explained(self._access.admin_url), _locked(self._connection):
            found = self._connection.execute(
                "SELECT datallowconn FROM pg_database WHERE datname = %s", [template.name]
            ).fetchone()
            if found == (False,):
                return template
            # One that still accepts connections was left half-made by a process that died.
            self._drop(name)
            self._execute(
                # The same order of text on every server, whatever its own locale.
                "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'"
                " LOCALE_PROVIDER libc LOCALE 'C'",
                name,
                Identifier(self.owner),
            )
            try:
                self._set_search_path(name)
                database = self._database(template.name)
                with connected(database.admin_url) as connection:
                    bootstrap(
                        connection,
                        owner=self.owner,
                        regime=regime,
                        stubs=stubs,
                        role_comment=ROLE_COMMENT,
                    )
                for migration, sql in migrations:
                    apply_as_one_transaction(database.url, sql, name=migration)
                self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
            except BaseException:
                self._drop(name)
                raise
        return template

    @contextmanager
    def clone(self, template: Template) -> Iterator[Database]:
        """Copy a template for the length of a `with` block; about 20 ms on a private server.

        Whoever is still connected at the end is disconnected.

        Yields:
            The copy.

        Raises:
            DatabaseError: the server refused to make the database, or to drop it.
        """
        database = self._database(f"{self._prefix}c_{secrets.token_hex(6)}")
        name = Identifier(database.name)
        # Copying files is fastest, but makes the whole server write a checkpoint.
        strategy = "FILE_COPY" if self._access.private else "WAL_LOG"
        self._execute(
            "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY {}",
            name,
            Identifier(self.owner),
            Identifier(template.name),
            SQL(strategy),
        )
        try:
            # Settings of a role in a database are not copied with it.
            self._set_search_path(name)
            yield database
        finally:
            self._drop(name)

    @property
    def _prefix(self) -> str:
        return f"{PREFIX}{self._access.run}_"

    def _database(self, name: str) -> Database:
        access = self._access
        admin_url = with_parts(access.admin_url, dbname=name)
        if access.owner_password is None:
            return Database(name, admin_url, admin_url)
        url = with_parts(admin_url, user=access.owner, password=access.owner_password)
        return Database(name, url, admin_url)

    def _set_search_path(self, name: Identifier) -> None:
        # For this database only, so that a role that existed before is not altered.
        self._execute(
            "ALTER ROLE {} IN DATABASE {} SET search_path TO {}",
            Identifier(self.owner),
            name,
            SQL(SEARCH_PATH),
        )

    def _drop(self, name: Identifier) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: LiteralString, *parts: Composable) -> None:
        with _explained(self._access.admin_url):
            _execute(self._connection, statement, *parts)


def remove_run(admin_url: str, run: str) -> None:
    """Remove from a borrowed server what one run made there, and end its sessions.

    Roles that stubs made are shared by all runs on that server: the last one removes them.

    Args:
        admin_url: the URL that was borrowed.
        run: the run's random word.

    Raises:
        DatabaseError: nobody answers there, or a session does not end.
        psycopg.Error: something may not be removed.
    """
    prefix = f"{PREFIX}{run}_"
    with connected(admin_url) as connection:
        _lift_limits(connection)
        _end_sessions(connection, _session_name(run))
        _remove(connection, prefix)


def renew_login(admin_url: str, run: str) -> None:
    """Let the login that a run made on a borrowed server, if there is one, be valid for longer.

    Args:
        admin_url: the URL that was borrowed.
        run: the run's random word.

    Raises:
        DatabaseError: nobody answers there.
        psycopg.Error: it may not be changed.
    """
    owner = f"{PREFIX}{run}_owner"
    with connected(admin_url) as connection:
        found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [owner]).fetchone()
        if found is not None:
            _limit_login(connection, owner)


def _limit_login(connection: Connection[TupleRow], role: str) -> None:
    """Let a role's password expire, by its server's clock, should nobody be left to drop it."""
    until = connection.execute(
        "SELECT to_char((now() + %s) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || '+00'",
        [LOGIN_LIFETIME],
    ).fetchone()
    assert until is not None  # noqa: S101 - a SELECT without FROM has a row
    _execute(connection, "ALTER ROLE {} VALID UNTIL {}", Identifier(role), Literal(until[0]))


def could_not_remove(url: str, run: str, reason: str) -> DatabaseError:
    """Return the error that names what a run leaves on a borrowed server.

    Args:
        url: the URL that was borrowed.
        run: the run's random word.
        reason: why it stays, in one line.
    """
    return DatabaseError(
        f"could not remove everything from {masked(url)}: {reason}",
        f"drop the databases there whose names begin with {PREFIX}{run}_, then the role of "
        f"that prefix and the roles with the comment {ROLE_COMMENT!r}",
    )


def _remove(connection: Connection[TupleRow], prefix: str) -> None:
    with _locked(connection):
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        ).fetchall()
        for (name,) in names:
            _execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", Identifier(name))
        _drop_roles(connection, "rolname = %s", f"{prefix}owner")
        others = connection.execute(
            "SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
        ).fetchone()
        if others == (0,):
            _drop_roles(connection, "shobj_description(oid, 'pg_authid') = %s", ROLE_COMMENT)


@contextmanager
def _private(major: int | None) -> Iterator[_Access]:
    with private_server(find_engine(major)) as server:
        nowhere = f"postgresql://127.0.0.1:{server.port}/postgres"
        admin_url = with_parts(
            nowhere, user=server.superuser, password=server.password, sslmode="disable"
        )
        password = secrets.token_urlsafe(24)
        with connected(admin_url) as connection:
            create_owner(connection, "postgres", password)
        yield _Access(admin_url, "postgres", password, secrets.token_hex(4), private=True)


@contextmanager
def _borrowed(url: str) -> Iterator[_Access]:
    run = secrets.token_hex(4)
    with _admin(url, run) as connection, _explained(url):
        user, is_superuser = _check_usable(connection, url)
    # It is started before there is anything to remove, and outlives us if we are killed.
    with _janitor(url, run):
        if not is_superuser:
            yield _Access(url, user, None, run, private=False)
            return
        # `postgres` there may be a superuser, who bypasses all that we want to see.
        owner, password = f"{PREFIX}{run}_owner", secrets.token_urlsafe(24)
        with _admin(url, run) as connection, _explained(url), connection.transaction():
            create_owner(connection, owner, password)
            _limit_login(connection, owner)
        yield _Access(url, owner, password, run, private=False)


def _check_usable(connection: Connection[TupleRow], url: str) -> tuple[str, bool]:
    major = connection.info.server_version // 10000
    if major < OLDEST_MAJOR:
        raise DatabaseError(
            f"{masked(url)} is PostgreSQL {major}: too old, Supabase runs {OLDEST_MAJOR} and later",
            f"name a newer one, or {_OTHERWISE}",
        )
    role = connection.execute(
        "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert role is not None  # noqa: S101 - the current user is a role
    name, is_superuser, may_create = role
    if not (is_superuser or may_create):
        raise DatabaseError(
            f"{masked(url)}: role {name} may not create databases, and nothing is ever "
            "done in the one you name",
            f"ALTER ROLE {name} CREATEDB, or {_OTHERWISE}",
        )
    return str(name), bool(is_superuser)


@contextmanager
def _janitor(url: str, run: str) -> Iterator[None]:
    process = start_python(janitor.__file__, variables=FOR_CLIENTS)
    assert process.stdin is not None  # noqa: S101 - PIPE was asked for
    assert process.stdout is not None  # noqa: S101
    task = janitor.Task(url=url, run=run, path=_import_roots())
    complaint = ""
    try:
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
        except OSError:
            raise DatabaseError(
                f"the process that is to tidy {masked(url)} ended early",
                "read what it says above; nothing was made on that server",
            ) from None
        yield
    finally:
        process.stdin.close()
        complaint = process.stdout.read().decode("utf-8", "replace").strip()
        process.stdout.close()
        wait_for(process)
    if complaint or process.returncode:
        raise could_not_remove(url, run, complaint or "no reason given")


def _import_roots() -> list[str]:
    """Return the folders that this process imported what the janitor needs from, in order.

    Not sys.path, which may begin with the current folder. They go to the end of the janitor's own.
    """
    files = [getattr(sys.modules.get(name), "__file__", None) for name in _NEEDED_BY_JANITOR]
    return list(dict.fromkeys(str(Path(file).parents[1]) for file in files if file))


def _session_name(run: str) -> str:
    return f"{PREFIX}{run}"


def _admin(url: str, run: str) -> AbstractContextManager[Connection[TupleRow]]:
    """Connect as one of the run's sessions, all of which end with it."""
    return connected(url, application_name=_session_name(run))


def _lift_limits(connection: Connection[TupleRow]) -> None:
    """Let what limits a borrower's statements not keep them from being undone."""
    names = ["statement_timeout", "lock_timeout"]
    if connection.info.server_version >= 17_00_00:
        names.append("transaction_timeout")
    for name in names:
        lifted = False
        while not lifted:
            # The limit holds for this statement still, which a busy machine may not run in time.
            with suppress(QueryCanceled):
                connection.execute("SELECT set_config(%s, '0', false)", [name])
                lifted = True


def _end_sessions(connection: Connection[TupleRow], name: str) -> None:
    """End the sessions of that name, and wait until they are gone.

    PostgreSQL notices that a client is gone when it next talks to it. Until then it goes on with
    CREATE DATABASE or CREATE ROLE, and what it makes would appear after we looked.
    """
    for _ in range(_SECONDS_TO_END):
        sessions = connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = %s AND usename = session_user AND pid <> pg_backend_pid()",
            [name],
        ).fetchall()
        if not sessions:
            return
        for (pid,) in sessions:
            connection.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
    pids = ", ".join(str(pid) for (pid,) in sessions)
    raise DatabaseError(
        f"sessions {pids} have not ended after {_SECONDS_TO_END} s",
        "look in the server's log for what holds them",
    )


@contextmanager
def _locked(connection: Connection[TupleRow]) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        said = str(error).partition("\n")[0]
        raise DatabaseError(
            f"{masked(url)}: {error.sqlstate or 'connection lost'}: {said}",
            f"{_REMEDIES.get(error.sqlstate or '', 'see the log of that server')}, or {_OTHERWISE}",
        ) from error


def _drop_roles(connection: Connection[TupleRow], condition: LiteralString, value: str) -> None:
    # DROP ROLE IF EXISTS asks for the right to drop roles even where there is none.
    roles = connection.execute(
        SQL("SELECT rolname FROM pg_roles WHERE {}").format(SQL(condition)), [value]
    ).fetchall()
    for (role,) in roles:
        _execute(connection, "DROP ROLE {}", Identifier(role))


def _execute(
    connection: Connection[TupleRow], statement: LiteralString, *parts: Composable
) -> None:
    connection.execute(SQL(statement).format(*parts))
