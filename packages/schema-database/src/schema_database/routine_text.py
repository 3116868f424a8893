"""Tells what the text of a function, view or rule does to settings; must not know catalogs.

A heuristic for text that PostgreSQL does not parse: it skips comments and looks into strings, since
a string may be run. Who wants to hide something from it can; what people write by habit is found.
"""

from __future__ import annotations

import re

_SETTING = r"(?:role|request\.[^']*|session_authorization|row_security)"

_SET_CONFIG = r"\bset_config\"?\s*\(\s*"

_SETS_CALLER = re.compile(
    rf"{_SET_CONFIG}(?:e|n|u&)?(?:'+{_SETTING}'|\$\w*\${_SETTING.replace(chr(39), '$')}\$)"
    # A statement, and not what UPDATE sets.
    r"|(?:^|[;'$`]|[(,=]\s*\"|>>|\b(?:begin|then|else|loop|atomic|do))\s*\bset\s+"
    r"(?:(?:local|session)\s+)?"
    r"(?:\"?(?:role|session_authorization|row_security)\b|session\s+authorization\b"
    r"|\"?request\"?\.)",
    re.IGNORECASE,
)

_NAMED = r"(?:(?:e|n)?'+[^'\\]*'+|\$\w*\$[^$]*\$\w*\$)\s*(?:::\s*[\w.\"]+\s*)*,"
_SETS_ANY = re.compile(rf"{_SET_CONFIG}(?!\s|{_NAMED})", re.IGNORECASE)

_EXECUTES = re.compile(r"\bexecute\b(?!\s+(?:function|procedure|on)\b)(?!\s*,)", re.IGNORECASE)

_TOKEN = re.compile(
    r"""(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<name>"(?:[^"]|"")*")"""
    r"""|(?P<string>\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')"""
    r"""|(?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)""",
    re.DOTALL,
)

_BLOCK_EDGE = re.compile(r"/\*|\*/")

_DEEPEST = 5
"""How many dollar-quoted strings in one another are looked into; more is no habit of people."""


def sets_caller(text: str, language: str) -> bool:
    """Tell whether a text sets the role or the claims.

    Args:
        text: of the function, view or rule.
        language: what it is written in, as PostgreSQL calls it.
    """
    return any(_SETS_CALLER.search(kept) for kept, _ in _pieces(text, language))


def runs_own_sql(text: str, language: str) -> bool:
    """Tell whether a text runs SQL that it makes itself, or sets settings whose names it makes.

    Args:
        text: of the function, view or rule.
        language: what it is written in, as PostgreSQL calls it.
    """
    return any(
        _EXECUTES.search(code) or _SETS_ANY.search(kept) for kept, code in _pieces(text, language)
    )


def _pieces(text: str, language: str) -> list[tuple[str, str]]:
    """Return texts without their comments, and the same without what their strings hold.

    What is dollar-quoted is a piece by itself as well.
    """
    if language not in {"sql", "plpgsql"}:
        return [(text, text)]  # Other languages have other comments.
    found = []
    waiting = [(text, 0)]
    while waiting:
        piece, depth = waiting.pop()
        kept, code, quoted = _scan(piece)
        found.append((kept, code))
        if depth < _DEEPEST:
            waiting += [(each, depth + 1) for each in quoted]
    return found


def _scan(text: str) -> tuple[str, str, list[str]]:
    kept: list[str] = []
    code: list[str] = []
    quoted: list[str] = []
    place = 0
    while token := _TOKEN.search(text, place):
        before, end = text[place : token.start()], token.end()
        whole = blank = " "
        if token.lastgroup == "block":
            end = _end_of_block(text, end)
        elif token.lastgroup == "name":
            whole = blank = token[0]
        elif token.lastgroup == "string":
            whole, blank = token[0], "''"
        elif token.lastgroup == "dollar":
            whole = blank = token[0]
            close = text.find(token[0], end)
            if close >= 0:
                quoted.append(text[end:close])
                end = close + len(token[0])
                whole, blank = text[token.start() : end], "''"
        kept += [before, whole]
        code += [before, blank]
        place = end
    return "".join([*kept, text[place:]]), "".join([*code, text[place:]]), quoted


def _end_of_block(text: str, place: int) -> int:
    """Return where a comment ends that began before a place; comments may hold comments."""
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(text, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(text) if depth else place
