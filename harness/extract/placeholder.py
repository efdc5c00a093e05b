"""What stands where a value isn't: it says on every use which name it is, who computes it, and how to give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.errors import HarnessError


# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class Placeholder:
    """A name without a value. Any use raises ``error``; only ``repr`` and pickling don't."""

    __slots__ = ("__weakref__", "_error")

    def __init__(self, error: HarnessError) -> None:
        object.__setattr__(self, "_error", error)

    def __repr__(self) -> str:
        error: HarnessError = object.__getattribute__(self, "_error")
        return f"<no value: {error.what}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Placeholder, (object.__getattribute__(self, "_error"),)

    def __getattribute__(self, name: str) -> Any:
        # Introspection (pytest's collector, inspect, copy, pickle) asks every object for such names, and uses no value.
        if name in _SILENT:
            return object.__getattribute__(self, name)
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _refuse(self)

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(self)

    def __instancecheck__(self, instance: object) -> bool:
        _refuse(self)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        _refuse(self)


_SILENT = {
    "__class__",
    "__repr__",
    "__reduce__",
    "__reduce_ex__",
    "__doc__",
    "__module__",
    "__dir__",
    "__init__",
    "__new__",
    "__mro_entries__",
}


def _refuse(placeholder: Placeholder, *_args: object, **_kwargs: object) -> NoReturn:
    error: HarnessError = object.__getattribute__(placeholder, "_error")
    raise type(error)(error.what, cause=error.cause, mend=error.mend, location=error.location)


# Every way to use an object, so that none gives a quiet answer (bool() of a plain object is True, == is False).
_USES = """
    call bool len iter next contains getitem setitem delitem eq ne lt le gt ge hash str format int float complex index
    bytes add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod divmod pow rpow and rand or ror xor
    rxor lshift rlshift rshift rrshift matmul rmatmul neg pos abs invert round enter exit await aiter anext delattr
    fspath set_name
""".split()  # noqa: SIM905 - a list this long is read as a text
for _name in _USES:
    setattr(Placeholder, f"__{_name}__", _refuse)
Placeholder.__hash__ = _refuse  # type: ignore[assignment]  # __eq__ above would make it None


def stand_in_function(
    name: str, real: Callable[[], Callable[..., Any]], plain: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Give a function that fetches the real one at each call; ``plain`` (undecorated) lends its signature and docstring."""

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        return real()(*args, **kwargs)

    stand_in.__name__ = stand_in.__qualname__ = name
    if plain is not None:
        import functools

        functools.update_wrapper(stand_in, plain)
    return stand_in


class _StandInType(type):
    """A class that is only defined inside a test: everything asked of it is asked of the real one."""

    _real: Callable[[], type]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._real()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(cls._real(), name)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls._real())

    def __subclasscheck__(cls, subclass: type) -> bool:
        real = subclass._real() if isinstance(subclass, _StandInType) else subclass  # noqa: SLF001 - one of this type
        return issubclass(real, cls._real())


def stand_in_class(name: str, module: str, real: Callable[[], type]) -> type:
    """Give a class that fetches the real one at each use."""
    return _StandInType(name, (), {"_real": staticmethod(real), "__module__": module})


def is_stand_in_class(value: type) -> bool:
    """Say whether a class only stands for one that a test defines."""
    return type(value) is _StandInType
