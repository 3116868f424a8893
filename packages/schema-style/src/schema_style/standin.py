"""A stand-in for a text: what sqlfluff is shown, and how its fixes come back; knows no rule.

sqlfluff has a lexer of its own. It splits operators that it does not know, parts N from 'x', takes
a no-break space for white space although PostgreSQL takes it for a name, and obeys what comments
tell it. So it is never shown the text itself. In the stand-in, as long as the text and broken into
lines at the same places, each token that it might misread is written as one that it reads right: a
comment is a row of x, an operator is one that it knows.

What comes back are white space between tokens and the case of words; everything else stays as its
author wrote it, whatever became of the stand-in.
"""

import dataclasses
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from schema_sql.tokens import COMMENTS
from schema_style.tokens import (
    CONTINUED,
    ScanError,
    Token,
    fold,
    same_tokens,
    tokens,
)

# Plain words may be written in another case. What they hold besides, sqlfluff's lexer takes for
# something else; no keyword holds a 9 or begins with _, so the word does not become one.
_STRANGE = re.compile(r"[^A-Za-z0-9_]")

_STRINGS = frozenset({"SCONST", "USCONST", "BCONST", "XCONST", "NCHAR", CONTINUED})
_NUMBERS = frozenset({"ICONST", "FCONST"})

# By length: operators that sqlfluff knows between operands, behind USING and in EXCLUDE … WITH, and
# such that it knows before an operand. A longer one is one of these with a comment.
_BETWEEN = {1: "<", 2: "<=", 3: "<=>", 4: "!~~*", 5: "<<#>>"}
_BEFORE = {1: "~", 2: "+~", 3: "++~", 4: "+++~", 5: "++++~"}
_LONG = 6
_SYMBOL = re.compile(r"[-+*/<>=~!@#%^&|`?]+")

# Behind a reserved word, such as SELECT or AND, an operand begins; but these are operands.
_OPERANDS = frozenset(
    {
        "NULL_P",
        "TRUE_P",
        "FALSE_P",
        "DEFAULT",
        "END_P",
        "USER",
        *(f"CURRENT_{what}" for what in ("DATE", "ROLE", "TIME", "TIMESTAMP", "USER", "CATALOG")),
        *("LOCALTIME", "LOCALTIMESTAMP", "SESSION_USER", "SYSTEM_USER"),
    }
)
# Behind these an operator is named.
_NAMING = frozenset({"WITH", "WITH_LA", "USING"})


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """A token, or several that stand together, and what sqlfluff is shown for it.

    Attributes:
        start: Where it begins in the text, in characters from 0.
        text: What stands there.
        shown: The stand-in, as long, with the same line breaks.
        kind: The scanner's name of its first token.
        word: Whether it may be written in another ASCII case.
        loose: Whether the space behind it is its author's: a named operator before its operand.
    """

    start: int
    text: str
    shown: str
    kind: str
    word: bool = False
    loose: bool = False

    @property
    def end(self) -> int:
        """Where it ends: one past its last character."""
        return self.start + len(self.text)


class StandIn:
    """What sqlfluff is shown for a text.

    Attributes:
        original: The text.
        units: Its parts, in order; white space lies between them.
        gaps: The white space before each unit, and behind the last one.
        text: The stand-in.
    """

    def __init__(self, original: str) -> None:
        """Make the stand-in of a text.

        Args:
            original: The text.

        Raises:
            ScanError: PostgreSQL cannot split it into tokens.
        """
        self.original = original
        self.units = list(_units(original, tokens(original)))
        starts = [*(unit.start for unit in self.units), len(original)]
        ends = [0, *(unit.end for unit in self.units)]
        self.gaps = [original[end:start] for end, start in zip(ends, starts, strict=True)]
        self.text = _joined(self.gaps, [unit.shown for unit in self.units])

    def owns(self, offset: int, *, closes: bool) -> bool:
        """Tell whether the white space at a place is no matter of style.

        Args:
            offset: The place, in characters from 0.
            closes: Whether the question is whether to have none there.

        Returns:
            Whether it is within a unit, or behind one whose space is its author's, or whether two
            tokens would become others without it.
        """
        at = bisect_right(self.units, offset, key=lambda unit: unit.end)
        if at == len(self.units):
            return False
        unit = self.units[at]
        if unit.start < offset:
            return True
        if at == 0:
            return False
        before = self.units[at - 1]
        return before.loose or (closes and not _may_touch(before, unit))

    def restore(self, fixed: str) -> str | None:
        """Bring sqlfluff's fixes of the stand-in back to the text.

        Args:
            fixed: The stand-in as sqlfluff has fixed it.

        Returns:
            The text with the white space and the case of `fixed`, and perhaps a semicolon behind
            its last statement. None if anything else was fixed: if the tokens are not the same, or
            stand in another order among the comments.
        """
        places = [place for place, char in enumerate(fixed) if not char.isspace()]
        solid = fold("".join(fixed[place] for place in places))
        units, gaps = self.units, self.gaps
        if solid != _solid(units):
            units, gaps = self._terminated()
            if solid != _solid(units):
                return None
        texts = []
        between = []
        at = end = 0
        before: Unit | None = None
        for unit, gap in zip(units, gaps, strict=False):
            own = places[at : at + len("".join(unit.shown.split()))]
            new = fixed[end : own[0]]
            kept = new == gap or before is None or _divides(before, new, unit)
            between.append(new if kept else gap)
            texts.append(_recased(unit, "".join(fixed[place] for place in own)))
            at += len(own)
            end = own[-1] + 1
            before = unit
        text = _joined([*between, fixed[end:]], texts)
        before_fix = _joined(gaps, [unit.text for unit in units])
        return text if same_tokens(before_fix, text) else None

    def _terminated(self) -> tuple[list[Unit], list[str]]:
        """The units and gaps with a semicolon behind the last unit that is no comment."""
        at = len(self.units)
        while at and self.units[at - 1].kind in COMMENTS:
            at -= 1
        start = self.units[at - 1].end if at else 0
        semicolon = Unit(start, ";", ";", "ASCII_59")
        return (
            [*self.units[:at], semicolon, *self.units[at:]],
            [*self.gaps[:at], "", *self.gaps[at:]],
        )


def _joined(gaps: list[str], texts: list[str]) -> str:
    return "".join(gap + text for gap, text in zip(gaps, [*texts, ""], strict=True))


def _solid(units: list[Unit]) -> str:
    """All that is no white space, as fixes must leave it but for case."""
    return fold("".join("".join(unit.shown.split()) for unit in units))


def _recased(unit: Unit, fixed: str) -> str:
    if not unit.word:
        return unit.text
    return "".join(
        new if fold(new) == fold(old) else old for old, new in zip(unit.text, fixed, strict=True)
    )


def _divides(before: Unit, gap: str, unit: Unit) -> bool:
    """Whether white space may stand between two units in the place of what stood there."""
    if before.loose:
        return False
    if before.kind == "SQL_COMMENT" or unit.kind == CONTINUED:
        return "\n" in gap
    return bool(gap) or _may_touch(before, unit)


def _may_touch(before: Unit, unit: Unit) -> bool:
    """Whether two units stay what they are with nothing between them."""
    if before.kind == "SQL_COMMENT" or unit.kind == CONTINUED:
        return False
    try:
        return same_tokens(f"{before.text} {unit.text}", before.text + unit.text)
    except ScanError:
        return False  # Two strings that are none together.


def _units(text: str, found: list[Token]) -> Iterator[Unit]:
    before: Token | None = None
    at = 0
    while at < len(found):
        size = _together(found, at)
        first, last = found[at], found[at + size - 1]
        yield _unit(first, text[first.start : last.end], before, several=size > 1)
        if last.kind not in COMMENTS:
            before = last
        at += size


def _together(found: list[Token], at: int) -> int:
    """How many tokens, from one on, sqlfluff must be shown as one."""
    token = found[at]
    kinds = [each.kind for each in found[at + 1 : at + 3]]
    if token.kind == "NCHAR" and kinds[:1] == ["SCONST"] and found[at + 1].start == token.end:
        return 2  # N'x' is a string, and N 'x' one of a type n.
    if token.kind in {"USCONST", "UIDENT"} and kinds == ["UESCAPE", "SCONST"]:
        return 3
    if token.kind == "OPERATOR" and kinds[:1] == ["ASCII_40"]:
        return _until(found, at, lambda each: each.kind == "ASCII_41")
    if [each.kind for each in found[max(at - 2, 0) : at]] == ["CREATE", "OPERATOR"]:
        return _until(found, at, lambda each: bool(_SYMBOL.fullmatch(each.text)))
    return 1


def _until(found: list[Token], at: int, ends: Callable[[Token], bool]) -> int:
    """How many tokens up to one that ends a qualified operator; 1 if there is none."""
    for size, each in enumerate(found[at:], 1):
        if ends(each):
            return size
        if each.kind in COMMENTS or each.text == ";":
            break
    return 1


def _unit(first: Token, text: str, before: Token | None, *, several: bool) -> Unit:
    kind = first.kind
    if kind == "SQL_COMMENT":
        shown = _filled(text, "--", "")
    elif kind == "C_COMMENT":
        shown = _filled(text, "/*", "*/")
    elif kind in _STRINGS and (several or kind != "NCHAR"):
        shown = _filled(text, "'", "'")
    elif kind == "UIDENT" or text.startswith('"'):
        shown = _filled(text, '"', '"')
    elif kind in _NUMBERS:
        shown = "1" * len(text)
    elif before is not None and before.kind == "OPERATOR" and (several or kind == "Op"):
        # CREATE OPERATOR names it; sqlfluff knows no schema there.
        shown = _filled(text, "", "", "=")
    elif kind == "Op" or (several and kind == "OPERATOR"):
        return _operator(first, text, before)
    elif first.folds:
        shown = _STRANGE.sub("9", text)
        shown = f"_{shown[1:]}" if shown.startswith("9") else shown
        return Unit(first.start, text, shown, kind, word=True)
    else:
        # A control character, which is a token of its own, must not pass for white space.
        shown = text if text.isprintable() else "?"
    return Unit(first.start, text, shown, kind)


def _operator(first: Token, text: str, before: Token | None) -> Unit:
    size = len(text)
    if _is_operand(before) or (before is not None and before.kind in _NAMING):
        if size < _LONG:
            shown = _BETWEEN[size]
        elif before is not None and before.kind == "USING":
            shown = _filled(text, "/*", "*/=")
        else:
            shown = _filled(text, "=/*", "*/")
        return Unit(first.start, text, shown, first.kind)
    shown = _BEFORE[size] if size < _LONG else _filled(text, "~/*", "*/")
    return Unit(first.start, text, shown, first.kind, loose=text != "~")


def _is_operand(token: Token | None) -> bool:
    """Whether an operand may end with a token: what follows is then between two."""
    if token is None or _SYMBOL.fullmatch(token.text) or token.text in {"(", "[", ",", ":", ";"}:
        return False
    return not token.reserved or token.kind in _OPERANDS


def _filled(text: str, left: str, right: str, filler: str = "x") -> str:
    """A row of one character as long as a text, with its line breaks, between two ends."""
    first, last = len(left), len(text) - len(right)
    if "\n" in text[:first] + text[last:]:
        return text  # sqlfluff may misread it; its lines matter more.
    return left + re.sub(r"[^\n]", filler, text[first:last]) + right
