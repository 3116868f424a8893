"""Every change of an object that exists passes a second time.

What: ADD COLUMN without IF NOT EXISTS; ADD CONSTRAINT and ADD IDENTITY without what removes them
    above it; ADD VALUE and ADD ATTRIBUTE; ATTACH PARTITION, INHERIT; ALTER PUBLICATION … ADD;
    RENAME and SET SCHEMA, which find nothing under the old name. A DO block's IF and its
    exception handler are taken as the guard that they look like.
Why: The second run fails: "column already exists", "constraint already exists".
Instead: ADD COLUMN IF NOT EXISTS; DROP CONSTRAINT IF EXISTS and then ADD CONSTRAINT, in one
    ALTER TABLE, so that the table is never without it; a guard for the rest.
When to allow: In a file that a tool is known to run at most once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_sql.statements import strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Command, FileFacts, Workspace
    from schema_sql.source import Finding
    from schema_sql.statements import SqlFile

ID = "idempotent-alter"

_GUARD = "guard it: DO $$ BEGIN IF NOT EXISTS (SELECT …) THEN ALTER …; END IF; END $$;"
_ONCE = {
    "AddIdentity": "ADD GENERATED AS IDENTITY fails when the column has one",
    "AttachPartition": "ATTACH PARTITION fails when it is attached",
    "DetachPartition": "DETACH PARTITION fails when it is detached",
    "AddInherit": "INHERIT fails when it inherits already",
    "DropInherit": "NO INHERIT fails when it does not inherit",
}


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each change that fails when it was made already."""
    facts = workspace.facts(file)
    for command in facts.commands:
        if not command.statement.conditional:
            yield from _check_command(command, facts)
    for statement in facts.statements(
        "RenameStmt", "AlterObjectSchemaStmt", "AlterEnumStmt", "AlterPublicationStmt"
    ):
        if statement.conditional:
            continue
        node = statement.node
        match statement.kind:
            case "RenameStmt":
                message = "RENAME fails at the second run: the old name is gone"
                yield statement.finding(ID, message, _GUARD)
            case "AlterObjectSchemaStmt":
                message = "SET SCHEMA fails at the second run: it is not there any more"
                yield statement.finding(ID, message, _GUARD)
            case "AlterEnumStmt" if "newVal" in node and not node.get("skipIfNewValExists"):
                if "oldVal" in node:
                    message = "RENAME VALUE fails at the second run: the old value is gone"
                    yield statement.finding(ID, message, _GUARD)
                else:
                    message = "ADD VALUE fails when the value exists"
                    yield statement.finding(ID, message, "write ADD VALUE IF NOT EXISTS")
            case "AlterPublicationStmt" if node.get("action", "AP_AddObjects") != "AP_SetObjects":
                if "pubobjects" in node:
                    word = "DROP" if node.get("action") == "AP_DropObjects" else "ADD"
                    message = f"ALTER PUBLICATION … {word} fails when it is done already"
                    yield statement.finding(ID, message, _GUARD)


def _check_command(command: Command, facts: FileFacts) -> Iterator[Finding]:
    statement, node = command.statement, command.finding_node()
    table = (command.table.schema, command.table.name)
    if command.kind == "AddColumn" and "ColumnDef" in command.node.get("def", {}):
        name = command.definition["colname"]
        if statement.node.get("objtype") == "OBJECT_TYPE":
            yield statement.finding(ID, f"ADD ATTRIBUTE fails when {name} exists", _GUARD, node)
        elif not command.node.get("missing_ok") and not facts.dropped_before(
            statement, "COLUMN", *table, name
        ):
            yield statement.finding(
                ID,
                f"ADD COLUMN fails when {name} exists",
                f"write ADD COLUMN IF NOT EXISTS {name}",
                node,
            )
    elif command.kind == "AddConstraint":
        yield from _check_constraint(command, facts)
    elif command.kind in _ONCE:
        yield statement.finding(ID, _ONCE[command.kind], _GUARD, node)


def _check_constraint(command: Command, facts: FileFacts) -> Iterator[Finding]:
    statement, name = command.statement, command.definition.get("conname", "")
    if command.definition.get("contype") == "CONSTR_NOTNULL":
        return  # SET NOT NULL by another name; it is no error twice.
    if not name:
        yield statement.finding(
            ID,
            "ADD without a constraint's name makes one more constraint at every run",
            "write ADD CONSTRAINT name, and DROP CONSTRAINT IF EXISTS name before it",
            command.finding_node(),
        )
        return
    table = command.table
    full_name = ("TABCONSTRAINT", table.schema, table.name, name)
    # A DROP in the same ALTER TABLE comes first, wherever it stands there.
    if not facts.dropped_before(statement, *full_name, or_in_it=True):
        keys = ", ".join(strings(command.definition.get("keys")))
        yield statement.finding(
            ID,
            f"ADD CONSTRAINT fails when {name} exists" + (f" on ({keys})" if keys else ""),
            f"write DROP CONSTRAINT IF EXISTS {name} before it, in the same ALTER TABLE",
            command.finding_node(),
        )
