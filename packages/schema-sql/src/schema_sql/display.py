"""Text from files and databases on a terminal: knows widths and escapes; knows no SQL."""

from __future__ import annotations

import unicodedata

WIDTH = 100
"""The columns of a terminal that a line of ours takes at most."""

_INDENT = "    "
_TAB = "    "
_CUT = "…"
_LONGEST = 400


def printable(text: str, keep: str = "") -> str:
    """Escape what a terminal would obey or hide instead of showing it.

    Args:
        text: Text of a file or a database, a name, or a message that holds some.
        keep: Characters to leave alone: line feeds in a message of several lines, tabs.

    Returns:
        The text, with each character that `str.isprintable` refuses written as in a Python string:
        control characters, line separators, bidirectional marks, and bytes that are not UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep else _escaped(char) for char in text)


def one_line(text: str) -> str:
    """A text for one line of a report: printable, and cut in the middle where it is very long."""
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} {_CUT} {text[-half:]}"
    return printable(text)


def listed(names: list[str], most: int = 20) -> str:
    """Names with commas between them, and how many are left out where there are too many."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def excerpt(line: str, column: int) -> str:
    """A line of a text with a caret below a column, no wider than a terminal.

    Args:
        line: The line.
        column: The column in characters, from 1; one behind the end is fine.

    Returns:
        Two lines, indented. What does not fit is cut off around the column and replaced by an
        ellipsis, tabs are four spaces, and characters that a terminal does not show are escaped.
    """
    room = WIDTH - len(_INDENT)
    at = min(column - 1, len(line))
    # Every character takes a column at least, but for combining ones, and few of those do.
    before = [_shown(character) for character in line[max(0, at - room) : at]]
    after = [_shown(character) for character in line[at : at + room]]
    cut_before = at > room
    cut_after = len(line) > at + room
    left, right = _width(before), _width(after)
    if left + right > room or cut_before or cut_after:
        # A third of the line shows what follows, where there is as much.
        left_room = room - min(right, room // 3)
        if left > left_room or cut_before:
            while before and left + 1 > left_room:
                left -= before.pop(0)[1]
            before.insert(0, (_CUT, 1))
            left += 1
        if left + right > room or cut_after:
            while after and left + right + 1 > room:
                right -= after.pop()[1]
            after.append((_CUT, 1))
    shown = "".join(text for text, _ in (*before, *after))
    return f"{_INDENT}{shown}\n{_INDENT}{' ' * left}^"


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _shown(character: str) -> tuple[str, int]:
    """How a character is shown, and how many columns that takes."""
    if character == "\t":
        return _TAB, len(_TAB)
    text = _escaped(character)
    if text != character:
        return text, len(text)
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _width(shown: list[tuple[str, int]]) -> int:
    return sum(width for _, width in shown)
