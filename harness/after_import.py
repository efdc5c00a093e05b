"""Do something to a module as soon as it has been imported, whoever imports it."""

from __future__ import annotations

from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class AfterImport:
    """Stands first on ``sys.meta_path``; ``then`` is given the module of that name once it has run."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name, self._then = name, then

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib's protocol
    ) -> ModuleSpec | None:
        """Find the module; None for everything else (importlib's protocol)."""
        spec = PathFinder.find_spec(fullname, path) if fullname == self._name else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            self._then(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader only
        return spec
