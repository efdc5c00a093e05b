"""What nobody knows of scripts: whether they find ``spark``, ``dbutils`` and the like, and modules of the project.

That a script asked for such is told at once, not where it ends by it: it may catch the error and go on, and what it then does
is no result. Where it is ready for the error it does the same either way, and nothing is told.
"""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.execute.magics import UnsupportedError
from harness.runtime.modules import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

_GET = {"spark": "spark = SparkSession.builder.getOrCreate()"}
_NO_NAME, NO_MODULE = frozenset({"NameError"}), frozenset({"ImportError", "ModuleNotFoundError"})
_ERRORS = _NO_NAME | NO_MODULE


def how_to_get(name: str) -> str:
    """What a script writes to have a name, on Databricks and here."""
    return _GET.get(name, f"from databricks.sdk.runtime import {name}")


def why_unsure(error: object, name: str) -> str:
    """Why nobody knows what a name is in a script, after what Python says of it."""
    return (
        f"{error}: whether a Python script finds it predefined isn't documented. Get it, which works either way: "
        f"{how_to_get(name)}"
    )


def asking() -> FrameType | None:
    """What imports something, asked from a finder of ours."""
    asks: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- who imports it
    while asks is not None and asks.f_globals.get("__name__", "").startswith(("importlib", "harness.execute.")):
        asks = asks.f_back
    return asks


class _Lines(NamedTuple):
    """Lines that go on without some names, or after some errors."""

    first: int
    last: int
    names: frozenset[str]


class Ready:
    """Which lines of a script are ready for what may be missing."""

    def __init__(self, path: str, raw: bytes) -> None:
        self.path, self._lines = path, tuple(_ready(ast.parse(raw)))

    def at(self, frame: FrameType | None, names: frozenset[str]) -> bool:
        """Whether what runs in this frame, or what called it, goes on after one of these."""
        while frame is not None:
            if frame.f_code.co_filename == self.path and any(
                one.first <= frame.f_lineno <= one.last and one.names & names for one in self._lines
            ):
                return True
            frame = frame.f_back
        return False


class Builtins(dict[str, Any]):
    """Python's own names, for a script: what they lack is missing in all of it. To the script it is the module that it was."""

    def __init__(self, ready: Ready) -> None:
        super().__init__(vars(builtins))
        object.__setattr__(self, "_ready", ready)

    def __getattr__(self, name: str) -> Any:
        return getattr(builtins, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(builtins, name, value)
        self[name] = value

    def __dir__(self) -> list[str]:
        return dir(builtins)

    def __missing__(self, name: str) -> Any:
        if name in vars(builtins):  # since then
            return vars(builtins)[name]
        if name in NAMES and not self._ready.at(sys._getframe(1), _NO_NAME | {name}):  # noqa: SLF001 -- who asks
            UnsupportedError(why_unsure(f"name {name!r} is not defined", name))  # made, it is told; Python raises its own
        raise KeyError(name)


class Modules:
    """The last finder on ``sys.meta_path``: what comes to it, nobody has found. ``why`` says why one may be found there."""

    def __init__(self, ready: Ready, why: Callable[[str], str]) -> None:
        self._ready, self._why = ready, why

    def find_spec(self, fullname: str, *_: Any) -> None:
        """Find nothing (importlib's protocol)."""
        asks = asking()
        if asks is None or asks.f_code.co_filename != self._ready.path or self._ready.at(asks, NO_MODULE):
            return
        if why := self._why(fullname):
            UnsupportedError(why)


def _ready(tree: ast.AST) -> Iterator[_Lines]:
    """A handler that names the error, or that binds the name; ``suppress(NameError)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            yield _Lines(node.body[0].lineno, _last(node.body), _named(node.handlers))
        elif isinstance(node, ast.With):
            yield _Lines(node.lineno, _last(node.body), _named(item.context_expr for item in node.items))


def _last(body: list[ast.stmt]) -> int:
    return body[-1].end_lineno or body[-1].lineno


def _named(nodes: Iterable[ast.expr | ast.ExceptHandler]) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        caught = node.type if isinstance(node, ast.ExceptHandler) else node
        for one in ast.walk(caught) if caught is not None else ():
            found |= _ERRORS & {getattr(one, "id", "")}
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                found.add(one.id)
            elif isinstance(one, ast.alias):
                found.add(one.asname or one.name)
    return frozenset(found)
