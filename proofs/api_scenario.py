"""What callers of the Data API ask, and what is right to answer; knows no client, no server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]

PUBLISHABLE_KEY = "sb_publishable_of_the_proof"
SECRET_KEY = "sb_secret_of_the_proof"  # noqa: S105 - of a server that lives for seconds
JWT_SECRET = "signs the tokens of a server that lives for seconds"  # noqa: S105

TABLES = (
    "function_registry",
    "workflow_definitions",
    "workflow_instances",
    "instance_tasks",
    "instance_context",
    "workflow_history",
)
MUTABLE = TABLES[:-1]
CHANGES: Mapping[str, Row] = {
    "function_registry": {"description": "changed"},
    "workflow_definitions": {"description": "changed"},
    "workflow_instances": {"current_node_id": "changed"},
    "instance_tasks": {"node_id": "changed"},
    "instance_context": {"context_data": {"changed": True}},
}
"""What users write into a row of their own, in each table that takes changes."""
A, B = "alpha", "beta"
SHARED = "shared.send_mail"

AMBIGUOUS_TO_LITE = ("workflow_instances", "applications")
"""(Child, parent) that @supabase/lite wants the key's name for.

It takes every table that references both for one that joins them many to many. PostgREST asks that
a joining table's primary key contain both foreign keys, and none of ours does.
"""

_EVENT_WITHOUT_TASK = 7
"""Number of the history row that is about no task."""

_NEVER_EXPIRES = 4_102_444_800  # 2100-01-01


def row_id(number: int, app: str) -> str:
    """Return the id of a tenant's row; each table has the number of its place in TABLES."""
    return f"{number:08}-0000-4000-8000-{(A, B).index(app) + 1:012}"


def id_in(table: str, app: str) -> str:
    """Return the id of the row that a tenant has in a table from the beginning."""
    return row_id(TABLES.index(table), app)


def own_row(table: str, app: str, row: str) -> dict[str, Any]:
    """Return a row of a tenant that the table takes, with that id."""
    definition, instance = id_in("workflow_definitions", app), id_in("workflow_instances", app)
    special: dict[str, dict[str, Any]] = {
        "function_registry": {
            "function_code": f"{app}.{row}",
            "implementation_type": "USER_TASK",
        },
        "workflow_definitions": {
            "workflow_code": f"w{row}",
            "name": "Purchase",
            "model_structure": {},
        },
        "workflow_instances": {"workflow_definition_id": definition, "workflow_code": "purchase"},
        "instance_tasks": {
            "workflow_instance_id": instance,
            "workflow_code": "purchase",
            "function_code": f"{app}.{id_in('function_registry', app)}",
            "node_id": "approve",
            "task_type": "USER_TASK",
        },
        "instance_context": {
            "workflow_instance_id": instance,
            "version": int(row[:8]) + 1,
        },
        "workflow_history": {
            "workflow_instance_id": instance,
            "event_type": "TASK_CREATED",
            "task_id": id_in("instance_tasks", app),
        },
    }
    return {"id": row, "app_code": app, **special[table]}


def initial_rows() -> list[tuple[str, Row]]:
    """Return what the database holds before the first request, in order: (table, row)."""
    rows: list[tuple[str, Row]] = [
        ("applications", {"app_code": app, "app_name": app}) for app in (A, B)
    ]
    for app in (A, B):
        rows += [(table, own_row(table, app, id_in(table, app))) for table in TABLES]
        without_task = own_row("workflow_history", app, row_id(_EVENT_WITHOUT_TASK, app))
        rows.append(
            ("workflow_history", {**without_task, "event_type": "TRANSITION", "task_id": None})
        )
    shared = {"function_code": SHARED, "implementation_type": "SERVICE_TASK"}
    rows.append(("function_registry", {"id": row_id(8, A), "app_code": None, **shared}))
    return rows


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        key: the API key.
        token: the signed token, or None for none.
    """

    key: str
    token: str | None = None


@dataclass(frozen=True)
class Request:
    """One call of a client.

    Attributes:
        caller: who asks.
        table: of which table.
        verb: `select`, `insert`, `update`, `delete` or `upsert`.
        columns: what to return.
        values: the row to write.
        where: column to the value that it must equal.
    """

    caller: Caller
    table: str
    verb: str
    columns: str = "*"
    values: Row = field(default_factory=dict)
    where: Row = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as the client in JavaScript reads it."""
        return {
            "key": self.caller.key,
            "token": self.caller.token,
            "table": self.table,
            "verb": self.verb,
            "columns": self.columns,
            "values": self.values,
            "where": self.where,
        }


@dataclass(frozen=True)
class Answer:
    """What a client got: rows, or an error's code and message."""

    rows: Sequence[Row] | None
    code: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{len(self.rows)} rows" if self.rows is not None else f"{self.code} {self.message}"


Judge = Callable[[Answer], bool]


@dataclass(frozen=True)
class Step:
    """A request, and when its answer bears a claim out."""

    claim: str
    request: Request
    judge: Judge


@dataclass(frozen=True)
class Relationship:
    """A foreign key: the child's columns name the parent's."""

    name: str
    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]

    def joins(self, child: Row, parent: Row) -> bool:
        """Tell whether this child row names this parent row."""
        return all(
            child[own] is not None and child[own] == parent[other]
            for own, other in zip(self.child_columns, self.parent_columns, strict=True)
        )


def signed(claims: Row, *, secret: str = JWT_SECRET) -> str:
    """Return a JSON Web Token, signed with HMAC-SHA256 (RFC 7515)."""
    head, body = (_encoded(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    digest = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_base64(digest)}"


def claims_of(app: str | None, **more: Any) -> dict[str, Any]:
    """Return the claims of a signed-in user's token; without `app` it names no tenant."""
    claims = {
        "aud": "authenticated",
        "role": "authenticated",
        "sub": "10000000-0000-4000-8000-000000000000",
        "exp": _NEVER_EXPIRES,
        **more,
    }
    return claims if app is None else {**claims, "app_code": app}


def user_of(app: str) -> Caller:
    """Return a signed-in user of a tenant."""
    return Caller(PUBLISHABLE_KEY, signed(claims_of(app)))


ANON = Caller(PUBLISHABLE_KEY)
ENGINE = Caller(SECRET_KEY)


UNSIGNED = "not signed at all"


def forgeries() -> dict[str, Caller]:
    """Return callers whose tokens are not what we signed."""
    good = signed(claims_of(A))
    head, body, signature = good.split(".")
    other = _encoded(claims_of(B))
    unsigned = f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{body}."
    tokens = {
        "another tenant written into it": f"{head}.{other}.{signature}",
        "another role written into it": (
            f"{head}.{_encoded({**claims_of(A), 'role': 'service_role'})}.{signature}"
        ),
        "signed with another secret": signed(claims_of(A), secret="another" * 6),
        UNSIGNED: unsigned,
        "expired": signed({**claims_of(A), "exp": 1}),
    }
    return {name: Caller(PUBLISHABLE_KEY, token) for name, token in tokens.items()}


def refused(*codes: str) -> Judge:
    """Expect an error with one of these codes."""
    return lambda answer: answer.rows is None and answer.code in codes


def nothing(answer: Answer) -> bool:
    """Expect no rows, and no error."""
    return answer.rows is not None and not answer.rows


def ids(*wanted: str) -> Judge:
    """Expect exactly the rows with these ids."""
    return lambda answer: (
        answer.rows is not None and sorted(str(row["id"]) for row in answer.rows) == sorted(wanted)
    )


def scenario(relationships: Sequence[Relationship]) -> list[Step]:
    """Return all steps, in order; both clients go through all of them.

    Args:
        relationships: every foreign key of the schema, as the catalog has them.
    """
    return [
        *_embedding(relationships),
        *_reading(),
        *_writing(),
        *_functions(),
        *_history(),
        *_tokens(),
    ]


def _reading() -> list[Step]:
    user = user_of(A)
    steps = []
    for table in TABLES:
        mine, theirs = id_in(table, A), id_in(table, B)
        steps += [
            Step(
                "own rows are visible, in each table",
                Request(user, table, "select", where={"id": mine}),
                ids(mine),
            ),
            Step(
                "another tenant's rows are invisible, in each table",
                Request(user, table, "select", where={"id": theirs}),
                nothing,
            ),
            Step(
                "a list without a filter holds no other tenant's row",
                Request(user, table, "select"),
                _only_of(A),
            ),
            Step(
                "service_role sees the rows of all tenants",
                Request(ENGINE, table, "select", where={"id": theirs}),
                ids(theirs),
            ),
        ]
    return steps


def _only_of(app: str) -> Judge:
    return lambda answer: (
        bool(answer.rows) and all(row["app_code"] in (app, None) for row in answer.rows or ())
    )


def _writing() -> list[Step]:
    user = user_of(A)
    new = row_id(11, A)
    steps = [
        Step(
            "an insert under another's app_code is refused with 42501, in each table",
            Request(user, table, "insert", values=own_row(table, B, row_id(10, B))),
            refused("42501"),
        )
        for table in TABLES
    ]
    for table in MUTABLE:
        theirs = {"id": id_in(table, B)}
        steps += [
            Step(
                "an own row cannot be given to another tenant: 42501",
                Request(
                    user, table, "update", values={"app_code": B}, where={"id": id_in(table, A)}
                ),
                refused("42501"),
            ),
            Step(
                "an update of another's row finds no row",
                Request(user, table, "update", values={"app_code": A}, where=theirs),
                nothing,
            ),
            Step(
                "a delete of another's row finds no row",
                Request(user, table, "delete", where=theirs),
                nothing,
            ),
            Step(
                "an upsert over another's row is refused with 42501",
                Request(user, table, "upsert", values=own_row(table, A, id_in(table, B))),
                refused("42501"),
            ),
            Step(
                "own rows can be inserted, changed and deleted",
                Request(user, table, "insert", values=own_row(table, A, new)),
                ids(new),
            ),
            Step(
                "own rows can be inserted, changed and deleted",
                Request(user, table, "update", values=CHANGES[table], where={"id": new}),
                _changed(new, CHANGES[table]),
            ),
            Step(
                "own rows can be inserted, changed and deleted",
                Request(user, table, "delete", where={"id": new}),
                ids(new),
            ),
        ]
    stolen = {
        **own_row("workflow_instances", A, row_id(12, A)),
        "workflow_definition_id": id_in("workflow_definitions", B),
    }
    steps.append(
        Step(
            "a row cannot hang on another tenant's parent: 23503",
            Request(user, "workflow_instances", "insert", values=stolen),
            refused("23503"),
        )
    )
    return steps


def _changed(wanted: str, values: Row) -> Judge:
    return lambda answer: (
        ids(wanted)(answer) and all(row.items() >= values.items() for row in answer.rows or ())
    )


def _functions() -> list[Step]:
    user = user_of(A)
    task = own_row("instance_tasks", A, row_id(13, A))
    shared = {"function_code": SHARED}
    private = f"{B}.{id_in('function_registry', B)}"
    alike = "a task cannot name another's function, and is not told from one that is nobody's"
    steps = [
        Step(
            alike,
            Request(user, "instance_tasks", "insert", values={**task, "function_code": code}),
            _refused_alike,
        )
        for code in (private, "nobody.knows")
    ]
    steps += [
        Step(
            "shared functions are visible to every tenant",
            Request(user_of(app), "function_registry", "select", where=shared),
            ids(row_id(8, A)),
        )
        for app in (A, B)
    ]
    steps += [
        Step(
            "a task may name a shared function",
            Request(user, "instance_tasks", "insert", values={**task, **shared}),
            ids(row_id(13, A)),
        ),
        *(
            Step(
                "shared functions cannot be captured, changed, deleted or added",
                Request(user, "function_registry", "update", values=values, where=shared),
                nothing,
            )
            for values in ({"app_code": A}, {"description": "mine"})
        ),
        Step(
            "shared functions cannot be captured, changed, deleted or added",
            Request(user, "function_registry", "delete", where=shared),
            nothing,
        ),
        Step(
            "shared functions cannot be captured, changed, deleted or added",
            Request(
                user,
                "function_registry",
                "insert",
                values={
                    **own_row("function_registry", A, row_id(14, A)),
                    "app_code": None,
                },
            ),
            refused("42501"),
        ),
    ]
    return steps


def _refused_alike(answer: Answer) -> bool:
    # The row's own code must not be in the message, nor anything that tells the two cases apart.
    said = 'new row violates row-level security policy "function_visible_on_insert"'
    return answer.code == "42501" and answer.message.startswith(said)


def _history() -> list[Step]:
    steps = []
    for number, caller in enumerate((user_of(A), ENGINE)):
        new = row_id(15 + number, A)
        mine = {"id": id_in("workflow_history", A)}
        again = own_row("workflow_history", A, mine["id"])
        steps += [
            Step(
                "history takes new events, from users and from service_role",
                Request(
                    caller,
                    "workflow_history",
                    "insert",
                    values=own_row("workflow_history", A, new),
                ),
                ids(new),
            ),
            *(
                Step(
                    "history cannot be changed or deleted, not by service_role either: 42501",
                    request,
                    refused("42501"),
                )
                for request in (
                    Request(
                        caller,
                        "workflow_history",
                        "update",
                        values={"description": "it never happened"},
                        where=mine,
                    ),
                    Request(caller, "workflow_history", "delete", where=mine),
                    Request(caller, "workflow_history", "upsert", values=again),
                )
            ),
        ]
    return steps


def _tokens() -> list[Step]:
    unnamed = {
        "no app_code": claims_of(None),
        "an app_code that the user wrote": claims_of(None, user_metadata={"app_code": A}),
        "an empty app_code": claims_of(""),
        "an app_code of null": claims_of(None, app_code=None),
    }
    steps = [
        Step(
            f"a forged token is refused: {name}",
            Request(caller, "workflow_definitions", "select"),
            # One without a signature is taken for no token at all, and `anon` may do nothing.
            refused("PGRST301", "PGRST303", *(["42501"] if name == UNSIGNED else [])),
        )
        for name, caller in forgeries().items()
    ]
    for table in TABLES:
        steps += [
            Step(
                "without a token nothing can be read or written: 42501, in each table",
                request,
                refused("42501"),
            )
            for request in (
                Request(ANON, table, "select"),
                Request(ANON, table, "insert", values=own_row(table, A, row_id(17, A))),
            )
        ]
        shown = [row_id(8, A)] if table == "function_registry" else []
        steps += [
            Step(
                f"with {name} in the token, shared functions are visible and nothing else",
                Request(Caller(PUBLISHABLE_KEY, signed(claims)), table, "select"),
                ids(*shown),
            )
            for name, claims in unnamed.items()
        ]
    return steps


def _embedding(relationships: Sequence[Relationship]) -> list[Step]:
    """Ask for both sides of each relationship; first, while the rows are the initial ones."""
    steps = []
    for each in relationships:
        # Users may not read the tenants' list.
        caller, app = (ENGINE, None) if each.parent == "applications" else (user_of(A), A)
        children, parents = _visible(each.child, app), _visible(each.parent, app)
        named = f"!{each.name}" if (each.child, each.parent) == AMBIGUOUS_TO_LITE else ""
        up, down = f"*,{each.parent}{named}(*)", f"*,{each.child}(*)"
        steps += [
            Step(
                f"`{each.child}?select={up}`",
                Request(caller, each.child, "select", up),
                _embeds_parent(each, children, parents),
            ),
            Step(
                f"`{each.parent}?select={down}`",
                Request(caller, each.parent, "select", down),
                _embeds_children(each, children, parents),
            ),
        ]
    return steps


def _visible(table: str, app: str | None) -> list[Row]:
    return [
        row
        for name, row in initial_rows()
        if name == table and (app is None or row["app_code"] in (app, None))
    ]


def _key(row: Row) -> str:
    return str(row.get("id") if "app_name" not in row else row["app_code"])


def _embeds_parent(
    relationship: Relationship, children: Sequence[Row], parents: Sequence[Row]
) -> Judge:
    expected = {
        _key(child): next((_key(p) for p in parents if relationship.joins(child, p)), None)
        for child in children
    }

    def judge(answer: Answer) -> bool:
        found = {}
        for row in answer.rows or ():
            parent = row[relationship.parent]
            found[_key(row)] = None if parent is None else _key(parent)
        return found == expected

    return judge


def _embeds_children(
    relationship: Relationship, children: Sequence[Row], parents: Sequence[Row]
) -> Judge:
    expected = {
        _key(parent): sorted(_key(c) for c in children if relationship.joins(c, parent))
        for parent in parents
    }
    return lambda answer: (
        expected
        == {
            _key(row): sorted(_key(child) for child in row[relationship.child])
            for row in answer.rows or ()
        }
    )


def _encoded(part: Row) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
