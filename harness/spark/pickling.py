"""Send code of notebooks and test files to Spark's Python workers by value, so that no worker imports a notebook."""

from __future__ import annotations

import copyreg
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType


def register_by_value(module: ModuleType) -> bool:
    """Have pyspark pickle the functions and classes of this module by value; true if it is so now.

    A worker that gets them by name would import the module, and for a notebook that runs its whole top level. Does nothing
    and returns false while pyspark isn't imported: call it again for the modules in use when a test begins. Cheap and safe
    to repeat.
    """
    cloudpickle = sys.modules.get("pyspark.cloudpickle")
    if cloudpickle is None or sys.modules.get(module.__name__) is not module:
        return False
    if module.__name__ not in cloudpickle.list_registry_pickle_by_value():
        cloudpickle.register_pickle_by_value(module)
    return True


def carry_modules_of(kind: type[ModuleType]) -> None:
    """Let modules of a notebook's own class be pickled, for code on Spark that says ``features.clean`` and not ``clean``."""
    copyreg.pickle(kind, _pack)


class CarriedModule(types.ModuleType):
    """What a worker gets in place of a notebook module: its names, each unpickled when it is first used."""

    def __init__(self, name: str, packed: dict[str, bytes], left_out: dict[str, str]) -> None:
        super().__init__(name)
        self.__packed__ = packed
        self.__left_out__ = left_out

    def __getattr__(self, name: str) -> Any:
        packed = self.__dict__.get("__packed__", {}).get(name)
        if packed is None:
            why = self.__dict__.get("__left_out__", {}).get(name)
            raise AttributeError(
                f"the notebook {self.__name__!r} came to this Spark worker without {name!r}: "
                + (
                    f"its value can't be pickled ({why});\n"
                    if why
                    else "it has no such name, or computes it when first used;\n"
                )
                + f"import the name itself: from {self.__name__} import {name}"
            )
        from pyspark import cloudpickle

        value = cloudpickle.loads(packed)
        setattr(self, name, value)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return CarriedModule, (self.__name__, self.__packed__, self.__left_out__)


_being_packed: set[str] = set()


def _pack(module: ModuleType) -> tuple[Any, ...]:
    """Pickle each name by itself, so that one that can't travel (the session, a lock) costs only itself."""
    from pyspark import cloudpickle

    packed: dict[str, bytes] = {}
    left_out: dict[str, str] = {}
    # Two notebooks may hold each other; the inner mention of the outer one then has no names.
    if module.__name__ not in _being_packed:
        _being_packed.add(module.__name__)
        try:
            for name, value in list(vars(module).items()):
                if name.startswith("__"):
                    continue
                try:
                    packed[name] = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]  # comes without types
                except Exception as exc:  # noqa: BLE001 -- what the user's classes do; the worker tells it if the name is used
                    left_out[name] = f"{type(exc).__name__}: {exc}"
        finally:
            _being_packed.discard(module.__name__)
    return CarriedModule, (module.__name__, packed, left_out)


class _Plain(types.ModuleType):
    """A plain module that is pickled as notebooks' are: name by name, for whole it is no more than its least part is."""


class ByValue:
    """Finds which plain modules of a project must travel by value too: those that a worker could not import.

    These are test files and conftest files (what they import at top level, and under which name, is pytest's affair), and
    plain modules that hold something of a notebook or of such a module, for importing them would import that. All other
    modules of the project travel by name, as on Databricks, and workers find them on the test process's path; ``all_of_them``
    has them travel by value too, to the workers of a workspace, which find nothing of this machine.
    """

    def __init__(self, roots: Iterable[Path], *, all_of_them: bool = False) -> None:
        self._roots = tuple(str(root.resolve()) + "/" for root in roots)
        self._all = all_of_them
        if all_of_them:
            carry_modules_of(_Plain)
        self._seen: set[str] = set()
        self._plain: list[ModuleType] = []

    def update(self, test_module: ModuleType | None) -> None:
        """Register what has been imported since the last call; does nothing while pyspark isn't imported."""
        cloudpickle = sys.modules.get("pyspark.cloudpickle")
        if cloudpickle is None:
            return
        if self._all:
            register_by_value(sys.modules[__name__])  # of it is what carries a module
        if test_module is not None:
            register_by_value(test_module)
        new = sys.modules.keys() - self._seen
        self._seen |= new
        self._plain += [module for name in new if (module := sys.modules.get(name)) is not None and self._is_ours(module)]
        carried: set[str] = cloudpickle.list_registry_pickle_by_value()
        while found := [
            module
            for module in self._plain
            if self._all or module.__name__ in carried or _is_conftest(module) or _uses(module, carried)
        ]:
            for module in found:
                self._plain.remove(module)
                register_by_value(module)
                if self._all and type(module) is types.ModuleType:
                    module.__class__ = _Plain
                carried.add(module.__name__)

    def _is_ours(self, module: ModuleType) -> bool:
        # Not by getattr: some libraries' modules import more when they are asked.
        file = getattr(module, "__dict__", {}).get("__file__")
        return isinstance(file, str) and file.startswith(self._roots) and "site-packages" not in file


def _is_conftest(module: ModuleType) -> bool:
    return module.__name__.rpartition(".")[2] == "conftest"


def _uses(module: ModuleType, carried: set[str]) -> bool:
    """Whether the module holds one of the carried modules, or something that one of them defines."""
    inside = module.__name__ + "."
    for value in list(vars(module).values()):
        home = _home(value)
        # A package holds its submodules whether it uses them or not; to carry it would carry them all.
        if isinstance(home, str) and home in carried and not home.startswith(inside):
            return True
    return False


def _home(value: object) -> object:
    try:
        return value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    except Exception:  # noqa: BLE001 -- any object of the user's may sit in a module, and it may answer as it likes
        return None
