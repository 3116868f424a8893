"""Start a lint rule: writes its module and its two examples; knows nothing of what it will check.

python tools/new_rule.py fk-needs-index
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

RULES = Path("packages/schema-lint/src/schema_lint/rules")

MODULE = '''"""One sentence that is true wherever the rule finds nothing.

What: What it finds, every variant.
Why: What happens otherwise.
Instead: What to write.
When to allow: When it is right all the same, or Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "{rule}"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each …."""
    for statement in workspace.facts(file).statements("CreateStmt"):
        yield statement.finding(ID, "the fact", "the remedy")
'''
GOOD = "-- SQL that can be copied.\n"
BAD = "-- Every variant of the fault; each line that the rule must name ends so. -- found\n"


def main(arguments: list[str]) -> int:
    """Write the rule's folder.

    Args:
        arguments: The rule's id.

    Returns:
        0, or 2 where the id is no id, the rule exists, or this is not the root of the repository.
    """
    if len(arguments) != 1 or not re.fullmatch(r"[a-z]+(-[a-z]+)*", arguments[0]):
        print("usage: python tools/new_rule.py rule-id, in lower-case-words", file=sys.stderr)
        return 2
    rule = arguments[0]
    if not RULES.is_dir():
        print(f"{RULES.as_posix()} is not here: run it from the root", file=sys.stderr)
        return 2
    folder = RULES / rule.replace("-", "_")
    try:
        folder.mkdir()
    except FileExistsError:
        print(f"{folder.as_posix()} exists: choose another id", file=sys.stderr)
        return 2
    contents = {"__init__.py": MODULE.format(rule=rule), "good.sql": GOOD, "bad.sql": BAD}
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"{folder.as_posix()}/")
    print(f"  write the rule, then: nox -s test -- tests/schema-lint -k {rule}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
