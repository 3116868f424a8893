"""Files → findings: what to look at, what is known already, what to write; knows no SQL."""

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schema_sql.files import write_file
from schema_sql.source import SourceError, read_source
from schema_style.cache import Cache, fingerprint
from schema_style.discover import find_sql
from schema_style.findings import Finding, StyleError
from schema_style.job import Job, Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What a run of the gate saw and did.

    Attributes:
        findings: What is wrong (after fixing, if that was asked for), by path and position.
        checked: How many files were asked about.
        fixed: The files that were rewritten, relative to the root and with forward slashes.
    """

    findings: tuple[Finding, ...]
    checked: int
    fixed: tuple[str, ...]


def check(
    paths: Sequence[Path], *, root: Path, cache_dir: Path | None, fix: bool = False
) -> Result:
    """Hold SQL files against the style that `[tool.sqlfluff]` of the root's pyproject.toml sets.

    Args:
        paths: Files, and directories whose .sql files are meant (see `find_sql`). Relative ones
            begin at the current directory.
        root: The directory of the pyproject.toml; findings name files relative to it, and nothing
            outside of it is written.
        cache_dir: Where findings are remembered by content; None remembers nothing.
        fix: Mend what can be mended, in place. A file without such a finding is not written.

    Returns:
        The findings and the files that were rewritten.

    Raises:
        StyleError: A path is missing or not the workspace's own, the configuration cannot be
            read, or a mended file not be written.
    """
    root = root.resolve()
    files = find_sql(paths, root)
    cache = Cache.load(cache_dir, fingerprint(_config(root))) if cache_dir else None

    findings: list[Finding] = []
    jobs: list[Job] = []
    for path in files:
        name = path.relative_to(root).as_posix()
        try:
            source = read_source(path, name)
        except SourceError as error:
            findings.append(_unreadable(error))
            continue
        known = cache.get(name, source.data) if cache else None
        if known is not None and not (fix and any(finding.fixable for finding in known)):
            findings += known
            continue
        jobs.append(Job(name, source.text, root, fix))

    fixed: list[str] = []
    for job, outcome in zip(jobs, _run(jobs), strict=True):
        if outcome.text != job.text:
            _write(root, job.path, outcome.text)
            fixed.append(job.path)
        if cache:
            cache.put(job.path, outcome.text.encode(), outcome.findings)
        findings += outcome.findings
    if cache:
        cache.save(root)
    return Result(findings=tuple(sorted(findings)), checked=len(files), fixed=tuple(sorted(fixed)))


def _config(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    try:
        return dict(tomllib.loads(read_source(path, path.name).text)["tool"]["sqlfluff"])
    except SourceError as error:
        raise StyleError(str(error)) from error
    except (LookupError, TypeError) as error:
        raise StyleError(f"{path.name}: no table [tool.sqlfluff], which sets the style") from error
    except (ValueError, RecursionError) as error:
        raise StyleError(f"{path.name}: {error}") from error


def _write(root: Path, name: str, text: str) -> None:
    try:
        write_file(root, name, text)
    except OSError as error:
        raise StyleError(f"{name}: cannot write it: {error.strerror}") from error


def _unreadable(error: SourceError) -> Finding:
    found = error.finding
    return Finding(
        path=found.path,
        line=found.line,
        column=found.column,
        code="ENC",
        rule=found.rule,
        message=found.message,
        help=found.help or "make it a file that can be read",
    )


def _run(jobs: list[Job]) -> list[Outcome]:
    if not jobs:
        return []
    # Imported here, because a run that finds everything in the cache needs no processes.
    from schema_style import workers  # noqa: PLC0415

    return workers.run(jobs)
