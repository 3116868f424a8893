"""Labels: knows how a target is named; knows no files and no targets."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PACKAGE = r"[a-z0-9_]+(?:/[a-z0-9_]+)*"
_NAME = r"[a-z0-9_]+"
_LABEL = re.compile(rf"(?://(?P<package>{_PACKAGE}))?:(?P<name>{_NAME})")

EVERY_FRAGMENT = "all"
"""The name that stands for every fragment of a package: ``//schema/instance_tasks:all``."""


@dataclass(frozen=True, order=True, slots=True)
class Label:
    """A target's name: the folder of its BUILD.toml below the packages' root, and its own name."""

    package: str
    name: str

    def __str__(self) -> str:
        """The label in full: ``//schema/platform:auth``."""
        return f"//{self.package}:{self.name}"

    def seen_from(self, package: str) -> str:
        """The label as a BUILD.toml of ``package`` writes it: short where it is its own."""
        return f":{self.name}" if package == self.package else str(self)


def is_name(text: str) -> bool:
    """Whether a target may be called so."""
    return re.fullmatch(_NAME, text) is not None


def is_package(path: str) -> bool:
    """Whether a folder below the packages' root can be named by a label."""
    return re.fullmatch(_PACKAGE, path) is not None


def parse_label(text: str, package: str | None = None) -> Label:
    """Read a label.

    Args:
        text: ``//package/folder:name``, or ``:name`` for a target of the same package.
        package: The package that ``:name`` belongs to; None where there is none.

    Raises:
        ValueError: The text is no label; the message says what one looks like.
    """
    match = _LABEL.fullmatch(text)
    if match is None or (match["package"] is None and package is None):
        shapes = "//package:name" if package is None else "//package:name or :name"
        raise ValueError(f"{text!r} is not a label; write {shapes}, in lower case")
    return Label(match["package"] or package or "", match["name"])
