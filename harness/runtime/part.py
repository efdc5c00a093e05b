"""What the parts of ``dbutils`` have in common: help, and a clear refusal of what one lacks."""

from __future__ import annotations

import inspect
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from harness.errors import DbutilsArgumentError, DbutilsCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class Part:
    """One part of ``dbutils``. ``_refused`` holds Databricks' own names that aren't served here, and why; ``_ours`` ours."""

    _path: ClassVar[str] = "dbutils"
    _ours: ClassVar[frozenset[str]] = frozenset()
    _refused: ClassVar[Mapping[str, str]] = {}
    _mend: ClassVar[str] = ""

    def help(self, name: str = "") -> None:
        """Print what there is, or one call's own text."""
        found = [(known, value) for known, value in self._served() if name in ("", known)]
        if name and not found:
            getattr(self, name)
        lines = [f"{self._path}: {_first_line(type(self))}"]
        lines += [f"  {known}{_arguments(value)}  {_first_line(value)}" for known, value in found]
        if self._refused and not name:
            lines.append(f"  not served here: {', '.join(self._refused)}")
        sys.stdout.write("\n".join(lines) + "\n")

    def _served(self) -> list[tuple[str, Any]]:
        names = [name for name in dir(type(self)) if name[0] != "_" and name not in self._ours]
        return [(name, getattr(self, name)) for name in names if callable(getattr(self, name))]

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or name == "getdoc":
            raise AttributeError(name)  # Python's own protocols ask every object for such names, and IPython's `dbutils.fs?`
        call = f"{self._path}.{name}"
        if name in self._refused:
            raise refusal(call, cause=self._refused[name], mend=self._mend)
        raise unknown(call, known=[*(known for known, _ in self._served()), *self._refused])

    def __repr__(self) -> str:
        return f"<{self._path}>"


def refusal(call: str, *, cause: str, mend: str) -> DbutilsCallError:
    """What to raise for a call that isn't served here."""
    part = ".".join(call.split(".")[:2])
    return DbutilsCallError(
        f"{call} is not served here",
        cause=cause,
        mend=mend
        or f"in a unit test give your own: {part} = … in the test, or a fixture named dbutils;\n"
        "in a whole run leave the cell out: run_notebook(…, skip_cells=[…])",
    )


def unknown(call: str, *, known: Sequence[str]) -> DbutilsCallError:
    """What to raise for a name that Databricks' own doesn't have either, as far as is known."""
    part, _, name = call.rpartition(".")
    near = get_close_matches(name, known, n=1)
    mend = (
        f'did you mean "{near[0]}"?'
        if near
        else "Databricks has none of that name that we know of; if yours has, a unit test can have a fixture dbutils with it"
    )
    return DbutilsCallError(f"{call} is not served here", cause=f"{part} has: {', '.join(sorted(set(known)))}", mend=mend)


def text(value: object, what: str) -> str:
    """Give a text back.

    Raises:
        DbutilsArgumentError: It is none.
    """
    if not isinstance(value, str):
        raise DbutilsArgumentError(
            f"{what} is not a text",
            cause=f"it is of type {type(value).__name__}; Databricks takes texts only",
            mend="give a text",
        )
    return value


def _first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0]


def _arguments(value: Callable[..., Any]) -> str:
    return "(" + ", ".join(str(given.name) for given in inspect.signature(value).parameters.values()) + ")"
