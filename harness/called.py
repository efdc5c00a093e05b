"""Calls with arguments that a function doesn't take: it says which it takes, by the names that were probably meant."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")

AS_WIDGETS = dict.fromkeys(("parameters", "params", "base_parameters", "notebook_params", "arguments", "args"), "widgets")
"""What jobs and ``dbutils.notebook.run`` call the values of a notebook's widgets."""

_NONE: Mapping[str, str] = {}


def plainly(name: str, *, meant: Mapping[str, str] = _NONE) -> Callable[[Callable[_Given, _Made]], Callable[_Given, _Made]]:
    """Have a function refuse arguments in words that help: Python's own only count. ``meant`` has others' names for ours."""

    def decorate(function: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Made:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as exc:
                raise TypeError(_said(name, signature, len(args), kwargs, meant) or f"{name}: {exc}") from None
            return function(*args, **kwargs)

        return call

    return decorate


def unexpected(name: str, word: str, known: Collection[str], *, meant: Mapping[str, str] = _NONE) -> str:
    """What to say of an argument that a function doesn't know."""
    near = [meant[word]] if word in meant else get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}=?" if near else f"it takes {_list(known)}"
    return f"{name} got an unexpected argument {word!r}; {hint}"


def _said(name: str, signature: inspect.Signature, count: int, words: Collection[str], meant: Mapping[str, str]) -> str:
    takes = [one for one in signature.parameters.values() if one.name != "self"]
    free = [one.name for one in takes if one.kind is one.POSITIONAL_OR_KEYWORD]
    named = [one.name for one in takes if one.kind is one.KEYWORD_ONLY]
    if not any(one.kind is one.VAR_KEYWORD for one in takes):
        for word in words:
            if word not in (*free, *named):
                return unexpected(name, word, [*free, *named], meant=meant)
    count -= "self" in signature.parameters
    if count > len(free):
        first = f"takes {', '.join(free)} without a name, and all else by name" if free else "takes arguments by name alone"
        return f"{name} {first}{': ' if named else ''}{_list(named)}"
    return ""


def _list(names: Collection[str]) -> str:
    return ", ".join(f"{one}=" for one in names)
