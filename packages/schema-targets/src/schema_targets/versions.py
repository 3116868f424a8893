"""File names of migrations: knows their versions, and the order in which they are applied.

The Supabase CLI decides both. `proofs/supabase_cli.py` holds this module against it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schema_sql.source import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_NAME = re.compile(r"([0-9]+)_.*\.sql", re.ASCII | re.DOTALL)
"""The names that the Supabase CLI reads; it skips every other one, with exit status 0."""

_DATE_OR_TIME = {8, 14}
"""The lengths of a date and of a time, as in 20251120 and 20251120093000."""


def version(path: str) -> str:
    """The version in a migration's file name: the digits before its first underscore.

    Args:
        path: The file, with forward slashes.

    Returns:
        The digits, or "" where the Supabase CLI skips a file of this name.
    """
    match = _NAME.fullmatch(path.rpartition("/")[2])
    return match[1] if match else ""


def apply_order(path: str) -> tuple[str, str]:
    """The key by which paths of migrations are sorted into the order in which they are applied.

    The Supabase CLI compares versions as text, and not file names: ``20251120_b.sql`` comes before
    ``20251120093000_a.sql``, that one before ``20251121_c.sql``, and ``10_b.sql`` before
    ``2_a.sql``.
    """
    return version(path), path


def misread(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of migrations whose versions people read in another order than they are applied in.

    Of a date and a time nobody expects the order of numbers. Of counters they do: 2 before 10.

    Args:
        paths: The migrations of one folder; each has a version of its own.

    Yields:
        The migration that is applied later, and one that is applied before it and has a greater
        number, or the same with other zeros before it.
    """
    greatest = greatest_counter = ""
    for path in sorted(paths, key=apply_order):
        counter = len(version(path)) not in _DATE_OR_TIME
        before = greatest if counter else greatest_counter
        if before and _number(before) >= _number(path):
            yield path, before
        if not greatest or _number(path) > _number(greatest):
            greatest = path
        if counter and (not greatest_counter or _number(path) > _number(greatest_counter)):
            greatest_counter = path


def wrong_files(present: Iterable[str], outputs: Collection[str]) -> list[Finding]:
    """What the Supabase CLI would stumble over, or leave out, beside the migrations that we build.

    Args:
        present: The files that are there, in the folders of the outputs.
        outputs: What the migrations are built to.

    Returns:
        Findings about the files that no migration of ours is built to, sorted.
    """
    found = []
    owners: dict[tuple[str, str], str] = {}
    for path in outputs:
        owners[path.rpartition("/")[0], version(path)] = path
    for path in sorted(set(present) - set(outputs), key=apply_order):
        folder = path.rpartition("/")[0]
        if not path.lower().endswith(".sql"):
            continue
        if not version(path):
            message = "the Supabase CLI skips a file of this name silently"
            remedy = "call it VERSION_NAME.sql, as in 20251120_name.sql, or remove it"
            found.append(Finding(path, 1, 1, "skipped-migration", message, remedy))
        elif (first := owners.setdefault((folder, version(path)), path)) != path:
            message = f"{first} has the same version, {version(path)}"
            remedy = "give it a version of its own; if no target builds it any more, remove it"
            found.append(Finding(path, 1, 1, "same-version", message, remedy))
        else:
            ours = (out for out in outputs if out.rpartition("/")[0] == folder)
            pair = next((pair for pair in misread([*ours, path]) if path in pair), None)
            if pair:
                found.append(Finding(path, 1, 1, "ambiguous-version", *ambiguity(*pair)))
    return sorted(found)


def ambiguity(later: str, sooner: str) -> tuple[str, str]:
    """What to say of a pair that `misread` yields: the fact and the remedy."""
    fact = f"version {version(later)} is applied after {version(sooner)}, as text sorts"
    return fact, "write dates, times, or numbers of as many digits each, such as 0002 and 0010"


def _number(path: str) -> tuple[int, str]:
    """A key that sorts versions as numbers, of any length."""
    digits = version(path).lstrip("0")
    return len(digits), digits
