"""``dbutils`` as one notebook sees it: its own widget values first, then the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_widgets(dbutils: Any, values: Mapping[str, str]) -> Any:
    """Lay widget values (from ``%run … $name=value`` or ``widgets=``) over a ``dbutils``.

    A value that is itself ``$name`` is the caller's widget of that name, as in ``$reset=$reset``.
    """
    return _Over(dbutils, values)


class _Over:
    def __init__(self, below: Any, values: Mapping[str, str]) -> None:
        self._below = below
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name == "widgets":
            return _Widgets(self._below.widgets, self._values)
        return getattr(self._below, name)


class _Widgets:
    def __init__(self, below: Any, values: dict[str, str]) -> None:
        self._below = below
        self._values = values

    def get(self, name: str) -> str:
        value = self._values.get(name)
        if value is None:
            return str(self._below.get(name))
        return str(self._below.get(value[1:])) if value.startswith("$") else value

    def getArgument(self, name: str, *default: str) -> str:  # noqa: N802 - Databricks' own name
        return self.get(name) if name in self._values else str(self._below.getArgument(name, *default))

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' own name
        return {**self._below.getAll(), **{name: self.get(name) for name in self._values}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)
