"""Keeps a kernel working whatever the notebook does to the Python around it."""

from __future__ import annotations

import builtins
import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from harness.execute.magics import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_GONE = object()


class Builtins:
    """A notebook's own ``builtins``: what it replaced there holds while its code runs, and not for the kernel around it.

    So ``builtins.len = …`` is seen by its later cells and by the modules that it imports, and the kernel can go on. What is new
    there (``builtins.spark = spark``) stays.
    """

    def __init__(self) -> None:
        self._names = vars(builtins)
        self._true: dict[str, Any] = {}
        self._changed: dict[str, Any] = {}
        self._is_theirs = False

    def theirs(self) -> None:
        """Before code of the notebook: let it find what it replaced."""
        if not self._true:
            self._true = self._names.copy()
        for name, value in self._changed.items():
            if value is _GONE:
                self._names.pop(name, None)
            else:
                self._names[name] = value
        self._is_theirs = True

    def ours(self) -> None:
        """After it: put back what Python has. Nothing in here may need a builtin."""
        if not self._is_theirs:
            return
        names, gone = self._names, _GONE
        self._changed = {
            name: names.get(name, gone) for name, value in self._true.items() if names.get(name, gone) is not value
        }
        names.update(self._true)
        self._is_theirs = False


_NEEDED = ("builtins", "sys", "IPython", "ipykernel")


_held: dict[str, ModuleType] = {}


def hold_modules() -> None:
    """Keep what is imported: in the warm parent, for to count each module once more copies its page in each kernel."""
    _held.update(sys.modules)


class Modules:
    """What is imported as a notebook's code begins."""

    def __init__(self) -> None:
        self._names = sys.modules
        if not _held:
            hold_modules()

    def keep(self) -> None:
        """Before code of the notebook: keep what is new, which stands at the end."""
        with contextlib.suppress(RuntimeError):  # a thread of the notebook's imports something just now
            for name in reversed(self._names):
                if name in _held:
                    break
                _held[name] = self._names[name]

    def check(self) -> None:
        """After it: without its modules neither this kernel nor one on Databricks goes on; it wouldn't even say so.

        Raises:
            RuntimeError: They are gone.
        """
        if all(name in self._names for name in _NEEDED):
            return
        self._names.update(_held)
        raise RuntimeError("the notebook has emptied sys.modules, without which its Python can't go on")


class Streams:
    """What a notebook put in the place of ``sys.stdout`` or ``sys.stderr`` and is no stream: it is there for its code alone."""

    def __init__(self) -> None:
        self._own = {"stdout": sys.stdout, "stderr": sys.stderr}
        self._theirs: dict[str, Any] = {}

    def theirs(self) -> None:
        """Before code of the notebook."""
        vars(sys).update(self._theirs)
        self._theirs = {}

    def ours(self) -> None:
        """After it, and before its errors are shown."""
        for name, stream in self._own.items():
            there = getattr(sys, name, None)
            if not hasattr(there, "flush"):
                self._theirs[name] = there
                setattr(sys, name, stream)


def protect(shell: Any, *, is_ours: Callable[[], bool]) -> None:
    """Have the shell run a notebook's code with the notebook's builtins, and all else with Python's; and not end by itself.

    ``is_ours`` says of what runs that it is a call of ours, in the place of a cell.
    """
    from IPython.core import interactiveshell

    own, modules, streams = Builtins(), Modules(), Streams()
    # By these IPython runs a cell: a notebook's own in their place would run nothing, and each cell would pass.
    vars(interactiveshell).update(exec=exec, eval=eval)
    run_code, show = shell.run_code, shell.showtraceback
    depth = 0  # a magic in the notebook's code may run code of it

    async def run_theirs(code: Any, result: Any = None, *, async_: bool = False) -> Any:
        nonlocal depth
        modules.keep()
        streams.theirs()
        if not is_ours():
            own.theirs()
        depth += 1
        try:
            return await run_code(code, result, async_=async_)
        finally:
            depth -= 1
            if depth == 0:
                own.ours()
                streams.ours()
            modules.check()

    def show_ours(*args: Any, **kwargs: Any) -> Any:
        own.ours()
        streams.ours()
        return show(*args, **kwargs)

    shell.run_code, shell.showtraceback = run_theirs, show_ours
    # IPython's own end the kernel a moment later, and the cells that run until then would pass.
    shell.user_ns["exit"] = shell.user_ns["quit"] = _leave
    # What IPython says where code raises SystemExit, to somebody who types.
    warnings.filterwarnings("ignore", message="To exit: use 'exit'", category=UserWarning)


def _leave(code: object = None) -> NoReturn:
    """End the notebook, as ``sys.exit`` does."""
    raise SystemExit(code)


def refuse_shutdown() -> NoReturn:
    """What a notebook gets that tells its kernel to end.

    Raises:
        UnsupportedError: Always.
    """
    raise UnsupportedError("a notebook can't shut its own kernel down here")
