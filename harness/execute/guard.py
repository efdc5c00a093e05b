"""Keeps a kernel working whatever the notebook does to the Python around it."""

from __future__ import annotations

import builtins
from typing import Any, NoReturn

from harness.execute.magics import UnsupportedError

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


def protect(shell: Any) -> None:
    """Have the shell run a notebook's code with the notebook's builtins, and all else with Python's; and not end by itself."""
    own = Builtins()
    run_code, show = shell.run_code, shell.showtraceback
    depth = 0  # a magic in the notebook's code may run code of it

    async def run_theirs(code: Any, result: Any = None, *, async_: bool = False) -> Any:
        nonlocal depth
        own.theirs()
        depth += 1
        try:
            return await run_code(code, result, async_=async_)
        finally:
            depth -= 1
            if depth == 0:
                own.ours()

    def show_ours(*args: Any, **kwargs: Any) -> Any:
        own.ours()
        return show(*args, **kwargs)

    shell.run_code, shell.showtraceback = run_theirs, show_ours
    # IPython's own end the kernel a moment later, and the cells that run until then would pass.
    shell.user_ns["exit"] = shell.user_ns["quit"] = _leave


def _leave(code: object = None) -> NoReturn:
    """End the notebook, as ``sys.exit`` does."""
    raise SystemExit(code)


def refuse_shutdown() -> NoReturn:
    """What a notebook gets that tells its kernel to end.

    Raises:
        UnsupportedError: Always.
    """
    raise UnsupportedError("a notebook can't shut its own kernel down here")
