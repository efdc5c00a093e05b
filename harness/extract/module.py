"""A notebook as a Python module: an ordinary module to look at, whose missing names are asked of the notebook's units."""

from __future__ import annotations

import builtins
import sys
import types
from typing import TYPE_CHECKING, Any

from harness.extract.kinds import INJECTED
from harness.extract.placeholder import Placeholder

if TYPE_CHECKING:
    from harness.extract.cells import CellUnit
    from harness.extract.units import Units

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NOTHING = object()
_OPEN = object()  # what a patch is told to put back: that the name is to be worked out again
_PATCHERS = {"unittest.mock", "_pytest.monkeypatch", "mock"}


class Namespace(dict[str, Any]):
    """A notebook module's globals: a name that isn't there is asked of the notebook's units, then of builtins.

    Python looks up the globals of a function whose globals are no plain dict through ``__missing__`` (CPython,
    ``LOAD_GLOBAL``), so values are real objects, computed when first used.
    """

    __slots__ = ("units",)

    def __init__(self, units: Units) -> None:
        self.units = units

    def __missing__(self, name: str) -> Any:
        units = self.units
        if name not in units.lazy and name not in INJECTED:
            try:
                return builtins.__dict__[name]
            except KeyError:
                pass
        if _is_patching(1):
            raise KeyError(name)  # unittest.mock looks here for the value to put back: none is worked out for that
        return units.values.look_up(name)

    def __contains__(self, name: object) -> bool:
        # Pickling a function by value asks this way which of its names to take along.
        return dict.__contains__(self, name) or name in self.units.lazy


class NotebookModule(types.ModuleType):
    """A module whose contents are a notebook's units; ``cell`` gives its cells."""

    def __init__(self, name: str, units: Units) -> None:
        super().__init__(name)
        super().__setattr__("__units__", units)
        self.__file__ = units.path
        units.namespace["__name__"] = name
        units.namespace["__doc__"] = None
        units.namespace["__builtins__"] = builtins
        units.namespace["__annotations__"] = {}  # Python puts it there for `x: int = 1`, and asks for it first

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # the module's own dict can't have a __missing__
        return _units(self).namespace

    def __getattr__(self, name: str) -> Any:
        units = _units(self)
        found = dict.get(units.namespace, name, _NOTHING)
        if found is _NOTHING and _is_patching(1) and (name in units.lazy or name in INJECTED):
            return _OPEN
        return units.values.attribute(name) if found is _NOTHING and not name.startswith("__") else _found(found, name)

    def __setattr__(self, name: str, value: object) -> None:
        units = _units(self)
        if name.startswith("__") and name.endswith("__"):
            super().__setattr__(name, value)
        elif value is _OPEN or type(value) is Placeholder:
            self._give_back(name)  # a patch puts back what stood there: nothing
            return
        elif units.loader.scope is not None:
            units.loader.given.append((units.path, name))
        else:
            units.given = {**units.given, name: value}
        units.namespace[name] = value

    def _give_back(self, name: str) -> None:
        """Let a name be worked out again, as if it had never been given."""
        units = _units(self)
        units.namespace.pop(name, None)
        units.given = {key: value for key, value in units.given.items() if key != name}

    def __delattr__(self, name: str) -> None:
        units = _units(self)
        units.given = {key: value for key, value in units.given.items() if key != name}
        if units.namespace.pop(name, _NOTHING) is _NOTHING:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def cell(self, key: str | int) -> CellUnit:
        """Find a cell by its title or number; ``.execute(raw=df)`` runs it on the names given.

        Raises:
            CellNotFoundError: None fits, or more than one has the title.
        """
        from harness.extract.cells import find_cell

        return find_cell(_units(self), key)

    def __dir__(self) -> list[str]:
        return sorted(_units(self).namespace)


def _is_patching(depth: int) -> bool:
    """Say whether the caller's caller is a tool that replaces values and asks for one only to put it back."""
    return sys._getframe(depth + 1).f_globals.get("__name__") in _PATCHERS  # noqa: SLF001 - the documented way to a caller's frame


def _units(module: NotebookModule) -> Units:
    units: Units = types.ModuleType.__getattribute__(module, "__units__")
    return units


def _found(value: object, name: str) -> Any:
    if value is _NOTHING:
        raise AttributeError(name)  # Python's own protocols ask every module for such names
    return value
