"""Two tenants with all their rows, and a shared function; knows no roles and no policies."""

from __future__ import annotations

from typing import Any

from psycopg.sql import SQL, Identifier, Literal

A, B = "app_a", "app_b"

SHARED = "shared.notify"
"""The code of the function that belongs to nobody and that everybody may use."""

# Parents first.
TABLES = (
    "function_registry",
    "workflow_definitions",
    "workflow_instances",
    "instance_context",
    "instance_tasks",
    "workflow_history",
)

PARENTS = {
    ("workflow_instances", "workflow_definition_id"): "workflow_definitions",
    ("instance_context", "workflow_instance_id"): "workflow_instances",
    ("instance_tasks", "workflow_instance_id"): "workflow_instances",
    ("workflow_history", "workflow_instance_id"): "workflow_instances",
    ("workflow_history", "task_id"): "instance_tasks",
}
"""(Table, column) to the table whose row of the same tenant it names."""

NOTE = {
    "function_registry": "description",
    "workflow_definitions": "description",
    "workflow_instances": "error_message",
    "instance_context": "context_data",
    "instance_tasks": "error_message",
    "workflow_history": "description",
}
"""A column of each table that anybody who may update the row may set."""


def row_id(table: str, app: str) -> str:
    """Return the id of the row that a tenant has in a table from the beginning."""
    return f"0000000{TABLES.index(table)}-0000-4000-8000-00000000000{app[-1]}"


def function_of(app: str) -> str:
    """Return the code of a tenant's own function."""
    return f"{app}.charge"


def _values(table: str, app: str) -> dict[str, Any]:
    specific: dict[str, dict[str, Any]] = {
        "function_registry": {
            "function_code": function_of(app),
            "implementation_type": "SERVICE_TASK",
        },
        "workflow_definitions": {
            "workflow_code": "onboarding",
            "name": "Onboarding",
            "model_structure": "{}",
        },
        "workflow_instances": {"workflow_code": "onboarding"},
        "instance_context": {},
        "instance_tasks": {
            "workflow_code": "onboarding",
            "function_code": function_of(app),
            "node_id": "start",
            "task_type": "SERVICE_TASK",
        },
        "workflow_history": {"event_type": "TASK_CREATED"},
    }
    parents = {
        column: row_id(parent, app) for (child, column), parent in PARENTS.items() if child == table
    }
    return {"app_code": app, **specific[table], **parents}


def insert(table: str, app: str, **changes: Any) -> str:
    """Return an INSERT of one row of a tenant, with these columns changed."""
    values = _values(table, app) | changes
    return (
        SQL("INSERT INTO public.{} ({}) VALUES ({})")
        .format(
            Identifier(table),
            SQL(", ").join(map(Identifier, values)),
            SQL(", ").join(map(Literal, values.values())),
        )
        .as_string()
    )


def insert_new(table: str, app: str, **changes: Any) -> str:
    """Return an INSERT of a further row that collides with none from the beginning."""
    fresh: dict[str, dict[str, Any]] = {
        "function_registry": {"function_code": f"{app}.refund"},
        "workflow_definitions": {"version": 2},
        "instance_context": {"version": 2},
    }
    return insert(table, app, **{**fresh.get(table, {}), **changes})


def seed() -> str:
    """Return the SQL that makes the tenants and their rows."""
    lines = [
        SQL("INSERT INTO public.applications (app_code, app_name) VALUES ({0}, {0}), ({1}, {1})")
        .format(Literal(A), Literal(B))
        .as_string(),
        *(insert(table, app, id=row_id(table, app)) for table in TABLES for app in (A, B)),
        insert("function_registry", A, app_code=None, function_code=SHARED),
    ]
    return ";\n".join(lines) + ";\n"
