"""Remembers findings by content; knows neither sqlfluff nor SQL.

One file holds everything. Runs at the same time replace it as a whole, so that the worst that can
happen is that one of them is forgotten and its files are looked at once more.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from schema_sql.files import replace_file
from schema_style.findings import Finding

_NAME = "findings.json"


def fingerprint(config: Mapping[str, Any]) -> str:
    """Return a hash over all that decides about a finding, but for the text itself.

    Args:
        config: The `[tool.sqlfluff]` table.

    Returns:
        A hexadecimal hash over the table, the versions of what reads SQL and this package's code.
    """
    own = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        own.update(source.read_bytes())
    versions = [importlib.metadata.version(name) for name in ("pglast", "sqlfluff")]
    parts = [config, versions, own.hexdigest()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Cache:
    """Findings of an earlier run, by path and content."""

    def __init__(self, directory: Path, key: str) -> None:
        self._directory = directory
        self._key = key
        self._entries: dict[str, Any] = {}
        self._changed = False

    @classmethod
    def load(cls, directory: Path, key: str) -> Self:
        """Read the cache of a directory.

        Args:
            directory: Where it lies; need not exist.
            key: The `fingerprint` under which its entries are valid.

        Returns:
            The cache; empty when there is none, when it is corrupt or when its key is another.
        """
        cache = cls(directory, key)
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            stored = json.loads((directory / _NAME).read_text(encoding="utf-8"))
            if stored["key"] == key and isinstance(stored["files"], dict):
                cache._entries = stored["files"]
        return cache

    def get(self, path: str, content: bytes) -> list[Finding] | None:
        """Return the remembered findings of a file, or None if its content is new."""
        with contextlib.suppress(LookupError, TypeError):
            entry = self._entries[path]
            if entry["sha256"] == hashlib.sha256(content).hexdigest():
                return [_finding(path, stored) for stored in entry["findings"]]
        return None

    def put(self, path: str, content: bytes, findings: list[Finding]) -> None:
        """Remember the findings of a file."""
        self._changed = True
        self._entries[path] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "findings": [
                {
                    name: value
                    for name, value in dataclasses.asdict(finding).items()
                    if name != "path"
                }
                for finding in findings
            ],
        }

    def save(self, root: Path) -> None:
        """Write the cache if anything is new in it, without the files that are gone.

        A cache that cannot be written is none: the next run is slower, and nothing else happens.

        Args:
            root: The directory to which the paths are relative.
        """
        if not self._changed:
            return
        files = {path: entry for path, entry in self._entries.items() if (root / path).is_file()}
        text = json.dumps({"key": self._key, "files": files}, sort_keys=True)
        with contextlib.suppress(OSError):
            replace_file(self._directory / _NAME, text)


def _finding(path: str, stored: Mapping[str, Any]) -> Finding:
    """Read a remembered finding.

    Raises:
        TypeError: It is none, as in a file that was spoilt.
    """
    finding = Finding(path=path, **stored)
    for field in dataclasses.fields(Finding):
        # Not `isinstance`: `true` would be a line.
        if type(getattr(finding, field.name)) is not field.type:
            raise TypeError(field.name)
    return finding
