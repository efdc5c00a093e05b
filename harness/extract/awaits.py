"""Whether a cell awaits something outside of functions, as IPython lets it and no Python file may."""

from __future__ import annotations

import ast
import inspect


def awaits(tree: ast.Module, path: str) -> bool:
    """Say whether such a cell is a coroutine; one that can't be compiled is told by who runs it."""
    try:
        code = compile(tree, path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(code.co_flags & inspect.CO_COROUTINE)
