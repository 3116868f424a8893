"""What the schema must be, as data: written once, and held against fragments, file and catalog.

Columns are written as PostgreSQL's short type, then NOT NULL and DEFAULT where they apply.
"""

from __future__ import annotations

from dataclasses import dataclass

NOW = "timestamptz NOT NULL DEFAULT now()"
ID = "uuid NOT NULL DEFAULT gen_random_uuid()"
OBJECT = "jsonb NOT NULL DEFAULT '{}'"
ACTIVE = "bool NOT NULL DEFAULT true"
TEXT = "text NOT NULL"

WORK_TYPES = ("USER_TASK", "SERVICE_TASK", "AI_AGENT_TASK")

CLAIM = "app_code = ((SELECT auth.jwt()) ->> 'app_code')"
_FUNCTION = (
    "SELECT 1 FROM public.function_registry"
    " WHERE function_registry.function_code = instance_tasks.function_code"
)
FUNCTION_VISIBLE = (
    f"EXISTS ({_FUNCTION} AND function_registry.app_code IS NULL)"
    f" OR EXISTS ({_FUNCTION} FOR KEY SHARE)"
)
RUN_VISIBLE = (
    "EXISTS (SELECT 1 FROM public.workflow_instances"
    " WHERE workflow_instances.app_code = instance_context.app_code"
    " AND workflow_instances.id = instance_context.workflow_instance_id)"
)

SELF_EVIDENT = {
    *("id", "name", "description", "tags", "metadata", "event_type", "error_message"),
    *("created_at", "updated_at", "initiated_at", "assigned_at", "started_at", "completed_at"),
    *("from_node_id", "to_node_id"),
}
"""The columns whose names say it all; every other one has a comment."""

READ_WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPEND = frozenset({"SELECT", "INSERT"})


@dataclass(frozen=True)
class PolicySpec:
    """A policy: what it is for, whom it admits, and by which expressions."""

    command: str
    permissive: bool
    using: str | None
    check: str | None


ISOLATION = PolicySpec("ALL", permissive=True, using=CLAIM, check=CLAIM)


@dataclass(frozen=True)
class TableSpec:
    """A table.

    Attributes:
        columns: By name, in order.
        unique: The unique constraints' columns.
        checks: For each column with a CHECK, the values that it admits.
        foreign_keys: Columns to (table, columns).
        indexes: What stands behind the table's name in CREATE INDEX.
        policies: By name.
        privileges: What authenticated and service_role hold; nobody else holds anything.
    """

    columns: dict[str, str]
    unique: set[tuple[str, ...]]
    checks: dict[str, tuple[str, ...]]
    foreign_keys: ForeignKeys
    indexes: set[str]
    policies: dict[str, PolicySpec]
    privileges: frozenset[str] = READ_WRITE


ForeignKeys = dict[tuple[str, ...], tuple[str, tuple[str, ...]]]
"""Columns to (table, columns)."""

PLATFORM = ("applications",)
"""The tables of public that others make."""

TENANT_KEY: ForeignKeys = {("app_code",): ("applications", ("app_code",))}
"""Every table's foreign key to its tenant."""

INSTANCE_KEY: ForeignKeys = {
    ("app_code", "workflow_instance_id"): ("workflow_instances", ("app_code", "id"))
}
"""The foreign key of a run's parts: tenant-scoped, because a foreign key check sees all tenants."""

TABLES = {
    "workflow_definitions": TableSpec(
        columns={
            "id": ID,
            "app_code": TEXT,
            "workflow_code": TEXT,
            "name": TEXT,
            "description": "text",
            "model_structure": "jsonb NOT NULL",
            "version": "int4 NOT NULL DEFAULT 1",
            "status": "text NOT NULL DEFAULT 'DRAFT'",
            "l4_operation_code": "text",
            "created_at": NOW,
            "created_by": "uuid",
            "updated_at": NOW,
            "updated_by": "uuid",
            "is_active": ACTIVE,
        },
        unique={("app_code", "workflow_code", "version"), ("app_code", "id")},
        checks={"status": ("DRAFT", "ACTIVE", "DEPRECATED")},
        foreign_keys=TENANT_KEY,
        # (app_code, workflow_code, version) is the unique constraint's own index.
        indexes={"(app_code, status)"},
        policies={"app_isolation": ISOLATION},
    ),
    "workflow_instances": TableSpec(
        columns={
            "id": ID,
            "app_code": TEXT,
            "workflow_definition_id": "uuid NOT NULL",
            "workflow_code": TEXT,
            "current_node_id": "text",
            "input_data": OBJECT,
            "status": "text NOT NULL DEFAULT 'RUNNING'",
            "error_message": "text",
            "initiated_by": "uuid",
            "initiated_at": NOW,
            "completed_at": "timestamptz",
            "suspended_at": "timestamptz",
            "created_at": NOW,
            "updated_at": NOW,
            "is_active": ACTIVE,
        },
        unique={("app_code", "id")},
        checks={"status": ("RUNNING", "COMPLETED", "SUSPENDED", "ERROR")},
        foreign_keys={
            **TENANT_KEY,
            ("app_code", "workflow_definition_id"): ("workflow_definitions", ("app_code", "id")),
        },
        indexes={
            "(app_code, status)",
            "(app_code, initiated_at DESC)",
            "(current_node_id)",
            "(app_code, workflow_definition_id)",
        },
        policies={"app_isolation": ISOLATION},
    ),
    "instance_tasks": TableSpec(
        columns={
            "id": ID,
            "app_code": TEXT,
            "workflow_instance_id": "uuid NOT NULL",
            "workflow_code": TEXT,
            "function_code": TEXT,
            "node_id": TEXT,
            "task_type": TEXT,
            "status": "text NOT NULL DEFAULT 'PENDING'",
            "input_data": OBJECT,
            "output_data": "jsonb",
            "assigned_to": "uuid",
            "assigned_at": "timestamptz",
            "started_at": "timestamptz",
            "completed_at": "timestamptz",
            "error_message": "text",
            "created_at": NOW,
            "updated_at": NOW,
            "is_active": ACTIVE,
        },
        unique={("app_code", "id")},
        checks={
            "status": ("PENDING", "RUNNING", "COMPLETED", "FAILED"),
            "task_type": WORK_TYPES,
        },
        foreign_keys={
            **TENANT_KEY,
            **INSTANCE_KEY,
            ("function_code",): ("function_registry", ("function_code",)),
        },
        indexes={
            "(app_code, status)",
            "(app_code, assigned_to, status)",
            "(workflow_instance_id, node_id)",
            "(function_code)",
            "(app_code, created_at) WHERE status = 'PENDING'",
        },
        policies={
            "app_isolation": ISOLATION,
            "function_visible_on_insert": PolicySpec(
                "INSERT", permissive=False, using=None, check=FUNCTION_VISIBLE
            ),
            "function_visible_on_update": PolicySpec(
                "UPDATE", permissive=False, using=None, check=FUNCTION_VISIBLE
            ),
        },
    ),
    "instance_context": TableSpec(
        columns={
            "id": ID,
            "app_code": TEXT,
            "workflow_instance_id": "uuid NOT NULL",
            "context_data": OBJECT,
            "version": "int4 NOT NULL DEFAULT 1",
            "updated_at": NOW,
            "created_at": NOW,
        },
        unique={("workflow_instance_id", "version")},
        checks={},
        foreign_keys={**TENANT_KEY, **INSTANCE_KEY},
        indexes={"(app_code, workflow_instance_id)", "(workflow_instance_id, version DESC)"},
        policies={
            "app_isolation": ISOLATION,
            "run_visible_on_insert": PolicySpec(
                "INSERT", permissive=False, using=None, check=RUN_VISIBLE
            ),
            "run_visible_on_update": PolicySpec(
                "UPDATE", permissive=False, using=None, check=RUN_VISIBLE
            ),
        },
    ),
    "workflow_history": TableSpec(
        columns={
            "id": ID,
            "app_code": TEXT,
            "workflow_instance_id": "uuid NOT NULL",
            "event_type": TEXT,
            "node_id": "text",
            "task_id": "uuid",
            "from_node_id": "text",
            "to_node_id": "text",
            "description": "text",
            "metadata": OBJECT,
            "actor_id": "uuid",
            "event_timestamp": NOW,
            "created_at": NOW,
        },
        unique=set(),
        checks={
            "event_type": (
                "INSTANCE_CREATED",
                "NODE_ENTERED",
                "TASK_CREATED",
                "TASK_COMPLETED",
                "TASK_FAILED",
                "TRANSITION",
                "INSTANCE_COMPLETED",
                "INSTANCE_SUSPENDED",
            )
        },
        foreign_keys={
            **TENANT_KEY,
            **INSTANCE_KEY,
            ("app_code", "task_id"): ("instance_tasks", ("app_code", "id")),
        },
        indexes={
            "(app_code, workflow_instance_id, event_timestamp)",
            "(app_code, event_timestamp DESC)",
            "(app_code, task_id) WHERE task_id IS NOT NULL",
        },
        policies={"app_isolation": ISOLATION},
        privileges=APPEND,
    ),
    "function_registry": TableSpec(
        columns={
            "id": ID,
            "app_code": "text",
            "function_code": TEXT,
            "implementation_type": TEXT,
            "endpoint_or_path": "text",
            "input_schema": OBJECT,
            "output_schema": OBJECT,
            "ui_widget_id": "text",
            "ui_definitions": OBJECT,
            "description": "text",
            "version": "text NOT NULL DEFAULT '1.0'",
            "tags": "text[] NOT NULL DEFAULT '{}'",
            "timeout_seconds": "int4 NOT NULL DEFAULT 300",
            "retry_count": "int4 NOT NULL DEFAULT 0",
            "is_active": ACTIVE,
            "created_at": NOW,
            "created_by": "uuid",
            "updated_at": NOW,
            "updated_by": "uuid",
        },
        unique={("app_code", "function_code"), ("function_code",)},
        checks={"implementation_type": WORK_TYPES},
        foreign_keys=TENANT_KEY,
        indexes={"(app_code, is_active)", "(app_code, implementation_type)"},
        policies={
            "app_isolation": PolicySpec(
                "ALL", permissive=True, using=f"app_code IS NULL OR {CLAIM}", check=CLAIM
            ),
            "own_functions_on_update": PolicySpec(
                "UPDATE", permissive=False, using=CLAIM, check=CLAIM
            ),
            "own_functions_on_delete": PolicySpec(
                "DELETE", permissive=False, using=CLAIM, check=None
            ),
        },
    ),
}
