"""A foreign key between tenants' tables carries app_code on both sides.

What: A foreign key from one table with app_code to another without the pair (app_code, app_code).
    One by a code of a global namespace passes, if the code alone is a declared unique key of the
    target, is not its primary key, and restrictive policies FOR INSERT and FOR UPDATE look the
    code up in the target, which shows each caller only what they may name.
Why: PostgreSQL checks foreign keys past row-level security. With the id alone, tenant A can attach
    a row to tenant B's parent, and B can then no longer delete it.
Instead: UNIQUE (app_code, id) on the parent, and
    FOREIGN KEY (app_code, parent_id) REFERENCES parent (app_code, id).
When to allow: The parent's rows belong to every tenant, though it has an app_code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_lint.logic import branches
from schema_lint.tenancy import TENANT_COLUMN, TENANTS, has_tenant
from schema_sql.names import range_name
from schema_sql.statements import strings
from schema_sql.trees import Steps, each, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_lint.workspace import Workspace
    from schema_sql.declared import ForeignKey, Table
    from schema_sql.source import Finding
    from schema_sql.statements import Node, SqlFile

ID = "tenant-scoped-fkey"


def check(file: SqlFile, workspace: Workspace) -> Iterator[Finding]:
    """Yield each foreign key that crosses from tenant to tenant."""
    for place in workspace.facts(file).constraints:
        table = workspace.table(place.table)
        if place.kind != "FOREIGN" or table is None or not has_tenant(table):
            continue
        key = workspace.foreign_key(place)
        target = workspace.table(key.target) if key else None
        if key is None or target is None or target.name == TENANTS or not has_tenant(target):
            continue
        pairs = list(zip(key.columns, key.target_columns, strict=False))
        if (TENANT_COLUMN, TENANT_COLUMN) in pairs or _is_global(table, key, target):
            continue
        if TENANT_COLUMN in key.columns and TENANT_COLUMN in key.target_columns:
            message = f"{TENANT_COLUMN} stands at different places of the foreign key"
        else:
            message = f"a row can reference another tenant's row in {target.name}"
        primary = target.primary_key.columns if target.primary_key else ("id",)
        own = [name for name in key.columns if name != TENANT_COLUMN]
        others = [n for n in key.target_columns or primary if n != TENANT_COLUMN]
        yield place.statement.finding(
            ID,
            message,
            f"write FOREIGN KEY ({', '.join([TENANT_COLUMN, *own])}) "
            f"REFERENCES {target.name} ({', '.join([TENANT_COLUMN, *others])}); "
            f"for a code that all tenants share, RESTRICTIVE policies for INSERT and for UPDATE "
            f"that look it up in {target.name}: see `schema explain {ID}`",
            place.node,
        )


def _is_global(table: Table, key: ForeignKey, target: Table) -> bool:
    """Whether the key is a code of one namespace that policies look up for the caller."""
    if len(key.columns) != 1 or len(key.target_columns) != 1:
        return False
    unique = [k for k in target.keys if k.columns == key.target_columns and not k.primary]
    if not unique or target.columns.get(key.target_columns[0]) is None:
        return False
    if target.columns[key.target_columns[0]].type == "uuid":
        return False
    return all(
        any(
            policy.command in {command, "ALL"}
            and not policy.permissive
            and {"authenticated", "PUBLIC"} & set(policy.roles)
            and _looks_up(policy.check or policy.using, table, key, target)
            for policy in table.policies.values()
        )
        for command in ("INSERT", "UPDATE")
    )


def _looks_up(node: Node | None, table: Table, key: ForeignKey, target: Table) -> bool:
    """Whether a condition demands that the target shows a row of the referenced code."""
    return node is not None and run(_look_up(node, table, key, target))


def _look_up(node: Node, table: Table, key: ForeignKey, target: Table) -> Steps[bool]:
    fields = node.get("BoolExpr", {})
    if fields:
        decide = {"AND_EXPR": any, "OR_EXPR": all}.get(fields.get("boolop"))
        parts = fields.get("args", ()) if decide else ()
        found = yield each(_look_up(part, table, key, target) for part in parts)
        return decide is not None and decide(found)
    return _is_look_up(node, table, key, target)


def _is_look_up(node: Node, table: Table, key: ForeignKey, target: Table) -> bool:
    """Whether a condition is a subquery that finds the referenced row."""
    link = node.get("SubLink", {})
    select = link.get("subselect", {}).get("SelectStmt", {})
    sources = [item["RangeVar"] for item in select.get("fromClause", ()) if "RangeVar" in item]
    if len(sources) != 1 or range_name(sources[0]).qualified() != target.name:
        return False
    alias = sources[0].get("alias", {}).get("aliasname", target.name.name)
    own, other = key.columns[0], key.target_columns[0]
    outside = [[table.name.name, own]]
    inside = [[alias, other], [other]]
    if link.get("subLinkType") == "ANY_SUBLINK":
        targets = [
            item.get("ResTarget", {}).get("val", {}) for item in select.get("targetList", ())
        ]
        equal = strings(link.get("operName")) in ([], ["="])
        tested = _parts(link.get("testexpr", {}))
        return (
            equal
            and tested in [*outside, [own]]
            and [_parts(t) in inside for t in targets] == [True]
        )
    if own not in target.columns:
        # Inside, a bare name is the target's own column where it has one.
        outside.append([own])
    return link.get("subLinkType") == "EXISTS_SUBLINK" and any(
        (one in outside and two in inside) or (two in outside and one in inside)
        for one, two in _equalities(select.get("whereClause", {}))
    )


def _equalities(node: Node) -> Iterator[tuple[list[str], list[str]]]:
    """The pairs of columns that a condition demands to be equal, in every case."""
    for part in branches(node, "AND_EXPR"):
        fields = part.get("A_Expr", {})
        if fields.get("kind") == "AEXPR_OP" and strings(fields.get("name")) == ["="]:
            yield _parts(fields.get("lexpr", {})), _parts(fields.get("rexpr", {}))


def _parts(node: Node) -> list[str]:
    """The words of a column's name, without its schema."""
    return strings(node.get("ColumnRef", {}).get("fields"))[-2:]
