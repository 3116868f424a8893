"""The documentation of our own modules: knows where it stands when Python dropped it."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def documentation(module: ModuleType) -> str:
    """The docstring of a module, also under ``python -OO``, which drops docstrings.

    Args:
        module: An imported module.

    Returns:
        The docstring without indentation, as ``inspect.getdoc`` gives it; empty where the module
        has none.
    """
    found = inspect.getdoc(module)
    if found is None:
        # PYTHONOPTIMIZE=2 keeps the module's source, so the text is read from there.
        found = ast.get_docstring(ast.parse(inspect.getsource(module)))
    return found or ""
