"""No name is longer than 63 bytes.

What: An identifier of more than 63 bytes, of whatever object.
Why: PostgreSQL cuts it off with a notice only. Two long names can become one, and a DROP of the
    name that is written finds another object or none.
Instead: A shorter name.
When to allow: Never.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast.parser import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding, Source
    from schema_sql.statements import SqlFile

ID = "name-length"

_LIMIT = 63
# Scanning a text takes as long as parsing it, and few texts hold a word of that length. Beyond
# ASCII a name has fewer characters than bytes.
_LONG = re.compile(r'[\w$]{64,}|"[^"\n]{64,}"')
_PERHAPS_LONG = re.compile(r'[\w$]{16,}|"[^"\n]{16,}"')


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:  # noqa: ARG001 - every rule's form
    """Yield each name that PostgreSQL would cut off."""
    if not _may_hold(file.source.text):
        return
    statements = (*(s for s in file.statements if s.kind != "DoStmt"), *file.nested)
    for statement in statements:
        if _may_hold(statement.text):
            yield from _names(file.source, statement.start, statement.text)


def _may_hold(text: str) -> bool:
    """Whether a text may hold a name that is too long."""
    return (_LONG if text.isascii() else _PERHAPS_LONG).search(text) is not None


def _names(source: Source, start: int, text: str) -> Iterator[Finding]:
    for token in scan(text):
        if token.name != "IDENT":
            continue
        name = text[token.start : token.end + 1].strip('"').replace('""', '"')
        size = len(name.encode())
        if size > _LIMIT:
            yield source.finding(
                start + len(text[: token.start].encode()),
                ID,
                f"the name has {size} bytes; PostgreSQL cuts it off after {_LIMIT}",
                "shorten it",
            )
