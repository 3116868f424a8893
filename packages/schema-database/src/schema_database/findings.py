"""What a verification reports: a fact, its remedy, and a name that stays the same between runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schema_sql.display import printable

CHECKS = {
    "cast": "a cast between PostgreSQL's own types that PostgreSQL does not have",
    "claim-function": "a function that policies call, and that is not the platform's",
    "definer-function": "a SECURITY DEFINER function that reaches our tables",
    "definer-trigger": "a SECURITY DEFINER trigger on another table that names our tables",
    "definer-view": "a view without security_invoker that reaches our tables",
    "drift": "a table that is not what the migrations declare",
    "dynamic-sql": "a function that runs SQL which it makes itself",
    "execute-missing": "a caller who may not execute a function that policies call",
    "foreign-server": "a foreign server that callers may use",
    "foreign-table": "a foreign table that callers may use",
    "function-setting": "a function that sets the role or the claims for what it runs",
    "materialized-view": "a materialized view that reaches our tables",
    "member": "a login that may act as a caller",
    "owner": "an object that a caller owns",
    "parameter-privilege": "a server parameter that a caller may set",
    "platform-functions": "SECURITY DEFINER functions of the platform and of extensions",
    "publication": "a publication that sends our tables' rows elsewhere",
    "role-attribute": "an attribute of a role that policies do not survive",
    "role-membership": "a caller who may act as a role that policies do not bind",
    "role-missing": "a role of the platform that does not exist",
    "rule": "a rewrite rule on another table that reaches our tables",
    "schema-create": "a schema, or the database, where callers may create what others find first",
    "setting": "a setting of the server, the database or a role that decides who a caller is",
    "shadow": "an object that is found in the place of one of PostgreSQL's own",
    "subscription": "a subscription that writes into our tables",
    "system-privilege": "a privilege of callers on one of PostgreSQL's own objects",
    "unread-function": "a SECURITY DEFINER function whose body does not show what it reaches",
    "unread-triggers": "SECURITY DEFINER triggers whose bodies do not show what they reach",
    "usage-missing": "a caller who may not use a schema that the tables need",
    "view-setting": "a view or rule that sets the role or the claims for who uses it",
}
"""Every check and what it finds. A name here is the first word of a finding's id."""


class Level(StrEnum):
    """How much a finding counts."""

    DIFFERENCE = "difference"
    """Something is not as declared, or tenancy does not hold."""

    NOTE = "note"
    """Legitimate, but good to know."""


@dataclass(frozen=True)
class Finding:
    """One thing that a verification found; every text is fit to be printed, on one line.

    Attributes:
        check: a key of CHECKS.
        subject: what it is about, such as `public.report`; the same in every run.
        fact: what is so, in one sentence without a full stop.
        remedy: what the reader can do about it.
        level: how much it counts.
    """

    check: str
    subject: str
    fact: str
    remedy: str
    level: Level = Level.DIFFERENCE

    def __post_init__(self) -> None:
        if self.check not in CHECKS:
            raise ValueError(f"no check is called {self.check!r}")
        # A name that holds a backslash and an n must not pass for one that holds a line feed.
        subject = printable(self.subject.replace("\\", "\\\\"))
        object.__setattr__(self, "subject", subject)
        object.__setattr__(self, "fact", printable(self.fact))
        object.__setattr__(self, "remedy", printable(self.remedy))

    @property
    def id(self) -> str:
        """The name by which the finding is accepted: the check and the subject."""
        return f"{self.check} {self.subject}"


def in_order(findings: list[Finding]) -> list[Finding]:
    """Return findings without repetitions, differences first, in an order that never changes."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda found: (found.level is Level.NOTE, found.check, found.subject, found.fact),
    )
