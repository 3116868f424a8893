"""The schema as it is, from parsed SQL or a live catalog, in the specification's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schema_sql.declared import DeclaredSchema, Table, read_index
from schema_sql.source import Source
from schema_sql.statements import expression, parse, shape, strings, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from schema_sql.statements import SqlFile

API_ROLES = ("PUBLIC", "anon", "authenticated", "service_role")

_SHORT_TYPES = {
    "timestamp with time zone": "timestamptz",
    "integer": "int4",
    "boolean": "bool",
}


@dataclass(frozen=True)
class ObservedPolicy:
    """A policy, its expressions as parse trees without positions."""

    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: Any
    check: Any


@dataclass
class ObservedTable:
    """A table in the specification's words; defaults, predicates and policies as parse trees.

    Keys and checks are lists, because a second one on the same columns is one too many.

    Attributes:
        column_comments: the columns that have one.
        unusual: what the specification has no words for, because no table is to have any of it.
    """

    columns: dict[str, tuple[str, bool, Any]] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    checks: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    foreign_keys: list[tuple[tuple[str, ...], tuple[str, tuple[str, ...]]]] = field(
        default_factory=list
    )
    key_actions: set[str] = field(default_factory=set)
    indexes: list[Any] = field(default_factory=list)
    row_security: bool = False
    policies: dict[str, ObservedPolicy] = field(default_factory=dict)
    privileges: dict[str, frozenset[str]] = field(default_factory=dict)
    comment: str = ""
    column_comments: set[str] = field(default_factory=set)
    unusual: set[str] = field(default_factory=set)


class ObservedSchema(dict[str, ObservedTable]):
    """The tables by name.

    Attributes:
        others: what there is besides tables and what belongs to them, each in a few words.
    """

    others: list[str]

    def __init__(self, tables: dict[str, ObservedTable], others: Iterable[str]) -> None:
        super().__init__(tables)
        self.others = sorted(others)


def tree(text: str | None) -> Any:
    """An expression as a tree in which PostgreSQL's own wording equals ours."""
    return None if text is None else _plain(expression(text))


def _plain(node: Any) -> Any:
    """Drop what PostgreSQL adds when it prints: casts, names of result columns, OF in FOR SHARE."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    cast = node.get("TypeCast")
    if cast and set(cast["arg"]) == {"A_Const"}:
        return _plain(cast["arg"])
    result = {key: _plain(value) for key, value in node.items()}
    target = result.get("ResTarget")
    if target:
        target.pop("name", None)
    if "LockingClause" in result:
        result["LockingClause"].pop("lockedRels", None)
    return result


def index_tree(text: str) -> Any:
    """An index, from what stands behind the table's name in CREATE INDEX."""
    (statement,) = parse(Source("index", f"CREATE INDEX ON t {text}")).statements
    return _index(statement)


def _index(statement: Any) -> Any:
    index = read_index(statement)
    columns = [(c.name, c.descending, c.nulls_first, c.operator_class) for c in index.columns]
    elements = [item["IndexElem"] for item in statement.node["indexParams"]]
    unusual = [_UNUSUAL_IN_INDEX & node.keys() for node in (statement.node, *elements)]
    predicate = _plain(shape(index.predicate))
    return (columns, index.included, index.unique, index.method, predicate, unusual)


def _check(node: Any) -> tuple[str, tuple[str, ...]]:
    """The column and the values of ``column IN (…)``, in our words or in PostgreSQL's.

    Any other expression is none of a column's: ``""`` and its tree.
    """
    operation = node.get("A_Expr", {})
    left = operation.get("lexpr", {}).get("ColumnRef")
    values = [fields for kind, fields in walk(operation.get("rexpr")) if kind == "A_Const"]
    if (
        operation.get("kind") not in {"AEXPR_IN", "AEXPR_OP_ANY"}
        or strings(operation["name"]) != ["="]
        or left is None
        or not all("sval" in value for value in values)
    ):
        return "", (repr(_plain(shape(node))),)
    return ".".join(strings(left["fields"])), tuple(value["sval"]["sval"] for value in values)


_GENERATED = (
    "SET LOCAL client_min_messages = warning",
    "SET LOCAL lock_timeout = '5s'",
    "SELECT pg_catalog.pg_advisory_xact_lock(",
    "DO $guard$",
    "DO $access$",
)
"""How the statements begin that the assembler adds to a file, each once."""

_MARK = re.compile(r"COMMENT ON CONSTRAINT \w+_pkey ON public\.\w+ IS\s+'Last migration: \w+'")
"""What the assembler adds for each table."""

_KINDS = {"CreateStmt", "IndexStmt", "CreatePolicyStmt", "AlterTableStmt"}
_KINDS_WITH_OBJECT = {
    "CommentStmt": ("objtype", {"OBJECT_TABLE", "OBJECT_COLUMN"}),
    "DropStmt": ("removeType", {"OBJECT_POLICY"}),
    "GrantStmt": ("objtype", {"OBJECT_TABLE"}),
}


def _others(file: SqlFile) -> Iterator[str]:
    """What a migration of tables, indexes, policies, privileges and comments does not hold."""
    generated = list(_GENERATED)
    for statement in file.statements:
        key, objects = _KINDS_WITH_OBJECT.get(statement.kind, ("", set()))
        if statement.kind in _KINDS or (key and statement.node.get(key) in objects):
            continue
        if _MARK.fullmatch(statement.text):
            continue
        beginning = next((each for each in generated if statement.text.startswith(each)), None)
        if beginning is None:
            yield statement.text.partition("\n")[0]
        else:
            generated.remove(beginning)


def from_sql(files: Iterable[SqlFile]) -> ObservedSchema:
    """The schema that parsed SQL declares."""
    files = list(files)
    statements = [statement for file in files for statement in file.statements]
    declared = DeclaredSchema(statements)
    tables = {table.name.name: _from_table(table) for table in declared.tables.values()}
    for statement in statements:
        if statement.kind == "AlterTableStmt":
            name = statement.node["relation"]["relname"]
            # AT_AddColumn is the enum's zero, so it is left out.
            commands = {
                item["AlterTableCmd"].get("subtype", "AT_AddColumn")
                for item in statement.node["cmds"]
            }
            if name in tables:
                tables[name].unusual |= commands - _USUAL_COMMANDS
    return ObservedSchema(tables, (words for file in files for words in _others(file)))


def _from_table(table: Table) -> ObservedTable:
    primary = table.primary_key
    return ObservedTable(
        columns={
            column.name: (
                column.type,
                column.not_null,
                None if column.default is None else _plain(shape(column.default)),
            )
            for column in table.columns.values()
        },
        primary_key=primary.columns if primary else (),
        unique=[key.columns for key in table.keys if not key.primary],
        checks=[_check(check.expression) for check in table.checks],
        foreign_keys=[
            (key.columns, (key.target.name, key.target_columns)) for key in table.foreign_keys
        ],
        key_actions={key.on_delete + key.on_update for key in table.foreign_keys},
        indexes=[_index(index.statement) for index in table.indexes],
        row_security=table.row_security is not None,
        policies={
            policy.name: ObservedPolicy(
                policy.command,
                policy.permissive,
                policy.roles,
                _plain(shape(policy.using)),
                _plain(shape(policy.check)),
            )
            for policy in table.policies.values()
        },
        privileges={role: frozenset(table.acl.get(role, ())) for role in API_ROLES},
        comment=table.comment or "",
        column_comments={name for name, text in table.column_comments.items() if text},
        unusual=set(_unusual(table)),
    )


# What a later migration adds to a table is among its columns.
_USUAL_COMMANDS = {"AT_EnableRowSecurity", "AT_AddColumn"}
_UNUSUAL = {
    "deferrable",
    "initdeferred",
    "is_no_inherit",
    "nulls_not_distinct",
    "skip_validation",
    "collClause",
    *("including", "options", "indexspace"),
    *("storage_name", "compression"),
}
_UNUSUAL_IN_INDEX = {"collation", "opclassopts", "options", "tableSpace", "nulls_not_distinct"}


def _unusual(table: Table) -> Iterator[str]:
    """Options of the table, its columns and its constraints that are none of the defaults."""
    node = table.created.node
    if node["relation"]["relpersistence"] != "p":
        yield "not permanent"
    yield from sorted({"options", "inhRelations", "partspec", "accessMethod"} & node.keys())
    for kind, fields in walk(node["tableElts"]):
        if kind in {"Constraint", "ColumnDef"}:
            yield from sorted(_UNUSUAL & fields.keys())
            if not fields.get("is_enforced", True) or fields.get("fk_matchtype", "s") != "s":
                yield "not enforced, or MATCH FULL"
        if kind == "TableLikeClause":
            yield "LIKE"
    for grant in table.grants:
        if grant.statement.node.get("grant_option"):
            yield "grant option"
        if not set(grant.roles) <= set(API_ROLES):
            yield f"a grant to {', '.join(grant.roles)}"


_UNUSUAL_IN_CATALOG = """
    SELECT 'not permanent' FROM pg_class
    WHERE oid = %(table)s::regclass AND (relpersistence <> 'p' OR relkind <> 'r')
    UNION ALL
    SELECT 'options' FROM pg_class
    WHERE oid = %(table)s::regclass
      AND (reloptions IS NOT NULL OR relreplident <> 'd' OR relforcerowsecurity OR relhasrules)
    UNION ALL
    SELECT 'owner' FROM pg_class
    WHERE oid = %(table)s::regclass AND relowner <> current_user::regrole
    UNION ALL
    SELECT 'collClause' FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = %(table)s::regclass AND attnum > 0 AND attcollation <> typcollation
    UNION ALL
    SELECT conname FROM pg_constraint
    WHERE conrelid = %(table)s::regclass AND contype <> 'n'
      AND (condeferrable OR NOT convalidated OR contype = 'c' AND connoinherit
        OR contype = 'f' AND confmatchtype <> 's')
    UNION ALL
    SELECT 'storage of ' || attname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = %(table)s::regclass AND attnum > 0
      AND (attstorage <> typstorage OR attcompression <> ''
        -- A server may keep options of its own here; these two are the standard ones.
        OR EXISTS (SELECT FROM unnest(attoptions) AS o WHERE o ~ '^n_distinct'))
    UNION ALL
    SELECT 'nulls_not_distinct' FROM pg_index
    WHERE indrelid = %(table)s::regclass AND indnullsnotdistinct
    UNION ALL
    SELECT 'key ' || relname FROM pg_constraint
    JOIN pg_index ON indexrelid = conindid AND indrelid = conrelid
    JOIN pg_class ON pg_class.oid = indexrelid
    WHERE conrelid = %(table)s::regclass
      AND (indnatts <> indnkeyatts OR reloptions IS NOT NULL OR reltablespace <> 0)
    UNION ALL
    SELECT 'grant option' FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) AS acl
    WHERE pg_class.oid = %(table)s::regclass AND grantee <> relowner AND is_grantable
"""


_OTHERS_IN_CATALOG = """
    SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE 'relation ' END
      || relname
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'S', 'f', 'c')
    UNION ALL
    SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'r')
    UNION ALL
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'publication ' || pubname FROM pg_publication
    UNION ALL
    SELECT 'statistics ' || stxname FROM pg_statistic_ext
    UNION ALL
    SELECT 'schema public, whose new objects ' || grantee::regrole || ' may make'
    FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl) AS acl
    WHERE nspname = 'public' AND grantee <> nspowner AND privilege_type = 'CREATE'
"""


def from_catalog(connection: psycopg.Connection[Any], platform: Iterable[str]) -> ObservedSchema:
    """The schema of a live database, asked for by our own queries and not by the product's.

    Args:
        connection: the owner's.
        platform: the tables of public that are not ours.
    """
    # So that PostgreSQL writes every name with its schema.
    connection.execute("SET search_path = ''")
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') ORDER BY relname"
    ).fetchall()
    tables = {name: _read_table(connection, name) for (name,) in names if name not in platform}
    others = [words for (words,) in connection.execute(_OTHERS_IN_CATALOG).fetchall()]
    return ObservedSchema(tables, others)


def _read_table(connection: psycopg.Connection[Any], name: str) -> ObservedTable:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, {"table": f"public.{name}"}).fetchall()

    table = ObservedTable()
    for column, kind, not_null, default in rows("""
        SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
    """):
        table.columns[column] = (_SHORT_TYPES.get(kind, kind), not_null, tree(default))
    for kind, columns, definition, target, target_columns, actions in rows("""
        SELECT contype::TEXT,
          ARRAY(SELECT attname::TEXT FROM unnest(conkey) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = num ORDER BY place),
          pg_get_constraintdef(oid), confrelid::regclass::TEXT,
          ARRAY(SELECT attname::TEXT FROM unnest(confkey) WITH ORDINALITY AS k (num, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = num ORDER BY place),
          confdeltype::TEXT || confupdtype::TEXT
        FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype <> 'n'
    """):
        match kind:
            case "p":
                table.primary_key = tuple(columns)
            case "u":
                table.unique.append(tuple(columns))
            case "c":
                written = re.sub(r"^CHECK (.*?)( NO INHERIT)?( NOT VALID)?$", r"\1", definition)
                table.checks.append(_check(expression(written)))
            case "f":
                referenced = (target.removeprefix("public."), tuple(target_columns))
                table.foreign_keys.append((tuple(columns), referenced))
                table.key_actions.add(actions)
    for (definition,) in rows("""
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = %(table)s::regclass AND indisvalid
          AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid
          )
    """):
        (statement,) = parse(Source("catalog", definition)).statements
        table.indexes.append(_index(statement))
    explained = rows("""
        SELECT attname FROM pg_attribute
        WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
          AND col_description(attrelid, attnum) <> ''
    """)
    table.column_comments = {column for (column,) in explained}
    table.unusual = {word for (word,) in rows(_UNUSUAL_IN_CATALOG)}
    ((table.row_security, table.comment),) = rows("""
        SELECT relrowsecurity, coalesce(obj_description(oid, 'pg_class'), '')
        FROM pg_class WHERE oid = %(table)s::regclass
    """)
    for policy, command, permissive, names, using, check in rows("""
        SELECT policyname, cmd, permissive = 'PERMISSIVE', roles::TEXT[], qual, with_check
        FROM pg_policies WHERE format('%%I.%%I', schemaname, tablename) = %(table)s
    """):
        roles = tuple("PUBLIC" if role == "public" else role for role in names)
        table.policies[policy] = ObservedPolicy(
            command, permissive, roles, tree(using), tree(check)
        )
    table.privileges = {role: frozenset() for role in API_ROLES}
    for role, privileges in rows("""
        SELECT coalesce(rolname, 'PUBLIC'), array_agg(privilege_type)
        FROM pg_class CROSS JOIN LATERAL (
          SELECT grantee, privilege_type FROM aclexplode(relacl)
          UNION ALL
          SELECT acl.grantee, format('%%s (%%s)', acl.privilege_type, attname)
          FROM pg_attribute CROSS JOIN LATERAL aclexplode(attacl) AS acl
          WHERE attrelid = pg_class.oid
        ) AS acl
        LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE pg_class.oid = %(table)s::regclass AND grantee <> relowner
        GROUP BY 1
    """):
        table.privileges[role] = frozenset(privileges)
    return table
