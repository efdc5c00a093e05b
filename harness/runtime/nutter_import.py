"""Where nutter isn't installed, ``runtime.nutterfixture`` and ``runtime.runner`` are ours; an installed one stays."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

from harness.after_import import AfterImport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_NAMES: dict[str, tuple[str, ...]] = {
    "runtime": (),
    "runtime.nutterfixture": ("NutterFixture", "tag"),
    "runtime.runner": ("NutterFixtureParallelRunner", "NutterFixture"),
}


class NutterFinder:
    """Stands last on ``sys.meta_path``, so that it is asked only for what nobody else has.

    A package of the user's own named ``runtime`` stays theirs; the two modules are served in it where it has none of that name.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - importlib's protocol
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> ModuleSpec | None:
        """Find one of Nutter's modules (importlib's protocol)."""
        if fullname not in _NAMES:
            return None
        return ModuleSpec(fullname, self, origin="databricks-notebook-harness", is_package="." not in fullname)  # type: ignore[arg-type]  # it has the protocol's methods

    def create_module(self, spec: ModuleSpec) -> None:
        """Have Python make it (importlib's protocol)."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill it (importlib's protocol)."""
        from harness.runtime import nutter

        for name in _NAMES[module.__name__]:
            setattr(module, name, getattr(nutter, name))

    def withdraw(self) -> None:
        """Stand there no more, and have the modules that were served forgotten."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in _NAMES:
            module = sys.modules.get(name)
            if module is not None and getattr(module.__spec__, "loader", None) is self:
                del sys.modules[name]


def nutter_watch() -> AfterImport:
    """What has an installed nutter tell of its results as ours does, once it is imported."""
    return AfterImport("runtime.nutterfixture", _watch)


def _watch(module: ModuleType) -> None:
    if hasattr(module, "NutterFixture"):
        from harness.runtime.nutter import watch

        watch(module.NutterFixture)
