"""sqlfluff as a library: a text → its findings, or its mended self; knows no files and no cache.

The only module that imports sqlfluff, which takes half a second: import it only when there is a
text to look at.
"""

import functools
import logging
import re
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter
from sqlfluff.core.config import load_config_file
from sqlfluff.core.errors import (
    SQLBaseError,
    SQLFluffUserError,
    SQLLexError,
    SQLParseError,
    SQLTemplaterError,
)

from schema_style.findings import Finding, StyleError

# sqlfluff breaks an over-long list after each comma and starts the pieces at column 1; where a
# line is best broken is the author's decision.
NEVER_FIXED = "LT05"

UNPARSABLE = "PRS"

_HELP = {
    NEVER_FIXED: (
        "break the line; a string may continue as another string on the next line"
        " (PostgreSQL joins them)"
    ),
    UNPARSABLE: (
        "correct the syntax; if PostgreSQL accepts it, write it in a way that sqlfluff knows too."
        " Nothing else in this file was checked"
    ),
}
_HELP_FIXABLE = "`schema style --fix` does it"
_HELP_OTHER = "correct it by hand"

_DIRECTIVE = re.compile(r"^-- ?sqlfluff", re.MULTILINE)
_SHOWN = 60

# What sqlfluff logs is about its own workings; what matters to us it also returns.
logging.getLogger("sqlfluff").setLevel(logging.CRITICAL + 1)


def inspect(text: str, path: str, root: Path) -> list[Finding]:
    """Check one text.

    Args:
        text: The SQL.
        path: Its name in the findings.
        root: The directory of the pyproject.toml that holds `[tool.sqlfluff]`.

    Returns:
        The findings, by position. A text that cannot be parsed has one finding, which says so.

    Raises:
        StyleError: sqlfluff refuses the configuration.
    """
    if directive := _DIRECTIVE.search(text):
        line = text.count("\n", 0, directive.start()) + 1
        return [
            Finding(
                path=path,
                line=line,
                column=1,
                code="CFG",
                rule="inline-configuration",
                message="sqlfluff is configured in a file",
                help="remove the line: every file has the style of pyproject.toml",
            )
        ]
    if not text.strip():
        # Here sqlfluff contradicts itself: LT12 wants a newline, LT13 forbids it.
        return []
    linter = _linter(root)
    try:
        violations = linter.lint_string(text, fname=path).get_violations()
    except Exception as error:  # noqa: BLE001 -- no text may end in a traceback, whatever sqlfluff does
        return [_unparsable(path, 1, 1, f"sqlfluff fails ({type(error).__name__}: {error})")]
    for violation in violations:
        # After a part that was not understood the other rules report nonsense.
        if isinstance(violation, SQLParseError | SQLLexError | SQLTemplaterError):
            return [
                _unparsable(
                    path, violation.line_no, violation.line_pos, _unparsable_fact(violation)
                )
            ]
    return sorted(_finding(path, violation) for violation in violations)


def mend(text: str, path: str, root: Path) -> str:
    """Apply every fix to one text that `inspect` found parsable.

    Args:
        text: The SQL.
        path: Its name in sqlfluff's messages.
        root: As for `inspect`.

    Returns:
        The mended text, with LF line ends; `text` itself if there was nothing to mend.

    Raises:
        StyleError: sqlfluff refuses the configuration, or fails.
    """
    linter = _linter(root, exclude=NEVER_FIXED)
    try:
        fixed, changed = linter.lint_string(text, fname=path, fix=True).fix_string()
    except Exception as error:
        raise StyleError(f"{path}: sqlfluff fails to mend it: {error!r}") from error
    return fixed if changed else text


@functools.lru_cache(maxsize=4)
def _linter(root: Path, exclude: str | None = None) -> Linter:
    try:
        # Only this file: a .sqlfluff in somebody's home or in a folder must not change the result.
        configured = load_config_file(str(root), "pyproject.toml")
        config = FluffConfig(
            configured,
            ignore_local_config=True,
            overrides={"exclude_rules": exclude} if exclude else None,
        )
        linter = Linter(config=config)
        known = {rule.code for rule in linter.get_rulepack(config).rules} | {exclude}
    except (SQLFluffUserError, KeyError, TypeError, ValueError, AssertionError) as error:
        raise StyleError(f"pyproject.toml: sqlfluff refuses [tool.sqlfluff]: {error}") from error
    # sqlfluff only warns of a misspelt rule, which would then silently check nothing.
    if unknown := set(config.get("rule_allowlist")) - known:
        raise StyleError(
            f"pyproject.toml: [tool.sqlfluff.core] rules: sqlfluff has no rule"
            f" {', '.join(sorted(unknown))}; write codes such as LT01"
        )
    return linter


def _finding(path: str, violation: SQLBaseError) -> Finding:
    code = violation.rule_code()
    fixable = violation.fixable and code != NEVER_FIXED
    return Finding(
        path=path,
        line=violation.line_no,
        column=violation.line_pos,
        code=code,
        rule=violation.rule_name(),
        message=violation.desc().removesuffix("."),
        help=_HELP_FIXABLE if fixable else _HELP.get(code, _HELP_OTHER),
        fixable=fixable,
    )


def _unparsable(path: str, line: int, column: int, message: str) -> Finding:
    return Finding(
        path=path,
        line=max(line, 1),
        column=max(column, 1),
        code=UNPARSABLE,
        rule="parsing",
        message=message,
        help=_HELP[UNPARSABLE],
    )


def _unparsable_fact(violation: SQLBaseError) -> str:
    description = violation.desc().split("\n", 1)[0].removesuffix(".")
    segment = getattr(violation, "segment", None)
    if segment is None or "Found unparsable section" not in description:
        return f"sqlfluff cannot parse this: {description}"
    # Its own words quote whole files and go on with a piece of its grammar.
    shown = segment.raw.split("\n", 1)[0]
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return f"sqlfluff cannot parse what begins here: {shown}"
