"""The statements that callers send: SQL, words, and what the model makes of each; sends none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from proofs.tenancy_model import (
    CODES,
    HISTORY,
    NO_NUMBER,
    REGISTRY,
    TABLES,
    TASKS,
    Conflict,
    RefusedError,
    Then,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proofs.tenancy_model import Row, Statement

    Effect = Callable[[Statement], "Outcome"]
    Test = Callable[[Row], bool]

FIXED: dict[str, Row] = {
    "workflow_definitions": {"name": "Workflow", "model_structure": "{}"},
    "workflow_instances": {"workflow_code": "copy"},
    TASKS: {"workflow_code": "copy", "node_id": "start", "task_type": "SERVICE_TASK"},
}
"""Columns that are required, and that no rule of tenancy is about."""

_UUIDS = frozenset(
    {"id", "workflow_definition_id", "workflow_instance_id", "task_id"},
)


@dataclass(frozen=True)
class Outcome:
    """What a statement that is allowed gives back.

    Attributes:
        count: how many rows it touched.
        rows: what it returned, in any order; None if it returns nothing.
    """

    count: int
    rows: tuple[tuple[Any, ...], ...] | None = None


@dataclass(frozen=True)
class Operation:
    """One statement.

    Attributes:
        kind: what the report counts it as.
        words: what it does, for people.
        sql: the statement.
        effect: the same on the model.
        line: what COPY FROM is sent.
    """

    kind: str
    words: str
    sql: str
    effect: Effect
    line: str | None = None


def uid(number: int) -> str:
    """Return the id of the row of that number."""
    return f"00000000-0000-4000-8000-{number:012d}"


def short(value: Any) -> str:
    """Return a value as people read it: an id as the row's number."""
    text = str(value)
    return f"#{int(text[-12:])}" if text.startswith(uid(0)[:24]) else text


def named(table: str, row: Row) -> str:
    """Return a row as people read it."""
    return f"{table} {short(row['id'])} of {row['app_code'] or 'nobody'}"


def literal(column: str, value: Any) -> Composable:
    """Return a value as SQL."""
    return Literal(json.dumps(value) if column == "context_data" else value)


def columns(table: str, prefix: str = "") -> Composed:
    """Return the modelled columns as a list to select."""
    listed = []
    for column in TABLES[table].columns:
        name: Composable = Identifier(*filter(None, (prefix, column)))
        listed.append(name + SQL("::text") if column in _UUIDS else name)
    return SQL(", ").join(listed)


def everything() -> str:
    """Return a query for all that a caller sees, as one JSON value like `visible`'s."""
    parts = [
        SQL(
            "(SELECT coalesce(json_agg(json_build_array({columns}) ORDER BY id), '[]')"
            " FROM public.{table})"
        ).format(columns=columns(table), table=Identifier(table))
        for table in TABLES
    ]
    return SQL("SELECT json_build_array({})").format(SQL(", ").join(parts)).as_string()


def rows_sql(table: str, rows: Iterable[Row]) -> Composed:
    """Return `INSERT INTO … VALUES …`."""
    return SQL("INSERT INTO public.{} ").format(Identifier(table)) + _values(table, rows)


def _values(table: str, rows: Iterable[Row]) -> Composed:
    full = [FIXED.get(table, {}) | row for row in rows]
    return SQL("({}) VALUES {}").format(
        SQL(", ").join(map(Identifier, full[0])),
        SQL(", ").join(
            SQL("({})").format(SQL(", ").join(literal(*item) for item in row.items()))
            for row in full
        ),
    )


@dataclass(frozen=True)
class Where:
    """A condition, for both sides.

    Attributes:
        words: for people; begins with a blank, empty for all rows.
        sql: for WHERE and ON.
        test: the same on a row.
    """

    words: str
    sql: Composable
    test: Test


EVERYWHERE = Where("", SQL("TRUE"), lambda _: True)
"""The condition that all rows meet: as few claims as an attacker can make."""


def where(column: str, value: Any) -> Where:
    """Return `column = value`."""
    return Where(
        f" where {column} is {short(value)}",
        SQL("{} = {}").format(Identifier(column), literal(column, value)),
        lambda row: bool(row[column] == value),
    )


def probing(table: str) -> Where:
    """Return a condition that fails on every row with a note, and says what it read there."""
    note = TABLES[table].note

    def test(row: Row) -> bool:
        if row[note] is not None:
            raise RefusedError(NO_NUMBER)
        return False

    return Where(
        f" where {note} is a number",
        SQL("{}::TEXT::NUMERIC = 0").format(Identifier(note)),
        test,
    )


def _outcome(table: str, rows: list[Row], *, returning: bool) -> Outcome:
    names = TABLES[table].columns
    shown = tuple(tuple(row[name] for name in names) for row in rows) if returning else None
    return Outcome(len(rows), shown)


def _returning(table: str, *, returning: bool) -> Composed:
    return SQL(" RETURNING {}").format(columns(table)) if returning else SQL("").format()


def select(table: str, condition: Where, locking: str = "") -> Operation:
    """SELECT, or SELECT FOR UPDATE and its weaker kinds, which read by UPDATE's policies."""
    return Operation(
        "SELECT FOR UPDATE" if locking else "SELECT",
        f"reads {table}{condition.words}{' ' if locking else ''}{locking}",
        (
            SQL("SELECT {} FROM public.{} WHERE ").format(columns(table), Identifier(table))
            + condition.sql
            + SQL(f" {locking}")
        ).as_string(),
        lambda statement: _outcome(
            table, statement.select(table, condition.test, locking=bool(locking)), returning=True
        ),
    )


def above(child: str, column: str) -> tuple[str, str]:
    """Return the table that a referencing column names, and the column there."""
    return next(
        (parent, keys[-1])
        for names, (parent, keys) in TABLES[child].parents.items()
        if names[-1] == column
    )


def join(child: str, column: str, kind: str) -> Operation:
    """Join a child with its parent by one column, without the tenant, as a careless query does."""
    parent, key = above(child, column)

    def effect(statement: Statement) -> Outcome:
        children = statement.select(child, lambda _: True)
        parents = statement.select(parent, lambda _: True)
        found = []
        for row in children:
            matches = [other for other in parents if other[key] == row[column]]
            found += [(row["id"], other["id"], other["app_code"]) for other in matches]
            if kind == "LEFT" and not matches:
                found.append((row["id"], None, None))
        return Outcome(len(found), tuple(found))

    return Operation(
        "SELECT with a join",
        f"joins {child} with {parent} ({kind})",
        SQL(
            "SELECT c.id::text, p.id::text, p.app_code FROM public.{} AS c"
            " {} JOIN public.{} AS p ON p.{} = c.{}"
        )
        .format(
            Identifier(child),
            SQL("LEFT" if kind == "LEFT" else "INNER"),
            Identifier(parent),
            Identifier(key),
            Identifier(column),
        )
        .as_string(),
        effect,
    )


def join_three(child: str) -> Operation:
    """Join a child with its run and the run's definition, without the tenant."""

    def effect(statement: Statement) -> Outcome:
        runs = {row["id"]: row for row in statement.select("workflow_instances", lambda _: True)}
        plans = {row["id"]: row for row in statement.select("workflow_definitions", lambda _: True)}
        found = []
        for row in statement.select(child, lambda _: True):
            run = runs.get(row["workflow_instance_id"])
            plan = plans.get(run["workflow_definition_id"]) if run else None
            if run and plan:
                found.append((row["id"], run["error_message"], plan["description"]))
        return Outcome(len(found), tuple(found))

    return Operation(
        "SELECT with two joins",
        f"joins {child} with runs and their definitions",
        SQL(
            "SELECT c.id::text, r.error_message, d.description FROM public.{} AS c"
            " JOIN public.workflow_instances AS r ON r.id = c.workflow_instance_id"
            " JOIN public.workflow_definitions AS d ON d.id = r.workflow_definition_id"
        )
        .format(Identifier(child))
        .as_string(),
        effect,
    )


def update_from(child: str, column: str, note: str) -> Operation:
    """UPDATE … FROM: of the children whose parent the caller sees."""
    (parent, key), name = above(child, column), TABLES[child].note

    def effect(statement: Statement) -> Outcome:
        there = {row[key] for row in statement.select(parent, lambda _: True)}
        changed = statement.update(child, lambda row: row[column] in there, {name: note})
        return Outcome(len(changed), tuple((row["id"],) for row in changed))

    sql = SQL(
        "UPDATE public.{} AS c SET {} = {} FROM public.{} AS p WHERE p.{} = c.{}"
        " RETURNING c.id::text"
    ).format(
        *(Identifier(child), Identifier(name), literal(name, note), Identifier(parent)),
        *(Identifier(key), Identifier(column)),
    )
    words = f"updates {child} that have a row in {parent}"
    return Operation("UPDATE … FROM", words, sql.as_string(), effect)


def delete_using(child: str, column: str, condition: Where) -> Operation:
    """DELETE … USING: children of the parents that meet a condition."""
    parent, key = above(child, column)

    def effect(statement: Statement) -> Outcome:
        there = {row[key] for row in statement.select(parent, condition.test)}
        gone = statement.delete(child, lambda row: row[column] in there)
        return Outcome(len(gone), tuple((row["id"],) for row in gone))

    sql = SQL(
        "DELETE FROM public.{} AS c USING (SELECT * FROM public.{} WHERE {}) AS p"
        " WHERE p.{} = c.{} RETURNING c.id::text"
    ).format(
        *(Identifier(child), Identifier(parent), condition.sql),
        *(Identifier(key), Identifier(column)),
    )
    words = f"deletes {child} of {parent}{condition.words}"
    return Operation("DELETE … USING", words, sql.as_string(), effect)


def chronicle(app: str | None, condition: Where) -> Operation:
    """INSERT … SELECT: what the caller sees of runs goes into a tenant's history."""
    kind = "INSTANCE_CREATED"

    def effect(statement: Statement) -> Outcome:
        statement.require(HISTORY, "INSERT")
        rows = [
            {
                "id": run["id"],
                "app_code": app or run["app_code"],
                "workflow_instance_id": run["id"],
                "task_id": None,
                "event_type": kind,
                "description": run["error_message"],
            }
            for run in statement.select("workflow_instances", condition.test)
        ]
        return _outcome(HISTORY, statement.insert(HISTORY, rows), returning=True)

    sql = SQL(
        "INSERT INTO public.workflow_history"
        " (id, app_code, workflow_instance_id, event_type, description)"
        " SELECT id, {}, id, {}, error_message FROM public.workflow_instances WHERE {}"
    ).format(Literal(app) if app else Identifier("app_code"), Literal(kind), condition.sql)
    words = f"writes history of workflow_instances{condition.words} as {app or 'theirs'}"
    return Operation(
        "INSERT … SELECT",
        words,
        (sql + _returning(HISTORY, returning=True)).as_string(),
        effect,
    )


def insert(table: str, rows: list[Row], *, returning: bool) -> Operation:
    """INSERT of one row or several."""
    return Operation(
        "INSERT of several rows" if len(rows) > 1 else "INSERT",
        "inserts " + " and ".join(_described(table, row) for row in rows),
        (rows_sql(table, rows) + _returning(table, returning=returning)).as_string(),
        lambda statement: _outcome(table, statement.insert(table, rows), returning=returning),
    )


def _described(table: str, row: Row) -> str:
    links = [
        f"{column} {short(row[column])}"
        for names in TABLES[table].parents
        for column in names
        if column != "app_code" and row[column] is not None
    ]
    return named(table, row) + (f" ({', '.join(links)})" if links else "")


def upsert(
    table: str, rows: list[Row], conflict: Conflict, note: str | None, *, returning: bool
) -> Operation:
    """INSERT … ON CONFLICT; `note` is what the condition on the row in the way asks for, if any."""
    name = TABLES[table].note
    arbiter = (
        SQL(" ON CONFLICT ({})").format(SQL(", ").join(map(Identifier, conflict.key)))
        if conflict.key
        else SQL(" ON CONFLICT")
    )
    if conflict.changes is None:
        kind, tail = "upsert, DO NOTHING", SQL(" DO NOTHING").format()
    else:
        kind, tail = "upsert, DO UPDATE", SQL(" DO UPDATE SET {}").format(_set(conflict.changes))
    if note is not None:
        kind = "upsert, DO UPDATE WHERE"
        tail += SQL(" WHERE {} = {}").format(Identifier(table, name), literal(name, note))
    if len(rows) > 1:
        kind = "upsert of several rows"
    return Operation(
        kind,
        f"upserts {' and '.join(_described(table, row) for row in rows)}"
        f" on {'any key' if conflict.key is None else ', '.join(conflict.key)}"
        f"{'' if conflict.changes is None else ' and updates'}"
        f"{'' if note is None else ' what has a certain ' + name}",
        (
            rows_sql(table, rows) + arbiter + tail + _returning(table, returning=returning)
        ).as_string(),
        lambda statement: _outcome(
            table, statement.insert(table, rows, conflict), returning=returning
        ),
    )


def _set(changes: Row) -> Composed:
    return SQL(", ").join(
        SQL("{} = {}").format(Identifier(column), literal(column, value))
        for column, value in changes.items()
    )


def update(kind: str, table: str, condition: Where, changes: Row, *, returning: bool) -> Operation:
    """UPDATE of some columns to constants."""
    shown = ", ".join(f"{column} = {short(value)}" for column, value in changes.items())
    return Operation(
        kind,
        f"updates {table}{condition.words}: {shown}",
        (
            SQL("UPDATE public.{} SET ").format(Identifier(table))
            + _set(changes)
            + SQL(" WHERE ")
            + condition.sql
            + _returning(table, returning=returning)
        ).as_string(),
        lambda statement: _outcome(
            table, statement.update(table, condition.test, changes), returning=returning
        ),
    )


def delete(table: str, condition: Where, *, returning: bool) -> Operation:
    """DELETE."""
    return Operation(
        "DELETE",
        f"deletes {table}{condition.words or ', every row'}",
        (
            SQL("DELETE FROM public.{} WHERE ").format(Identifier(table))
            + condition.sql
            + _returning(table, returning=returning)
        ).as_string(),
        lambda statement: _outcome(
            table, statement.delete(table, condition.test), returning=returning
        ),
    )


def merge(
    table: str, row: Row, condition: Where, *, action: str, changes: Row, guard: Where
) -> Operation:
    """MERGE of one row; `guard` is what WHEN MATCHED asks of the rows that meet the condition."""
    then = Then(action, changes, guard.test)
    sql = SQL(
        # Where ON reads no column, MERGE meets the rows of everybody: a disclosure of its own.
        "MERGE INTO public.{} USING (VALUES (1)) AS source (one) ON id IS NOT NULL AND {}"
        " WHEN MATCHED AND {} THEN {} WHEN NOT MATCHED THEN INSERT {}"
    ).format(
        Identifier(table),
        condition.sql,
        guard.sql,
        SQL("UPDATE SET {}").format(_set(changes)) if action == "UPDATE" else SQL(action),
        _values(table, [row]),
    )
    return Operation(
        f"MERGE, {action}",
        f"merges {_described(table, row)} into {table}{condition.words}: {action}{guard.words}",
        sql.as_string(),
        lambda statement: _outcome(
            table, statement.merge(table, row, condition.test, then), returning=False
        ),
    )


def truncate(table: str) -> Operation:
    """TRUNCATE, which row-level security does not see."""

    def effect(statement: Statement) -> Outcome:
        statement.require(table, "TRUNCATE")
        return Outcome(-1)

    sql = SQL("TRUNCATE public.{} CASCADE").format(Identifier(table)).as_string()
    return Operation("TRUNCATE", f"truncates {table}", sql, effect)


def copy_out(table: str, condition: Where | None) -> Operation:
    """COPY TO: ids and notes of a table, or of a query with a condition."""
    note = TABLES[table].note

    def effect(statement: Statement) -> Outcome:
        rows = statement.select(table, condition.test if condition else lambda _: True)
        shown = tuple((row["id"], cell(note, row[note])) for row in rows)
        return Outcome(len(rows), shown)

    names = (Identifier(table), Identifier(note))
    if condition is None:
        sql = SQL("COPY public.{} (id, {}) TO STDOUT").format(*names)
        return Operation("COPY TO", f"copies {table} out", sql.as_string(), effect)
    sql = SQL("COPY (SELECT id, {1} FROM public.{0} WHERE {2}) TO STDOUT").format(
        *names, condition.sql
    )
    words = f"copies {table}{condition.words} out"
    return Operation("COPY (query) TO", words, sql.as_string(), effect)


def cell(column: str, value: Any) -> str | None:
    """Return a value as COPY writes it, but for NULL."""
    if value is None:
        return None
    return json.dumps(value) if column == "context_data" else str(value)


def copy_in(table: str, row: Row) -> Operation:
    """COPY FROM of one row."""
    full = FIXED.get(table, {}) | row
    cells = (cell(*item) for item in full.items())
    sql = SQL("COPY public.{} ({}) FROM STDIN").format(
        Identifier(table), SQL(", ").join(map(Identifier, full))
    )

    def effect(statement: Statement) -> Outcome:
        return _outcome(table, statement.copy_in(table, row), returning=False)

    return Operation(
        "COPY FROM",
        f"copies {_described(table, row)} in",
        sql.as_string(),
        effect,
        line="\t".join("\\N" if each is None else each for each in cells) + "\n",
    )


def complete_task(task: Row, event: Row) -> Operation:
    """A task is completed and the history told, in one statement, as an engine does it."""

    def effect(statement: Statement) -> Outcome:
        statement.require(TASKS, "UPDATE")
        statement.require(HISTORY, "INSERT")
        done = statement.update(TASKS, where("id", task["id"]).test, {"status": "COMPLETED"})
        told = [
            event
            | {
                "app_code": row["app_code"],
                "workflow_instance_id": row["workflow_instance_id"],
                "task_id": row["id"],
            }
            for row in done
        ]
        return _outcome(HISTORY, statement.insert(HISTORY, told), returning=True)

    sql = SQL(
        "WITH done AS (UPDATE public.instance_tasks SET status = 'COMPLETED' WHERE id = {task}"
        " RETURNING id, app_code, workflow_instance_id)"
        " INSERT INTO public.workflow_history"
        " (id, app_code, workflow_instance_id, task_id, event_type, description)"
        " SELECT {id}::uuid, app_code, workflow_instance_id, id, {event_type}, {description}"
        " FROM done RETURNING {columns}"
    ).format(
        task=Literal(task["id"]),
        columns=columns(HISTORY),
        **{name: Literal(event[name]) for name in ("id", "event_type", "description")},
    )
    words = f"completes {named(TASKS, task)} and writes history {short(event['id'])}"
    return Operation("CTE: UPDATE, then INSERT", words, sql.as_string(), effect)


def move_run(instance: Row, app: str) -> Operation:
    """A run and all its rows go to another tenant at once, so that no foreign key is in the way."""
    parts = (
        ("workflow_definitions", "id", instance["workflow_definition_id"]),
        ("workflow_instances", "workflow_definition_id", instance["workflow_definition_id"]),
        ("instance_context", "workflow_instance_id", instance["id"]),
        (TASKS, "workflow_instance_id", instance["id"]),
    )

    def effect(statement: Statement) -> Outcome:
        for table, _, _ in parts:
            statement.require(table, "UPDATE")
        moved = sum(
            len(statement.update(table, where(column, value).test, {"app_code": app}))
            for table, column, value in parts
        )
        return Outcome(1, ((moved,),))

    ctes = [
        SQL("{} AS (UPDATE public.{} SET app_code = {} WHERE ").format(
            Identifier(f"moved_{table}"), Identifier(table), Literal(app)
        )
        + where(column, value).sql
        + SQL(" RETURNING 1)")
        for table, column, value in parts
    ]
    total = [
        SQL("(SELECT count(*) FROM {})").format(Identifier(f"moved_{table}"))
        for table, _, _ in parts
    ]
    sql = SQL("WITH {} SELECT {}").format(SQL(", ").join(ctes), SQL(" + ").join(total))
    words = f"moves {named('workflow_instances', instance)} with all its rows to {app}"
    return Operation("CTE: four UPDATEs", words, sql.as_string(), effect)


def function_and_task(function: Row, task: Row) -> Operation:
    """A function and a task that names it, in one statement: the policy does not see it yet."""

    def effect(statement: Statement) -> Outcome:
        statement.require(REGISTRY, "INSERT")
        statement.require(TASKS, "INSERT")
        statement.insert(REGISTRY, [function])
        return _outcome(TASKS, statement.insert(TASKS, [task]), returning=True)

    sql = (
        SQL("WITH made AS (")
        + rows_sql(REGISTRY, [function])
        + SQL(" RETURNING function_code) ")
        + rows_sql(TASKS, [task])
        + _returning(TASKS, returning=True)
    )
    words = f"inserts {named(REGISTRY, function)} and {_described(TASKS, task)} at once"
    return Operation("CTE: INSERT and INSERT", words, sql.as_string(), effect)


def tenants_sql() -> str:
    """Return the INSERT of the applications."""
    return (
        SQL("INSERT INTO public.applications (app_code, app_name) VALUES {}")
        .format(SQL(", ").join(SQL("({0}, {0})").format(Literal(app)) for app in CODES))
        .as_string()
    )
