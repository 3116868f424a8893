"""A policy reads the token once for each statement.

What: A call of an auth function or current_setting in a policy that does not stand directly in a
    SELECT of its own; the claim app_code in any spelling but one.
Why: Called bare it runs for every row: 720 ms against 60 ms over 500,000 rows, and 8.5 s against
    55 ms with a token of 2 KB. Supabase's advisor accepts (SELECT auth.jwt()) ->> 'app_code' and
    warns of (SELECT auth.jwt() ->> 'app_code').
Instead: ((SELECT auth.jwt()) ->> 'app_code'), (SELECT auth.uid()).
When to allow: Never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.tenancy import CLAIM, TENANT_COLUMN, claims, is_claim, scalar_subselect
from schema_lint.workspace import place
from schema_sql.statements import strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "policy-claim-spelling"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each claim in another spelling, and each call that runs for every row."""
    for policy in workspace.policies(file):
        for condition in (policy.using, policy.check):
            if condition is None:
                continue
            in_claims: set[int] = set()
            for node, claim in claims(condition):
                if claim.path == (TENANT_COLUMN,):
                    in_claims.update(id(fields) for _, fields in walk(node))
                    if not is_claim(node):
                        message = "the claim is not spelled so that it is read once per statement"
                        yield policy.statement.finding(ID, message, f"write {CLAIM}", place(node))
            for call, name in _bare_calls(condition):
                if id(call) not in in_claims:
                    message = f"{name}() is called for every row"
                    yield policy.statement.finding(ID, message, f"write (SELECT {name}())", call)


def _bare_calls(condition: Node) -> Iterator[tuple[Node, str]]:
    """The calls that depend on the caller alone and stand in no SELECT of their own."""
    wrapped = set()
    for kind, fields in walk(condition):
        if kind == "SubLink":
            inner = scalar_subselect({"SubLink": fields})
            if inner is not None:
                wrapped.add(id(inner.get("FuncCall")))
        elif kind == "FuncCall" and id(fields) not in wrapped:
            names = strings(fields["funcname"])
            if (len(names) == 2 and names[0] == "auth") or names[-1] == "current_setting":
                yield fields, ".".join(names)
