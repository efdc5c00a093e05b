"""What ``from pyspark.sql.functions import *`` gives on Databricks, and not with open Spark from 4.0 on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.after_import import AfterImport

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_FUNCTIONS = "pyspark.sql.functions"
# In databricks-connect 17.3 a comment in `__all__` sets them apart: Spark's own list leaves out what was to be had before there
# was one. Functions that only Databricks has are not among these.
_NAMES = (
    "ArrayType",
    "Column",
    "DataFrame",
    "DataType",
    "StringType",
    "StructType",
    "approxCountDistinct",
    "bitwiseNOT",
    "countDistinct",
    "shiftLeft",
    "shiftRight",
    "shiftRightUnsigned",
    "sumDistinct",
    "toDegrees",
    "toRadians",
)


def complete(functions: ModuleType) -> Callable[[], None]:
    """Add them to the module's ``__all__``, those that are lacking. Gives the undoing."""
    from pyspark.sql.dataframe import DataFrame

    vars(functions).setdefault("DataFrame", DataFrame)
    listed: list[str] = getattr(functions, "__all__", [])
    added = [name for name in _NAMES if name not in listed and hasattr(functions, name)]
    listed += added

    def undo() -> None:
        for name in added:
            listed.remove(name)

    return undo


class StarImport:
    """Completes the module when it is imported, or at once where it is already."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._finder = AfterImport(_FUNCTIONS, self._complete)

    def install(self) -> None:
        """Begin."""
        sys.meta_path.insert(0, self._finder)
        if _FUNCTIONS in sys.modules:
            self._complete(sys.modules[_FUNCTIONS])

    def uninstall(self) -> None:
        """Leave the module as it was."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        while self._undo:
            self._undo.pop()()

    def _complete(self, functions: ModuleType) -> None:
        self._undo.append(complete(functions))
