"""BUILD.toml: knows the keys of each kind of target and where they stand; resolves nothing."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from schema_sql.files import is_foreign
from schema_sql.objects import Object, read_object
from schema_sql.source import Finding, Position, Source, SourceError
from schema_targets.labels import EVERY_FRAGMENT, Label, is_name, parse_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUILD_FILE = "BUILD.toml"

_Item = TypeVar("_Item", Label, Object)


@dataclass(frozen=True)
class Target:
    """A target as its BUILD.toml declares it.

    Attributes:
        label: Its name.
        kind: ``fragment``, ``external`` or ``migration``.
        path: The BUILD.toml that declares it, as findings name it.
        lines: The line of each of its keys, and of the header under "".
        src: The SQL file: a fragment's source or an external's stub; "" for a migration.
        deps: The labels of the targets it refers to.
        unverified_deps: Targets that must come first though no SQL that can be read says so.
        provides: What an external promises.
        remedy: What to do where an external is missing.
        title: What a migration is about.
        out: The file that a migration is written to, from the root.
        roots: What a migration ships, with all that these depend on.
        after: The migrations that ship before this one.
    """

    label: Label
    kind: str
    path: str
    lines: dict[str, int] = field(repr=False, compare=False)
    src: str = ""
    deps: tuple[Label, ...] = ()
    unverified_deps: tuple[Label, ...] = ()
    provides: tuple[Object, ...] = ()
    remedy: str = ""
    title: str = ""
    out: str = ""
    roots: tuple[Label, ...] = ()
    after: tuple[Label, ...] = ()

    def finding(self, key: str, rule: str, message: str, remedy: str = "") -> Finding:
        """A finding at one of the target's keys, or at its header where the key is not written."""
        line = self.lines.get(key, self.lines[""])
        return Finding(self.path, line, 1, rule, message, remedy)

    def label_line(self, key: str, label: Label) -> int:
        """The line on which a list of the target names a label."""
        return self.lines.get(f"{key} {label}", self.lines.get(key, self.lines[""]))


@dataclass(frozen=True)
class _Key:
    field: str
    read: Callable[[Any, str], Any]
    required: bool = False


class _ItemError(ValueError):
    """What is wrong with one item of a list."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def _text(value: Any, _package: str) -> str:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError("must be a text of one line")
    return _safe_in_sql(value)


def _safe_in_sql(text: str) -> str:
    """Refuse what could end the comment or the string of SQL in which a text is shipped.

    PostgreSQL ends a comment at a carriage return. Editors end lines at more, and order text by
    bidirectional marks, so that its reader would see other SQL. A backslash escapes a quote where
    ``standard_conforming_strings`` is off. A quote or a dollar sign is the assembler's to quote.
    """
    for char in text:
        if not char.isprintable():
            raise ValueError(f"holds U+{ord(char):04X}, which does not print; leave it out")
        if char == "\\":
            raise ValueError("holds a backslash, which some sessions take for an escape")
    return text


_DIRECTIVE = re.compile(r"\s*(squawk-ignore|noqa|sqlfluff\s*:|schema-lint\s*:)", re.IGNORECASE)


def _title(value: Any, _package: str) -> str:
    text = _text(value, "")
    # It is the first comment of the file.
    if match := _DIRECTIVE.match(text):
        raise ValueError(f"begins with {match[1]!r}, which would switch a check off")
    return text


def is_file_name(text: str) -> bool:
    """Whether a fragment's or external's SQL file may be called so."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.sql", text) is not None


def _file_name(value: Any, _package: str) -> str:
    text = _text(value, "")
    if not is_file_name(text):
        raise ValueError(f"{text!r} must be the name of a .sql file in the same folder")
    return text


def _out(value: Any, _package: str) -> str:
    text = _text(value, "")
    name = text.rpartition("/")[2]
    # The Supabase CLI skips any other name without a word.
    if not re.fullmatch(r"[0-9]+_[A-Za-z0-9_-]+\.sql", name):
        raise ValueError(f"{name!r} must look like 20251120_name.sql")
    # A tilde may be Windows' short name of a hidden folder, as GIT~1 is of .git.
    plain = all(part and not is_foreign(part) for part in text.split("/"))
    if not plain or not text.isprintable() or re.search(r"[\\:~]", text):
        raise ValueError(
            f"{text!r} must be a path below the root, with forward slashes and no hidden folder"
        )
    return text


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    return value


def _each(value: Any, read: Callable[[str], _Item]) -> tuple[_Item, ...]:
    """Read each text of a list; none may mean the same as another."""
    result: dict[_Item, None] = {}
    for index, item in enumerate(_texts(value)):
        try:
            found = read(item)
        except ValueError as error:
            raise _ItemError(index, str(error)) from error
        if found in result:
            raise _ItemError(index, f"names {found} twice")
        result[found] = None
    return tuple(result)


def _labels(value: Any, package: str) -> tuple[Label, ...]:
    return _each(value, lambda item: parse_label(item, package))


def _roots(value: Any, package: str) -> tuple[Label, ...]:
    labels = _labels(value, package)
    if not labels:
        raise ValueError("must name what the migration ships")
    return labels


def _target_labels(value: Any, package: str) -> tuple[Label, ...]:
    labels = _labels(value, package)
    for index, label in enumerate(labels):
        if label.name == EVERY_FRAGMENT:
            raise _ItemError(index, f"{label} stands for many targets; name each one")
    return labels


def _objects(value: Any, _package: str) -> tuple[Object, ...]:
    return _each(value, lambda item: read_object(_safe_in_sql(item)))


KINDS: dict[str, dict[str, _Key]] = {
    "fragment": {
        "src": _Key("src", _file_name, required=True),
        "deps": _Key("deps", _target_labels),
        "unverified_deps": _Key("unverified_deps", _target_labels),
    },
    "external": {
        "stub": _Key("src", _file_name, required=True),
        "deps": _Key("deps", _target_labels),
        "provides": _Key("provides", _objects, required=True),
        "remedy": _Key("remedy", _text, required=True),
    },
    "migration": {
        "title": _Key("title", _title, required=True),
        "out": _Key("out", _out, required=True),
        "roots": _Key("roots", _roots, required=True),
        "after": _Key("after", _target_labels),
    },
}
"""The kinds of targets, and for each the keys that its table may hold."""


def read_build_file(source: Source, package: str) -> tuple[list[Target], list[SourceError]]:
    """Read one BUILD.toml.

    Args:
        source: Its text.
        package: Its folder below the packages' root, such as ``schema/platform``.

    Returns:
        The targets that are sound, in the order of the file, and everything that is wrong.
    """
    try:
        document = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return [], [_toml_error(source, error)]
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets as deep.
        message = f"not to be read as TOML: {error}"
        return [], [SourceError(source.finding(0, "build-file", message))]
    reader = _Reader(source, package)
    targets = [target for target in reader.read(document) if target is not None]
    return targets, reader.errors


def _toml_error(source: Source, error: tomllib.TOMLDecodeError) -> SourceError:
    text = str(error)
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", text)
    message = text[: place.start()] if place else text
    if place and place[1]:
        at = Position(int(place[1]), int(place[2]))
    else:
        at = source.position(len(source.data.rstrip()))
    finding = Finding(
        source.path, at.line, at.column, "build-file", message[0].lower() + message[1:]
    )
    return SourceError(finding, source.excerpt(at))


class _Reader:
    """Reads the tables of one document and keeps what is wrong with them."""

    def __init__(self, source: Source, package: str) -> None:
        self.source = source
        self.package = package
        self.lines = dict(_key_lines(source.text))
        self.errors: list[SourceError] = []

    def _error(self, line: int, message: str, remedy: str = "", column: int = 1) -> None:
        finding = Finding(self.source.path, line, column, "build-file", message, remedy)
        self.errors.append(SourceError(finding, ""))

    def read(self, document: dict[str, Any]) -> Iterator[Target | None]:
        names: dict[str, str] = {}
        for kind, tables in document.items():
            line = min(
                (n for (table, _), n in self.lines.items() if table[:1] == (kind,)), default=1
            )
            if kind not in KINDS:
                known = ", ".join(f"[{word}.NAME]" for word in KINDS)
                self._error(line, f"unknown kind of target {kind!r}", _closest(kind, KINDS, known))
                continue
            if not isinstance(tables, dict) or not all(
                isinstance(t, dict) for t in tables.values()
            ):
                self._error(line, f"{kind} must be a table with a name", f"write [{kind}.NAME]")
                continue
            for name, table in tables.items():
                if name in names:
                    line = self.lines.get(((kind, name), ""), 1)
                    message = f"{names[name]} and {kind} have the same name {name!r}"
                    self._error(line, message, "give one of them another name")
                    continue
                names[name] = kind
                yield self._target(kind, name, table)

    def _target(self, kind: str, name: str, table: dict[str, Any]) -> Target | None:
        lines = {key: n for (header, key), n in self.lines.items() if header == (kind, name)}
        lines.setdefault("", min(lines.values(), default=1))
        before = len(self.errors)
        if not is_name(name):
            message = f"{name!r} is no name for a target"
            self._error(lines[""], message, "use lower-case letters, digits and underscores")
            return None
        label = Label(self.package, name)
        if name == EVERY_FRAGMENT:
            self._error(lines[""], "the name 'all' stands for every fragment of a package")
            return None
        keys = KINDS[kind]
        fields: dict[str, Any] = {}
        for key, value in table.items():
            line = lines.get(key, lines[""])
            if key not in keys:
                known = f"a {kind} has: {', '.join(keys)}"
                self._error(
                    line, f"unknown key {key!r} in [{kind}.{name}]", _closest(key, keys, known)
                )
                continue
            try:
                fields[keys[key].field] = keys[key].read(value, self.package)
            except ValueError as error:
                at = self._value_place(line, key, error)
                self._error(at.line, f"{key}: {error}", column=at.column)
        for key, spec in keys.items():
            if spec.required and key not in table:
                self._error(lines[""], f"[{kind}.{name}] has no {key!r}")
        if len(self.errors) > before:
            return None
        self._note_label_lines(lines, table)
        return Target(label, kind, self.source.path, lines, **fields)

    def _value_place(self, line: int, key: str, error: ValueError) -> Position:
        """Where the value of a key stands, or the item of its list that an error is about."""
        value, items = self._places(line, key)
        if isinstance(error, _ItemError) and error.index < len(items):
            return items[error.index]
        return value

    def _places(self, line: int, key: str) -> tuple[Position, list[Position]]:
        """Where a value begins that is assigned on a line, and each text of it if it is a list.

        The standard library's reader does not tell them. Where the spelling is too odd to be
        found, the beginning of the line stands for it.
        """
        data = self.source.data
        start = self.source.line_start(line)
        end = data.find(b"\n", start)
        name = re.escape(key.encode())
        assignment = re.compile(rb"(?<![\w-])[\"']?" + name + rb"[\"']?[ \t]*=[ \t]*")
        match = assignment.search(data, start, end if end >= 0 else len(data))
        if match is None:
            return Position(line, 1), []
        items = []
        if data[match.end() : match.end() + 1] == b"[":
            for token in _LIST_TOKEN.finditer(data, match.end() + 1):
                if token[0] == b"]":
                    break
                if not token[0].startswith(b"#"):
                    items.append(self.source.position(token.start()))
        return self.source.position(match.end()), items

    def _note_label_lines(self, lines: dict[str, int], table: dict[str, Any]) -> None:
        for key in ("deps", "unverified_deps", "roots", "after"):
            if key not in table:
                continue
            line = lines.get(key, lines[""])
            _, places = self._places(line, key)
            if len(places) != len(table[key]):
                places = [Position(line, 1)] * len(table[key])
            for item, place in zip(table[key], places, strict=True):
                lines[f"{key} {parse_label(item, self.package)}"] = place.line


_LIST_TOKEN = re.compile(
    rb"""\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|\]""",
    re.DOTALL,
)
"""What matters in a list of TOML: its texts, its comments and its end."""


def _closest(word: str, known: Any, otherwise: str) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]!r}?" if close else otherwise


_WORD = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"({_WORD}(?:\s*\.\s*{_WORD})*)"
_HEADER = re.compile(rf"\s*\[+\s*{_PATH}\s*\]+\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"\s*{_PATH}\s*=")


def _key_lines(text: str) -> Iterator[tuple[tuple[tuple[str, ...], str], int]]:
    """The line of each table header and key: the standard library's reader does not tell them."""
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if match := _HEADER.match(line):
            header = _words(match[1])
            yield (header, ""), number
        elif match := _ASSIGNMENT.match(line):
            path = (*header, *_words(match[1]))
            if len(path) > 2:
                yield (path[:2], path[2]), number
            else:  # An inline table: its keys stand on this line or a later one.
                yield (path, ""), number


def _words(path: str) -> tuple[str, ...]:
    return tuple(word.strip("\"'") for word in re.findall(_WORD, path))
