"""sqlfluff as a library: a text → its findings, or its mended self; knows no files and no cache.

The only module that imports sqlfluff, which takes half a second: import it only when there is a
text to look at. sqlfluff sees a stand-in of the text (`standin`), so nothing that a file says
reaches its directives, and no fix of its reaches a token.
"""

import codecs
import dataclasses
import functools
import logging
import re
import tempfile
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
from sqlfluff.core.types import ConfigMappingType

from schema_sql.source import read_source
from schema_style.findings import Finding, StyleError
from schema_style.standin import StandIn
from schema_style.tokens import ScanError

# sqlfluff breaks an over-long list after each comma and starts the pieces at column 1; where a
# line is best broken is the author's decision.
NEVER_FIXED = "LT05"

# They carry an operator, a comma or a semicolon to another line, and so over a comment between.
_MOVERS = ("LT03", "LT04", "CV06")

_SPACING = "LT01"

_CONFIG = "pyproject.toml"

UNPARSABLE = "PRS"

_REFUSED = {UNPARSABLE: "parsing", "CFG": "inline-configuration", "WS": "white-space"}
"""The codes of findings that end the check of a file, and the names of what they are about."""

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
_HELP_LEFT = (
    "correct it by hand: sqlfluff's fix would change more than white space and case, as where it"
    " carries a comma over a comment"
)
_HELP_OTHER = "correct it by hand"

_DIRECTIVE = re.compile(r"-- ?sqlfluff")
_ODD_SPACE = re.compile(r"[^ \t\n]")
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
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
    linter = _linter(root)
    try:
        shown = StandIn(text)
    except ScanError as error:
        fact = f"PostgreSQL cannot read this: {_first_line(error.message)}"
        at = _position(text, error.offset)
        return [_refused(path, at, UNPARSABLE, fact, "correct the syntax")]
    if refusal := _refusal(shown, path):
        return [refusal]
    if not shown.units:
        # Here sqlfluff contradicts itself: LT12 wants a newline, LT13 forbids it.
        return []
    try:
        violations = linter.lint_string(shown.text, fname=path).get_violations()
    except Exception as error:  # noqa: BLE001 -- no text may end in a traceback, whatever sqlfluff does
        return [_unparsable(path, 1, 1, f"sqlfluff fails ({type(error).__name__}: {error})")]
    for violation in violations:
        # After a part that was not understood the other rules report nonsense.
        if isinstance(violation, SQLParseError | SQLLexError | SQLTemplaterError):
            line, column = max(violation.line_no, 1), max(violation.line_pos, 1)
            fact = f"sqlfluff cannot parse what begins here: {_excerpt(text, line, column)}"
            if "unparsable section" not in violation.desc():
                fact = f"sqlfluff cannot parse this: {_first_line(violation.desc())}"
            return [_unparsable(path, line, column, fact)]
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    return sorted(
        _finding(path, violation)
        for violation in violations
        if not _is_owned(shown, lines, violation)
    )


def mend(text: str, path: str, root: Path) -> str:
    """Apply to one text that `inspect` found parsable every fix that leaves its tokens alone.

    Args:
        text: The SQL.
        path: Its name in sqlfluff's messages.
        root: As for `inspect`.

    Returns:
        The mended text, with LF line ends, to PostgreSQL the same token by token, but for a
        semicolon at the end; `text` itself if there was nothing to mend.

    Raises:
        StyleError: sqlfluff refuses the configuration, or fails.
    """
    mended = _mend(text, path, root, NEVER_FIXED)
    if mended is None:
        # Some rules carry a word over a comment. Let the others do their work first, then each of
        # these as far as it does not.
        mended = _mend(text, path, root, NEVER_FIXED, *_MOVERS) or text
        for rule in _MOVERS:
            others = (other for other in _MOVERS if other != rule)
            mended = _mend(mended, path, root, NEVER_FIXED, *others) or mended
    return mended


def _mend(text: str, path: str, root: Path, *exclude: str) -> str | None:
    """Apply the fixes of all rules but some; None if they change more than they may."""
    linter = _linter(root, exclude=exclude)
    shown = StandIn(text)
    try:
        fixed, changed = linter.lint_string(shown.text, fname=path, fix=True).fix_string()
    except Exception as error:
        raise StyleError(f"{path}: sqlfluff fails to mend it: {error!r}") from error
    return shown.restore(fixed) if changed else text


def by_hand(finding: Finding) -> Finding:
    """Return a finding that fixing has left, with a remedy that is true of it."""
    if not finding.fixable:
        return finding
    return dataclasses.replace(finding, help=_HELP_LEFT, fixable=False)


def _configured(root: Path) -> ConfigMappingType:
    path = root / _CONFIG
    if not path.read_bytes().startswith(codecs.BOM_UTF8):
        return load_config_file(str(root), _CONFIG)
    # sqlfluff alone refuses a byte order mark, and reads no text that is not in a file.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / _CONFIG).write_text(read_source(path, _CONFIG).text, encoding="utf-8")
        return load_config_file(folder, _CONFIG)


@functools.lru_cache(maxsize=8)
def _linter(root: Path, exclude: tuple[str, ...] = ()) -> Linter:
    try:
        # Only this file: a .sqlfluff in somebody's home or in a folder must not change the result.
        configured = _configured(root)
        config = FluffConfig(
            configured,
            ignore_local_config=True,
            overrides={"exclude_rules": ",".join(exclude)} if exclude else None,
        )
        linter = Linter(config=config)
        known = {rule.code for rule in linter.get_rulepack(config).rules} | {*exclude}
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


def _refusal(shown: StandIn, path: str) -> Finding | None:
    """What makes a text one that is not checked further; it never passes unseen."""
    text = shown.original
    for unit in shown.units:
        if unit.kind == "SQL_COMMENT" and _DIRECTIVE.match(unit.text):
            fact = "sqlfluff is configured in a file"
            remedy = "remove the line: every file has the style of pyproject.toml"
            return _refused(path, _position(text, unit.start), "CFG", fact, remedy)
        if unit.text == "\\":
            at = _position(text, unit.start)
            fact = f"this is a command of psql: {_excerpt(text, *at)}"
            return _refused(path, at, UNPARSABLE, fact, "remove it: PostgreSQL does not know it")
        if _CONTROL.fullmatch(unit.text):
            fact = f"PostgreSQL does not know the character U+{ord(unit.text):04X}"
            return _refused(path, _position(text, unit.start), UNPARSABLE, fact, "remove it")
    ends = [0, *(unit.end for unit in shown.units)]
    for end, gap in zip(ends, shown.gaps, strict=True):
        if odd := _ODD_SPACE.search(gap):
            fact = f"U+{ord(odd[0]):04X} is white space that editors do not show"
            at = _position(text, end + odd.start())
            return _refused(path, at, "WS", fact, "write a space or a line break")
    return None


def _is_owned(shown: StandIn, lines: list[int], violation: SQLBaseError) -> bool:
    """Whether a violation is about white space that is no matter of style.

    Args:
        shown: What sqlfluff was shown.
        lines: Where its lines begin.
        violation: What sqlfluff found.
    """
    if violation.rule_code() != _SPACING:
        return False
    offset = lines[max(violation.line_no, 1) - 1] + violation.line_pos - 1
    closes = any(fix.edit_type == "delete" for fix in getattr(violation, "fixes", ()))
    return shown.owns(offset, closes=closes)


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


def _refused(path: str, at: tuple[int, int], code: str, fact: str, remedy: str) -> Finding:
    """A finding on a text that is not checked further, and says so."""
    remedy = f"{remedy}. Nothing else in this file was checked"
    return Finding(path, *at, code, _REFUSED[code], fact, remedy)


def _unparsable(path: str, line: int, column: int, message: str) -> Finding:
    return Finding(path, line, column, UNPARSABLE, "parsing", message, _HELP[UNPARSABLE])


def _first_line(message: str) -> str:
    return _shortened(message.split("\n", 1)[0].removesuffix("."))


def _excerpt(text: str, line: int, column: int) -> str:
    return _shortened(text.split("\n")[line - 1][column - 1 :])


def _shortened(text: str) -> str:
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
