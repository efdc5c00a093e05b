"""What a run left on a workspace, asked for only when somebody looks; and what nobody knows, where every look is an error."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar, overload

from harness.remote.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Thing = TypeVar("_Thing")

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class Later(Sequence[_Thing]):
    """Things that are asked for at the first look, once, by whatever thread; until then nothing is known of them.

    A look at what can't be had raises the error that says why, each time: an empty answer would pass for the truth. What is
    pickled is asked for first, for nobody is signed in where it goes.
    """

    def __init__(self, ask: Callable[[], Sequence[_Thing]]) -> None:
        self._ask = ask
        self._held: tuple[_Thing, ...] | None = None
        self._lock = threading.Lock()

    def _found(self) -> tuple[_Thing, ...]:
        with self._lock:
            if self._held is None:
                self._held = tuple(self._ask())
            return self._held

    @overload
    def __getitem__(self, at: int) -> _Thing: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[_Thing, ...]: ...
    def __getitem__(self, at: int | slice) -> _Thing | tuple[_Thing, ...]:
        return self._found()[at]

    def __len__(self) -> int:
        return len(self._found())

    def __iter__(self) -> Iterator[_Thing]:
        return iter(self._found())

    def __eq__(self, other: object) -> bool:
        return tuple(other) == self._found() if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list: what it holds is outputs, which have none

    def __repr__(self) -> str:
        """Without a look: whoever shows a run asks nothing of the workspace."""
        return "<not looked at yet>" if self._held is None else repr(self._held)

    def __reduce__(self) -> tuple[Callable[..., Later[_Thing]], tuple[object]]:
        try:
            return known, (self._found(),)
        except RemoteError as error:
            return unknown, (error,)


def known(things: tuple[_Thing, ...]) -> Later[_Thing]:
    """Give what has been looked at already."""
    later = Later(lambda: things)
    len(later)
    return later


def unknown(error: RemoteError) -> Later[_Thing]:
    """Give what nobody knows: every look raises this error."""
    return Later(partial(_raise, error))


def _raise(error: RemoteError) -> NoReturn:
    raise copy.copy(error)  # a new one each time, for a traceback grows with each raise
