"""The one kind of error this package raises to a person: a fact and its remedy."""

from __future__ import annotations

from schema_sql.display import printable


class DatabaseError(Exception):
    """Something outside this package is not as it must be; says what, and what to do about it.

    Attributes:
        fact: what is wrong, in one sentence without a full stop.
        remedy: what the reader can do about it.
    """

    def __init__(self, fact: str, remedy: str) -> None:
        super().__init__(fact, remedy)
        self.fact = fact
        self.remedy = remedy

    def __str__(self) -> str:
        # Either may quote what a server said, and a server may say anything.
        fact, remedy = (printable(text.replace("\t", " ")) for text in (self.fact, self.remedy))
        return f"{fact}\n  help: {remedy}"
