"""Reads what a schema holds into plain values; says how two differ, and which of it counts.

Knows PostgreSQL's catalogs of 15 and later; must not know which tables there ought to be.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schema_database.errors import DatabaseError
from schema_database.findings import Finding, Level
from schema_database.live import live_transaction
from schema_sql.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import Connection
    from psycopg.rows import TupleRow

# Each query returns rows of (relation or null, name, attributes); what belongs to
# an extension is left out. Attribute names are the words that a difference is
# reported in; null means absent.
_QUERIES: dict[str, str] = {
    "relation": """
        SELECT r.display, r.display, jsonb_build_object(
          'kind', r.word,
          'owner', pg_get_userbyid(c.relowner),
          'persistence', CASE c.relpersistence
            WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END,
          'row-level security', CASE WHEN c.relrowsecurity THEN 'on' ELSE 'off' END,
          'row-level security for the owner',
            CASE WHEN c.relforcerowsecurity THEN 'on' ELSE 'off' END,
          'replica identity', CASE c.relreplident
            WHEN 'd' THEN 'primary key' WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'whole row'
            ELSE (SELECT 'index ' || quote_ident(i.relname) FROM pg_index x
                  JOIN pg_class i ON i.oid = x.indexrelid
                  WHERE x.indrelid = c.oid AND x.indisreplident) END,
          'storage parameters', array_to_string(ARRAY(
            SELECT o FROM unnest(c.reloptions) AS o ORDER BY o), ', '),
          'clustered on', (SELECT x.indexrelid::regclass::text FROM pg_index x
            WHERE x.indrelid = c.oid AND x.indisclustered),
          'publications', (SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname)
            FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid
            WHERE m.prrelid = c.oid),
          'inherits', array_to_string(ARRAY(
            SELECT h.inhparent::regclass::text FROM pg_inherits h
            WHERE h.inhrelid = c.oid ORDER BY h.inhseqno), ', '),
          'children', array_to_string(ARRAY(
            SELECT h.inhrelid::regclass::text FROM pg_inherits h
            WHERE h.inhparent = c.oid ORDER BY 1), ', '),
          'foreign keys', CASE WHEN EXISTS (
            SELECT FROM pg_trigger t
            WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled IN ('D', 'R'))
            THEN 'switched off' END,
          'partition key', pg_get_partkeydef(c.oid),
          'partition bound', pg_get_expr(c.relpartbound, c.oid),
          'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
          'sequence', (SELECT format('%%s, start %%s, from %%s to %%s, by %%s, cache %%s%%s',
              format_type(s.seqtypid, NULL), s.seqstart, s.seqmin, s.seqmax, s.seqincrement,
              s.seqcache, CASE WHEN s.seqcycle THEN ', cycle' ELSE '' END)
            FROM pg_sequence s WHERE s.seqrelid = c.oid),
          'privileges its owner lacks', array_to_string(ARRAY(
            SELECT d.privilege_type
            FROM aclexplode(acldefault(
              CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS d
            WHERE c.relacl IS NOT NULL AND d.grantee = c.relowner AND NOT EXISTS (
              SELECT FROM aclexplode(c.relacl) AS a
              WHERE a.grantee = c.relowner AND a.privilege_type = d.privilege_type)
            ORDER BY 1), ', '),
          'comment', obj_description(c.oid, 'pg_class'),
          'column order', (SELECT jsonb_agg(quote_ident(a.attname) ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND c.relkind <> 'S'))
        FROM r JOIN pg_class c ON c.oid = r.oid
    """,
    "column": """
        SELECT r.display, quote_ident(a.attname), jsonb_build_object(
          'type', format_type(a.atttypid, a.atttypmod),
          'NOT NULL', CASE WHEN NOT a.attnotnull THEN 'no' WHEN EXISTS (
              SELECT FROM pg_constraint k
              WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum
                AND NOT k.convalidated)
            THEN 'not validated' ELSE 'yes' END,
          'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
          'generated', CASE WHEN a.attgenerated <> '' THEN
            CASE a.attgenerated WHEN 's' THEN 'stored ' ELSE 'virtual ' END
            || pg_get_expr(d.adbin, d.adrelid) END,
          'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
          'collation', CASE WHEN a.attcollation <> t.typcollation
            THEN a.attcollation::regcollation::text END,
          'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
          'compression', a.attcompression::text,
          'statistics target', nullif(a.attstattarget, -1)::text,
          -- A server may keep options of its own here: Debian's 15.20 adds "pg_attver".
          'statistics options', (SELECT string_agg(o, ', ' ORDER BY o)
            FROM unnest(a.attoptions) AS o WHERE o ~ '^n_distinct'),
          'comment', col_description(a.attrelid, a.attnum))
        FROM r
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE r.kind <> 'S'
    """,
    # NOT NULL became a constraint of its own in 18 ('n'); it is an attribute of the column here.
    # Constraint triggers ('t') are among the triggers.
    "constraint": """
        SELECT r.display, quote_ident(k.conname), jsonb_build_object(
          'type', CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE'
            WHEN 'f' THEN 'FOREIGN KEY' WHEN 'c' THEN 'CHECK' ELSE 'EXCLUDE' END,
          'definition', pg_get_constraintdef(k.oid),
          'validated', CASE WHEN k.convalidated THEN 'yes' ELSE 'no' END,
          'deferrable', CASE WHEN k.condeferred THEN 'initially deferred'
            WHEN k.condeferrable THEN 'yes' ELSE 'no' END,
          'its index', (SELECT 'invalid' FROM pg_index x
            WHERE x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
              AND NOT (x.indisvalid AND x.indisready)),
          'storage parameters', (SELECT array_to_string(i.reloptions, ', ') FROM pg_class i
            WHERE i.oid = k.conindid AND k.contype IN ('p', 'u', 'x')),
          'comment on its index', CASE WHEN k.contype IN ('p', 'u', 'x')
            THEN obj_description(k.conindid, 'pg_class') END,
          'comment', obj_description(k.oid, 'pg_constraint'))
        FROM r JOIN pg_constraint k ON k.conrelid = r.oid
        WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
    """,
    # A constraint tells of its own index.
    "index": """
        SELECT r.display, quote_ident(i.relname), jsonb_build_object(
          'definition', regexp_replace(
            pg_get_indexdef(x.indexrelid), '^([^'']*) WITH \\([^)]*\\)', '\\1'),
          'storage parameters', array_to_string(ARRAY(
            SELECT o FROM unnest(i.reloptions) AS o ORDER BY o), ', '),
          'unique', CASE WHEN x.indisunique THEN 'yes' ELSE 'no' END,
          'valid', CASE WHEN x.indisvalid AND x.indisready THEN 'yes' ELSE 'no' END,
          'comment', obj_description(i.oid, 'pg_class'))
        FROM r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE NOT EXISTS (
          SELECT FROM pg_constraint k
          WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
    """,
    "policy": """
        SELECT r.display, quote_ident(p.polname), jsonb_build_object(
          'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
            WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
          'kind', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
          'roles', (SELECT string_agg(n, ', ' ORDER BY n) FROM (
            SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
            FROM unnest(p.polroles) AS o) AS names (n)),
          'USING', pg_get_expr(p.polqual, p.polrelid),
          'WITH CHECK', pg_get_expr(p.polwithcheck, p.polrelid),
          'comment', obj_description(p.oid, 'pg_policy'))
        FROM r JOIN pg_policy p ON p.polrelid = r.oid
    """,
    # The owner's own privileges are an attribute of the relation: which there are to have
    # depends on the server's version. The grantor is the owner unless another is named.
    "grant": """
        SELECT r.display, format('%%s to %%s%%s', a.privilege_type,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
            ' on column ' || quote_ident(g.attname)),
          jsonb_build_object(
            'granted by', string_agg(quote_ident(pg_get_userbyid(a.grantor)), ', '
              ORDER BY pg_get_userbyid(a.grantor)) FILTER (WHERE a.grantor <> c.relowner),
            'grantable', CASE WHEN bool_or(a.is_grantable) THEN 'yes' ELSE 'no' END)
        FROM r
        JOIN pg_class c ON c.oid = r.oid
        CROSS JOIN LATERAL (
          SELECT NULL::name AS attname, c.relacl AS acl WHERE c.relacl IS NOT NULL
          UNION ALL
          SELECT t.attname, t.attacl FROM pg_attribute t
          WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped) AS g
        CROSS JOIN LATERAL aclexplode(g.acl) AS a
        WHERE a.grantee <> c.relowner OR a.grantor <> c.relowner
        GROUP BY r.display, a.privilege_type, a.grantee, g.attname
    """,
    "trigger": """
        SELECT r.display, quote_ident(t.tgname), jsonb_build_object(
          'definition', pg_get_triggerdef(t.oid),
          'enabled', CASE t.tgenabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no'
            WHEN 'R' THEN 'on replicas' ELSE 'always' END,
          'rights of', CASE WHEN f.prosecdef THEN pg_get_userbyid(f.proowner) END,
          'comment', obj_description(t.oid, 'pg_trigger'))
        FROM r JOIN pg_trigger t ON t.tgrelid = r.oid JOIN pg_proc f ON f.oid = t.tgfoid
        WHERE NOT t.tgisinternal
    """,
    "rule": """
        SELECT r.display, quote_ident(w.rulename), jsonb_build_object(
          'definition', pg_get_ruledef(w.oid),
          'enabled', CASE w.ev_enabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no'
            WHEN 'R' THEN 'on replicas' ELSE 'always' END,
          'comment', obj_description(w.oid, 'pg_rewrite'))
        FROM r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
    """,
    "statistics": """
        SELECT r.display, quote_ident(s.stxname), jsonb_build_object(
          'definition', pg_get_statisticsobjdef(s.oid),
          'comment', obj_description(s.oid, 'pg_statistic_ext'))
        FROM r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
    """,
    "schema": """
        SELECT NULL, quote_ident(n.nspname), jsonb_build_object(
          'owner', pg_get_userbyid(n.nspowner),
          'privileges', array_to_string(ARRAY(
            SELECT a::text FROM unnest(n.nspacl) AS a ORDER BY 1), ', '),
          'comment', obj_description(n.oid, 'pg_namespace'))
        FROM pg_namespace n WHERE n.nspname = %(schema)s
    """,
    "default privileges": """
        SELECT NULL, format('%%s for %%I%%s', CASE d.defaclobjtype WHEN 'r' THEN 'tables'
            WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
            WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
            pg_get_userbyid(d.defaclrole), ' in ' || quote_ident(n.nspname)),
          jsonb_build_object('privileges', array_to_string(ARRAY(
            SELECT a::text FROM unnest(d.defaclacl) AS a ORDER BY 1), ', '))
        FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        WHERE d.defaclnamespace = 0 OR n.nspname = %(schema)s
    """,
    "function": """
        SELECT NULL, format('%%I.%%I(%%s)', n.nspname, f.proname,
            pg_get_function_identity_arguments(f.oid)),
          jsonb_build_object(
            'definition', CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid) END,
            'owner', pg_get_userbyid(f.proowner),
            'privileges', array_to_string(ARRAY(
              SELECT a::text FROM unnest(f.proacl) AS a ORDER BY 1), ', '),
            'comment', obj_description(f.oid, 'pg_proc'))
        FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
        WHERE n.nspname = %(schema)s AND NOT EXISTS (
          SELECT FROM pg_depend e
          WHERE e.classid = 'pg_proc'::regclass AND e.objid = f.oid AND e.deptype = 'e')
    """,
    "type": """
        SELECT NULL, format('%%I.%%I', n.nspname, t.typname), jsonb_build_object(
          'kind', CASE t.typtype WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain'
            WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' ELSE 'base' END,
          'labels', (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
            FROM pg_enum l WHERE l.enumtypid = t.oid),
          'base type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
          'constraints', (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
            FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
          'attributes', (SELECT string_agg(quote_ident(a.attname) || ' '
              || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = t.typrelid AND t.typrelid <> 0
              AND a.attnum > 0 AND NOT a.attisdropped),
          'owner', pg_get_userbyid(t.typowner),
          'comment', obj_description(t.oid, 'pg_type'))
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE n.nspname = %(schema)s AND (c.oid IS NULL OR c.relkind = 'c')
          AND t.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
          AND NOT EXISTS (
            SELECT FROM pg_depend e
            WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
    """,
}

_RELATIONS = """
    WITH r AS (
      SELECT c.oid, c.relkind AS kind, format('%%I.%%I', n.nspname, c.relname) AS display,
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
          WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'foreign table' END
          AS word
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend e
          WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'))
"""

_ORDER = "column order"
_FORCE = "row-level security for the owner"

_LENGTH = 500
"""Characters of a value that are shown: a comment or a function's body may be long."""

# A later migration may add these to a table without harm to what an earlier one declared, but for
# some foreign keys. Whatever else is added changes who may do what, or what a statement does.
_MAY_BE_ADDED = frozenset({"column", "constraint", "index", "statistics"})

# Callers name columns, and how things are stored, planned and published is the operator's business.
_MAY_DIFFER = frozenset(
    {
        *(_ORDER, "storage parameters", "clustered on", "publications"),
        *("storage", "compression", "statistics target", "statistics options"),
    }
)

_FOREIGN_KEY = re.compile(r"FOREIGN KEY \((?P<columns>.*?)\) REFERENCES (?P<target>.*?)\(.*?\)")
_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE|FOREIGN KEY)[^(]*\((?P<columns>.*?)\)")
_SETS_ON_DELETE = re.compile(r" ON DELETE SET (?:NULL|DEFAULT)(?: \((?P<columns>.*?)\))?")
_SETS_ON_UPDATE = re.compile(r" ON UPDATE (?:CASCADE|SET)")
_DELETES = " ON DELETE CASCADE"
_CHANGES_ROWS = {"UPDATE", "DELETE", "TRUNCATE"}


@dataclass(frozen=True)
class Item:
    """One thing in a schema.

    Attributes:
        kind: `relation`, `column`, `constraint`, `index`, `policy`, `grant`, `trigger`, `rule`,
            `statistics`, `function`, `type`, `schema` or `default privileges`.
        relation: the qualified name of the relation it belongs to; None for the last four.
        name: its name, quoted where SQL asks for it; of a grant, `UPDATE to authenticated`.
        attributes: what it is like, in the words of a report; absent ones are left out.
    """

    kind: str
    relation: str | None
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Catalog:
    """What one schema holds; equal for two databases that are the same to their users.

    Attributes:
        schema: the schema's name.
        items: by (relation or '', kind, name).
    """

    schema: str
    items: Mapping[tuple[str, str, str], Item]

    def to_json(self) -> str:
        """Return it as JSON with sorted keys, the same for equal catalogs, byte for byte."""
        nested: dict[str, Any] = {}
        for (relation, kind, name), item in self.items.items():
            nested.setdefault(relation, {}).setdefault(kind, {})[name] = item.attributes
        content = {"schema": self.schema, "items": nested}
        return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"

    def of_relations(self, relations: Iterable[str]) -> Catalog:
        """Return the part about these relations, named with or without the schema."""
        wanted = {self._qualified(name) for name in relations}
        return Catalog(
            self.schema, {key: item for key, item in self.items.items() if key[0] in wanted}
        )

    def _qualified(self, name: str) -> str:
        return name if "." in name else f"{self.schema}.{name}"


def read_catalog(connection: Connection[TupleRow], schema: str = "public") -> Catalog:
    """Read everything in one schema that makes two databases the same, or not.

    Relations (owner, row-level security, comment, …), columns, constraints, indexes, policies,
    privileges, triggers, rules, statistics, functions, types, the schema itself and default
    privileges; neither rows, nor what extensions own. The result does not depend on the session's
    search path, and PostgreSQL 15 to 18 give equal results for equal schemas, except that MAINTAIN
    exists from 17.

    Args:
        connection: any; its transaction and settings stay as they are.
        schema: the schema's name.

    Returns:
        The catalog.

    Raises:
        psycopg.Error: the connection is lost, or its transaction has failed.
    """
    items: dict[tuple[str, str, str], Item] = {}
    # Rolled back, so that the search path is the caller's again. With an empty one, PostgreSQL
    # writes every name with its schema.
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = ''")
        connection.execute("SET LOCAL quote_all_identifiers = off")
        for kind, query in _QUERIES.items():
            text = _RELATIONS + query if "FROM r" in query else query
            rows = connection.execute(text, {"schema": schema}).fetchall()
            for relation, name, attributes in rows:
                present = {k: v for k, v in attributes.items() if v not in (None, "")}
                items[relation or "", kind, name] = Item(kind, relation, name, present)
    return Catalog(schema, items)


def read_live_catalog(url: str, schema: str = "public", *, timeout: float = 15.0) -> Catalog:
    """Read a catalog from a server that others depend on: one short read-only transaction.

    Args:
        url: where; any role that may connect will do.
        schema: the schema's name.
        timeout: seconds that each of the few queries may take, waiting for a lock included.

    Returns:
        The catalog, of one moment.

    Raises:
        DatabaseError: nobody answers there, or not in time.
    """
    with live_transaction(url, timeout=timeout) as connection:
        return read_catalog(connection, schema)


def diff_catalogs(expected: Catalog, actual: Catalog) -> list[str]:
    """Say in plain words how `actual` differs from `expected`, one line each, sorted.

    The order of columns counts only where both have the same columns.
    """
    return [each.line for each in _differences(expected, actual, exactly=True)]


def verify(expected: Catalog, actual: Catalog, tables: Iterable[str]) -> list[Finding]:
    """Say in plain words what a live database lacks of what a migration declares.

    Looks at the given tables alone. Columns, constraints and indexes that are there beyond what is
    expected come from a later migration and are no difference, nor are the order of columns and how
    they are stored, planned and published; policies, privileges, triggers and rules beyond it are.
    So is a foreign key that doubles a declared one, or that deletes or sets, with the owner's
    rights, what is declared otherwise: see ``_acts_on``.

    What only narrows access or harms nobody is a note: a RESTRICTIVE policy and FORCE ROW LEVEL
    SECURITY, a replica identity, and a trigger that has no more than its caller's rights.

    Args:
        expected: catalog of a database that holds the migration's result.
        actual: catalog of the live database.
        tables: their names, with or without the schema.

    Returns:
        One finding for each difference, sorted by what it says; none when all is as declared.

    Raises:
        DatabaseError: `expected` has no such table.
    """
    names = list(tables)
    wanted = expected.of_relations(names)
    known = {item.relation for item in wanted.items.values()}
    unknown = sorted(n for n in names if expected._qualified(n) not in known)  # noqa: SLF001
    if unknown:
        raise DatabaseError(
            f"the expected catalog has no table {', '.join(unknown)}",
            "name tables that the migration creates",
        )
    return [
        Finding("drift", each.subject, each.line, each.remedy, each.level)
        for each in _differences(wanted, actual.of_relations(names), exactly=False)
    ]


@dataclass(frozen=True)
class _Difference:
    """One way in which two catalogs differ.

    Attributes:
        item: what differs; as it is, where it is there.
        says: what is said of it.
        word: the attribute that differs; None where the whole of it is missing or not expected.
        is_there: whether the actual catalog has it.
    """

    item: Item
    says: str
    word: str | None = None
    is_there: bool = True

    @property
    def subject(self) -> str:
        return _subject(self.item) + (f": {self.word}" if self.word else "")

    @property
    def line(self) -> str:
        return printable(f"{self.subject} {self.says}")

    @property
    def level(self) -> Level:
        attributes = self.item.attributes
        if self.word is None and self.is_there:
            harmless = (self.item.kind == "trigger" and "rights of" not in attributes) or (
                self.item.kind == "policy" and attributes["kind"] == "RESTRICTIVE"
            )
        else:
            harmless = self.word == "replica identity" or (
                self.word == _FORCE and attributes[_FORCE] == "on"
            )
        return Level.NOTE if harmless else Level.DIFFERENCE

    @property
    def remedy(self) -> str:
        kind, word = self.item.kind, self.word
        is_extra = word is None and self.is_there
        if self.level is Level.NOTE:
            return "nothing, if you know whose it is and what it does"
        if is_extra and kind in _REMEDIES_OF_EXTRA:
            return _REMEDIES_OF_EXTRA[kind]
        if word == "granted by":
            return "revoke it as the role that granted it; the owner grants what is declared"
        if kind in {"policy", "grant"} or word in {"comment", "row-level security", _FORCE}:
            return "run the migration that declares it again: it makes access what is declared"
        if not self.is_there and kind in {"relation", "index"}:
            return "run the migration that declares it: it makes what is missing"
        return "change the database in a migration of its own, or the fragment that declares it"


_REMEDIES_OF_EXTRA = {
    "constraint": "drop it: it changes declared rows, or doubles a declared key",
    "rule": "drop it: a rule changes what a statement does",
    "trigger": "drop it, or make its function SECURITY INVOKER; accept it if you have read it",
}


def _differences(expected: Catalog, actual: Catalog, *, exactly: bool) -> list[_Difference]:
    found: list[_Difference] = []
    for key in expected.items.keys() | actual.items.keys():
        want, have = expected.items.get(key), actual.items.get(key)
        if want is None and have is not None:
            may_be_added = not exactly and _may_be_added(have, expected)
            if not may_be_added and not _goes_with_its_relation(have, expected):
                found.append(_Difference(have, "is not expected"))
        elif want is not None and have is None:
            if not _goes_with_its_relation(want, actual):
                found.append(_Difference(want, "is missing", is_there=False))
        elif want is not None and have is not None:
            found += _changes(want, have, exactly=exactly)
    return sorted(found, key=lambda each: each.line)


def _may_be_added(have: Item, expected: Catalog) -> bool:
    if have.kind not in _MAY_BE_ADDED:
        return False
    key = _FOREIGN_KEY.match(have.attributes.get("definition", ""))
    if key is None:
        return True
    beside = [item for item in expected.items.values() if item.relation == have.relation]
    columns = set(key["columns"].split(", "))
    return not (
        _doubles(key["target"], columns, beside)
        or _acts_on(have.attributes["definition"], columns, beside)
    )


def _doubles(target: str, columns: set[str], beside: list[Item]) -> bool:
    """Whether a foreign key says a declared relationship once more."""
    others = (_FOREIGN_KEY.match(item.attributes.get("definition", "")) for item in beside)
    return any(
        other["target"] == target
        and (columns <= (ours := set(other["columns"].split(", "))) or columns >= ours)
        for other in others
        if other
    )


def _acts_on(definition: str, columns: set[str], beside: list[Item]) -> bool:
    """Whether a foreign key deletes or sets, with the owner's rights, what is declared otherwise.

    A table is append-only if nobody but its owner may change its rows.
    """
    granted = {item.name.partition(" ")[0] for item in beside if item.kind == "grant"}
    append_only = bool(granted) and not granted & _CHANGES_ROWS
    declared = {item.name: item for item in beside if item.kind == "column"}
    if _DELETES in definition and (append_only or columns <= declared.keys()):
        return True
    keys = (_KEY.match(item.attributes.get("definition", "")) for item in beside)
    fixed = {name for found in keys if found for name in found["columns"].split(", ")}
    fixed |= {
        name
        for name, item in declared.items()
        if append_only or item.attributes.get("NOT NULL") != "no"
    }
    changed: set[str] = set()
    if _SETS_ON_UPDATE.search(definition):
        changed = columns
    elif found := _SETS_ON_DELETE.search(definition):
        changed = set(found["columns"].split(", ")) if found["columns"] else columns
    return bool(changed & fixed)


def _goes_with_its_relation(item: Item, other: Catalog) -> bool:
    """Tell whether the line about the whole relation says it all."""
    if item.relation is None or item.kind == "relation":
        return False
    return (item.relation, "relation", item.relation) not in other.items


def _changes(want: Item, have: Item, *, exactly: bool) -> list[_Difference]:
    found = []
    for word in want.attributes.keys() | have.attributes.keys():
        expected: Any = want.attributes.get(word)
        actual: Any = have.attributes.get(word)
        if expected == actual or (word in _MAY_DIFFER and not exactly):
            continue
        if word == _ORDER:
            if sorted(expected) != sorted(actual):
                continue
            expected, actual = ", ".join(expected), ", ".join(actual)
        says = f"is {_said(actual)}, expected {_said(expected)}"
        found.append(_Difference(have, says, word))
    return found


def _subject(item: Item) -> str:
    if item.kind == "policy":
        return f"policy {item.name} on {item.relation}"
    if item.kind == "relation":
        return f"{item.attributes['kind']} {item.name}"
    if item.relation is None:
        return f"{item.kind} {item.name}"
    return f"table {item.relation}: {item.kind} {item.name}"


def _said(value: Any) -> str:
    if value is None:
        return "absent"
    text = str(value)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
