"""Names in a Nutter fixture: what looks like the name of a role, and whether a method that does so is a helper after all."""

from __future__ import annotations

import inspect
import re
from difflib import get_close_matches
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = ("before", "run", "assertion", "after")
"""In the order in which a case's methods run; ``assertion`` alone must be there."""

_BASES = {("harness.runtime.nutter", "NutterFixture"), ("runtime.nutterfixture", "NutterFixture")}
_AROUND = [f"{when}all" for when in ("before", "after")]
_CAMEL = re.compile(rf"({'|'.join(ROLES)})([A-Z0-9].*)")
# What unittest and pytest call by itself and Nutter doesn't.
_OTHERS_SETUP = {
    **dict.fromkeys(("setup", "setupclass", "setupmethod", "setupall"), "before_all"),
    **dict.fromkeys(("teardown", "teardownclass", "teardownmethod", "teardownall"), "after_all"),
}


def is_base(kind: type) -> bool:
    """Say whether it is Nutter's base class itself."""
    return (kind.__module__, kind.__qualname__) in _BASES


def method_of(kind: type, name: str) -> Any:
    """Give what the class has under the name, a static or class method as the function that it is made of."""
    value = inspect.getattr_static(kind, name, None)
    return value.__func__ if isinstance(value, staticmethod | classmethod) else value


def meant_by(name: str) -> str:
    """The name with a role that a method's name looks like; "" where it looks like none."""
    plain = name.replace("_", "").lower()
    word, _, rest = name.partition("_")
    if plain in _OTHERS_SETUP:
        return _OTHERS_SETUP[plain]
    if around := get_close_matches(plain, _AROUND, n=1, cutoff=0.8):
        return around[0].replace("all", "_all")
    if camel := _CAMEL.fullmatch(name):
        return f"{camel[1]}_{camel[2][0].lower()}{camel[2][1:]}"
    if near := get_close_matches(word.lower(), ROLES, n=1, cutoff=0.76):
        return f"{near[0]}_{rest or '…'}"
    return f"assertion_{rest or '…'}" if word.lower().startswith("test") else ""


def is_used(kind: type, name: str) -> bool:
    """Whether a function of the fixture, or beside it, mentions the name: then it is a helper."""
    own: FunctionType = inspect.unwrap(method_of(kind, name))
    classes = [one for one in kind.__mro__ if not is_base(one) and one is not object]
    beside = list(dict.values(own.__globals__))  # past a notebook's own way to give values
    classes += [value for value in beside if isinstance(value, type) and value.__module__ == kind.__module__]
    functions = [value for value in beside if isinstance(value, FunctionType) and value.__globals__ is own.__globals__]
    functions += [method_of(one, part) for one in classes for part in list(vars(one))]
    codes = {code_of(one) for one in functions} - {own.__code__}
    return any(name in _names(code) for code in codes if code is not None)


def code_of(value: Any) -> CodeType | None:
    """Give a function's code, that of the innermost one where it is decorated; None for all else."""
    code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    return code if isinstance(code, CodeType) else None


def _names(code: CodeType) -> Iterator[str]:
    """The names and attributes that a function's code mentions, also in the functions inside it, and texts given to getattr."""
    if code.co_flags & inspect.CO_OPTIMIZED:  # the body of a class, which isn't, names what it defines
        yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)
        elif isinstance(part, str) and "getattr" in code.co_names:
            yield part
