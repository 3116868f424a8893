"""Files → findings: what to look at, what is known already, what to write; knows no SQL."""

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schema_style.cache import Cache, fingerprint, replace
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
        paths: Files, and directories whose .sql files are meant. Relative ones begin at `root`.
        root: The directory of the pyproject.toml; findings name files relative to it.
        cache_dir: Where findings are remembered by content; None remembers nothing.
        fix: Mend what can be mended, in place. A file without such a finding is not written.

    Returns:
        The findings and the files that were rewritten.

    Raises:
        StyleError: A path or the configuration cannot be read, or a mended file not be written.
    """
    root = root.resolve()
    files = _files(paths, root)
    cache = Cache.load(cache_dir, fingerprint(_config(root))) if cache_dir else None

    findings: list[Finding] = []
    jobs: list[Job] = []
    for path in files:
        name = _name(path, root)
        content = _read(path, name)
        known = cache.get(name, content) if cache else None
        if known is not None and not (fix and any(finding.fixable for finding in known)):
            findings += known
            continue
        try:
            jobs.append(Job(name, content.decode("utf-8"), root, fix))
        except UnicodeDecodeError as error:
            findings.append(_not_utf8(name, content, error.start))

    fixed: list[str] = []
    for job, outcome in zip(jobs, _run(jobs), strict=True):
        if outcome.text != job.text:
            _write(root / job.path, job.path, outcome.text)
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
        return dict(tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["sqlfluff"])
    except OSError as error:
        raise StyleError(f"{path.name}: cannot read it: {error.strerror}") from error
    except (LookupError, TypeError) as error:
        raise StyleError(f"{path.name}: no table [tool.sqlfluff], which sets the style") from error
    except ValueError as error:
        raise StyleError(f"{path.name}: {error}") from error


def _files(paths: Sequence[Path], root: Path) -> list[Path]:
    files: set[Path] = set()
    for path in paths:
        # Resolved, so that a link is mended where it points to and not replaced by a copy.
        absolute = (root / path).resolve()
        if absolute.is_dir():
            files.update(found.resolve() for found in absolute.rglob("*.sql"))
        elif absolute.exists():
            files.add(absolute)
        else:
            raise StyleError(f"{_name(absolute, root)}: no such file or directory")
    return sorted(files)


def _name(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StyleError(f"{name}: cannot read it: {error.strerror}") from error


def _write(path: Path, name: str, text: str) -> None:
    try:
        replace(path, text)
    except OSError as error:
        raise StyleError(f"{name}: cannot write it: {error.strerror}") from error


def _not_utf8(name: str, content: bytes, offset: int) -> Finding:
    before = content[:offset]
    return Finding(
        path=name,
        line=before.count(b"\n") + 1,
        column=len(before.rpartition(b"\n")[2].decode("utf-8")) + 1,
        code="ENC",
        rule="encoding",
        message=f"byte 0x{content[offset]:02x} is not UTF-8",
        help="save the file as UTF-8",
    )


def _run(jobs: list[Job]) -> list[Outcome]:
    if not jobs:
        return []
    # Imported here, because a run that finds everything in the cache needs no processes.
    from schema_style import workers  # noqa: PLC0415

    return workers.run(jobs)
