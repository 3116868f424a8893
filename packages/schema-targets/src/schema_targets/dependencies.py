"""Strict dependencies: holds what BUILD files declare against what the SQL refers to, both ways."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import tomlkit
import tomlkit.items

from schema_sql.failures import internal_error
from schema_sql.objects import KINDS, Mention, Object, provides, requires
from schema_sql.source import Finding, SourceError
from schema_targets.suggestions import Suggestions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from schema_sql.statements import SqlFile, Statement
    from schema_targets.build_file import Target
    from schema_targets.labels import Label
    from schema_targets.workspace import Workspace

_OVERLOADED = {"function"}
"""Kinds of which one file may define several of the same name."""

_SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}


@dataclass
class Interface:
    """What a target provides and requires.

    Attributes:
        target: The target.
        sql: Its SQL.
        provides: What it provides, each at its first mention.
        requires: What it requires and does not itself provide, each at its first mention.
        repeated: What it provides more than once, at the second mention.
    """

    target: Target
    sql: SqlFile
    provides: dict[Object, Mention] = field(default_factory=dict)
    requires: dict[Object, Mention] = field(default_factory=dict)
    repeated: list[Mention] = field(default_factory=list)
    _makers: dict[Object, list[Statement]] = field(default_factory=dict, repr=False)

    def made_by(self, thing: Object) -> Statement | None:
        """The statement that provides an object first, or None."""
        return next(iter(self.makers(thing)), None)

    def makers(self, thing: Object) -> Sequence[Statement]:
        """The statements that provide an object."""
        return self._makers.get(thing, ())


def read_interface(target: Target, sql: SqlFile) -> Interface:
    """Collect what the statements of a target provide and require."""
    result = Interface(target, sql)
    for statement in sql.every_statement:
        for mention in provides(statement):
            result._makers.setdefault(mention.object, []).append(statement)  # noqa: SLF001
            if mention.object not in result.provides:
                result.provides[mention.object] = mention
            elif statement.conditional:
                continue  # The other branch of an IF, or what an exception handler does instead.
            elif mention.object.kind not in _OVERLOADED | {"type", "key", "column"}:
                result.repeated.append(mention)
    for statement in sql.every_statement:
        for mention in requires(statement):
            if mention.object not in result.provides:
                result.requires.setdefault(mention.object, mention)
    return result


@dataclass
class Dependencies:
    """The strict dependencies of a workspace.

    Attributes:
        workspace: The workspace.
        interfaces: By label, of every target whose SQL could be read.
        errors: What could not be read.
        providers: For each object, the targets that provide it; of an external, what it promises.
    """

    workspace: Workspace
    interfaces: dict[Label, Interface] = field(default_factory=dict)
    errors: list[SourceError] = field(default_factory=list)
    providers: dict[Object, list[Label]] = field(default_factory=lambda: defaultdict(list))
    _suggestions: dict[str, Suggestions] = field(default_factory=dict, repr=False)

    def provider(self, thing: Object) -> Label | None:
        """The target that provides an object, or None."""
        labels = self.providers.get(thing)
        return labels[0] if labels else None

    def needed(self, interface: Interface) -> dict[Label, Mention]:
        """The targets that a target refers to, each with its first mention."""
        result: dict[Label, Mention] = {}
        for thing, mention in sorted(interface.requires.items(), key=lambda item: item[1]):
            label = self.provider(thing)
            if label is not None and label != interface.target.label:
                result.setdefault(label, mention)
        return result

    def findings(self) -> list[Finding]:
        """Everything that is wrong, sorted."""
        found: list[Finding] = []
        found.extend(self._provided_twice())
        for interface in self.interfaces.values():
            found.extend(self._unresolved(interface))
            found.extend(self._undeclared(interface))
            found.extend(self._unused(interface))
            if interface.target.kind == "external":
                found.extend(self._broken_promises(interface))
        found.extend(_shipping(self.workspace))
        return sorted(found)

    def _provided_twice(self) -> Iterator[Finding]:
        for interface in self.interfaces.values():
            for mention in interface.repeated:
                message = f"{mention.object} is created twice in this file"
                yield interface.sql.source.finding(mention.offset, "provided-twice", message)
        repeated = {t.name for t, labels in self.providers.items() if _is_repeated(t, labels)}
        for thing, labels in self.providers.items():
            if thing.kind in {"type", "key"}:
                continue  # A table's row type: the table itself is told. Two keys are no clash.
            if not repeated.isdisjoint(_beginnings(thing.name, "_")):
                continue  # The index of a constraint, or a sequence: the table itself is told.
            for label in labels[1:]:
                interface = self.interfaces[label]
                relation = _relation_of(thing)
                if relation and len(self.providers.get(relation, ())) > 1:
                    continue
                offset = interface.provides[thing].offset
                message = f"{thing} is provided by {labels[0]} already"
                remedy = "IF NOT EXISTS would skip the second one without a word: keep one"
                yield interface.sql.source.finding(offset, "provided-twice", message, remedy)

    def _unresolved(self, interface: Interface) -> Iterator[Finding]:
        if interface.target.kind == "external":
            return  # A stub may lean on anything that its database has.
        missing = {
            beginning
            for thing in interface.requires
            if self.provider(thing) is None
            for beginning in _beginnings(thing.name, ".")
        }
        for thing, mention in interface.requires.items():
            if mention.optional or self.provider(thing) is not None or self._column_unknown(thing):
                continue
            if thing.kind == "schema" and thing.name in missing:
                continue  # The object in it is told.
            message = f"nothing provides {thing}"
            finding = interface.sql.source.finding(
                mention.offset, "unresolved-object", message, self._remedy(thing)
            )
            yield finding

    def _column_unknown(self, column: Object) -> bool:
        """Whether a missing column is no fault of its own: its table is missing, or tells none."""
        relation = _relation_of(column)
        if relation is None:
            return False
        if column.name.rpartition(".")[2] in _SYSTEM_COLUMNS | {relation.name.rpartition(".")[2]}:
            return True
        label = self.provider(relation)
        return label is None or not any(
            _tells_columns(statement) for statement in self.interfaces[label].makers(relation)
        )

    def _remedy(self, thing: Object) -> str:
        for target in self.workspace.of_kind("external"):
            interface = self.interfaces.get(target.label)
            if interface is not None and thing in interface.provides:
                return f'add "{thing}" to provides of {target.label} in {target.path}'
        close = self._suggest(thing)
        return (
            f"did you mean {close}?"
            if close
            else ("create it in a fragment, or declare it in an [external.NAME]")
        )

    def _suggest(self, thing: Object) -> str:
        """The provided object of the same kind that comes nearest, or ""."""
        if not self._suggestions:
            by_kind: dict[str, list[str]] = {kind: [] for kind in KINDS}
            for known in self.providers:
                by_kind[known.kind].append(str(known))
            self._suggestions |= {kind: Suggestions(n, 0.8) for kind, n in by_kind.items()}
        return self._suggestions[thing.kind].closest(str(thing))

    def _undeclared(self, interface: Interface) -> Iterator[Finding]:
        target = interface.target
        for label, mention in self.needed(interface).items():
            if label not in (*target.deps, *target.unverified_deps):
                written = label.seen_from(target.label.package)
                message = f"{mention.object} is provided by {label}, which is not in deps"
                header = f"[{target.kind}.{target.label.name}]"
                add = f'add "{written}", to deps of {header}'
                if "deps" not in target.lines:
                    add = f'add deps = ["{written}"] to {header}'
                line = target.lines.get("deps", target.lines[""])
                remedy = f"{add} at {target.path}:{line}, or run `schema deps --fix`"
                yield interface.sql.source.finding(
                    mention.offset, "undeclared-dep", message, remedy
                )

    def _unused(self, interface: Interface) -> Iterator[Finding]:
        target = interface.target
        needed = self.needed(interface)
        for label in target.deps:
            other = self.interfaces.get(label)
            if other is None or label in needed:
                continue
            line = target.label_line("deps", label)
            written = label.seen_from(target.label.package)
            message = f"{interface.sql.path} refers to nothing that {label} provides"
            remedy = (
                f'remove "{written}", or run `schema deps --fix`; '
                "what only a function's body needs goes to unverified_deps"
            )
            yield Finding(target.path, line, 1, "unused-dep", message, remedy)

    def _broken_promises(self, interface: Interface) -> Iterator[Finding]:
        for thing in interface.target.provides:
            if thing not in interface.provides:
                message = f"the stub {interface.sql.path} does not provide {thing}"
                remedy = "create it in the stub: the local database must have what is promised"
                yield interface.target.finding("provides", "broken-promise", message, remedy)


def _beginnings(name: str, separator: str) -> Iterator[str]:
    """What stands before each separator of a name."""
    return (name[:index] for index, character in enumerate(name) if character == separator)


def _is_repeated(thing: Object, labels: list[Label]) -> bool:
    return thing.kind == "relation" and len(labels) > 1


_COLUMNS_ELSEWHERE = {"inhRelations", "ofTypename"}


def _tells_columns(statement: Statement) -> bool:
    """Whether a statement that creates a relation names every column that it begins with."""
    if statement.kind == "CreateStmt":
        elements = statement.node.get("tableElts", ())
        copied = any("TableLikeClause" in element for element in elements)
        return not copied and not _COLUMNS_ELSEWHERE & statement.node.keys()
    return statement.kind in {"CreateForeignTableStmt", "CompositeTypeStmt"}


def _relation_of(thing: Object) -> Object | None:
    """The relation that a column, key, policy or trigger belongs to."""
    if thing.kind in {"column", "policy", "trigger"}:
        return Object("relation", thing.name.rpartition(".")[0])
    if thing.kind == "key":
        return Object("relation", thing.name.partition(" (")[0])
    return None


def read_dependencies(workspace: Workspace) -> Dependencies:
    """Read the SQL of every fragment and external and index what it provides."""
    result = Dependencies(workspace)
    for target in workspace.targets.values():
        if target.kind == "migration" or workspace.sql_path(target) not in workspace.files.sources:
            continue
        sql = workspace.sql(target)
        if isinstance(sql, SourceError):
            result.errors.append(sql)
            continue
        try:
            interface = read_interface(target, sql)
        except Exception as error:  # noqa: BLE001 - one file must not hide the others
            result.errors.append(SourceError(internal_error("the dependency check", sql, error)))
            continue
        result.interfaces[target.label] = interface
        promised = set(target.provides)
        for thing in interface.provides:
            if target.kind == "fragment" or thing in promised:
                result.providers[thing].append(target.label)
    return result


def _shipping(workspace: Workspace) -> Iterator[Finding]:
    """Every fragment belongs to one migration, and its dependencies to that or an earlier one."""
    shipped_by: dict[Label, Target] = {}
    for migration in workspace.migrations():
        for fragment in workspace.shipped(migration):
            first = shipped_by.setdefault(fragment.label, migration)
            if first is not migration:
                message = f"{fragment.label} is shipped by {first.label} too"
                remedy = f'if that one ships first, add after = ["{first.label}"]'
                yield migration.finding("roots", "shipped-twice", message, remedy)
    for fragment in workspace.of_kind("fragment"):
        if fragment.label not in shipped_by:
            message = f"no migration ships {fragment.label}"
            remedy = f'add "{fragment.label}" to the roots of a migration'
            yield fragment.finding("", "unshipped-fragment", message, remedy)


def rewrite_deps(text: str, package: str, deps: Mapping[str, Iterable[Label]]) -> str:
    """Write the right deps into a BUILD file.

    Args:
        text: The BUILD file.
        package: Its package.
        deps: For each fragment's or external's name, the labels that its deps must hold.

    Returns:
        The text with those lists changed and everything else, comments included, as it was.
    """
    document = tomlkit.parse(text)
    for kind in ("fragment", "external"):
        for name, table in document.get(kind, {}).items():
            if name not in deps:
                continue
            wanted = [
                label.seen_from(package)
                for label in sorted(deps[name], key=lambda label: (label.package != package, label))
            ]
            _set_list(table, wanted, package)
    return tomlkit.dumps(document)


def _set_list(table: tomlkit.items.Table, wanted: list[str], package: str) -> None:
    array = table.get("deps")
    if array is None:
        if wanted:
            # tomlkit would add it behind the comment of the next target.
            source = "src" if "src" in table else "stub"
            table.value._insert_after(source, "deps", tomlkit.item(wanted))  # noqa: SLF001
            _spread(table)
        return
    prefix = f"//{package}:"
    short = {item: item.replace(prefix, ":", 1) for item in array}
    if sorted(short.values()) == sorted(wanted):
        return
    for index in reversed(range(len(array))):
        if short[array[index]] not in wanted:
            del array[index]
    if not wanted:
        if "#" not in array.as_string():
            del table["deps"]
        return
    if "\n" not in array.as_string():
        array.clear()  # tomlkit would forget the space behind a comma.
    have = [short[item] for item in array]
    for item in wanted:
        if item not in have:
            place = wanted.index(item)
            have.insert(place, item)
            array.insert(place, item)
    _spread(table)


def _spread(table: tomlkit.items.Table) -> None:
    """A list that would not fit on one line stands one item a line."""
    array = table["deps"]
    commented = "#" in array.as_string()
    if not commented:
        array.multiline(len(f"deps = {list(array)}") > 100)
