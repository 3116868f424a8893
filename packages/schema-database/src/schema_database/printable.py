"""Makes text of unknown origin fit for a terminal or a log; knows Unicode's categories, no SQL."""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""General categories (Unicode Standard, section 4.5) whose characters act on what shows them:
controls (ESC and the C1 block among them), format characters (such as the overrides of writing
direction), surrogates, and the separators of lines and paragraphs."""


def printable(text: str) -> str:
    r"""Return `text` on one line, with every character that could act on a terminal escaped.

    Args:
        text: anything, such as the name of an object or the message of a server.

    Returns:
        The same text with `\n`, `\r`, `\t`, `\xNN`, `\uNNNN` or `\UNNNNNNNN` in the place of
        control and format characters and of line separators. Other text, letters of every
        language among it, is unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
