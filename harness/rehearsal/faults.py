"""Faults on request: what a workspace, or the network before it, does to calls on a bad day."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import invalid, route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

OF_CALLS = {
    "too_many_requests": "429 with Retry-After",
    "unavailable": "503",
    "internal_error": "500",
    "reset": "the connection is reset, nothing was done",
    "lost_answer": "all was done, and the connection is reset before the answer",
    "slow": "the answer comes `seconds` later",
    "token_expired": "all tokens end: those of sign-ins, and the user's own until the faults are taken back",
}
"""Faults that any call may meet; `path` is a pattern of its address."""

OF_SUBJECTS = {
    "half_written": "half of an upload is kept, and the connection is reset; `path` is that of the file in the workspace",
    "cluster_refused": "a cluster doesn't start; `path` is its id, or a job cluster's task",
    "cluster_lost": "the cluster goes while a task runs on it; `path` is the notebook's",
    "preempted": "the cloud takes the machine of a task that runs; `path` is the notebook's",
}
"""Faults that come from within; `path` is a pattern of what they are about."""


class DroppedError(Exception):
    """The connection is to be reset now."""


@dataclass(slots=True)
class Fault:
    """One fault: the calls it meets, by ``path`` and ``method``; it lets ``after`` of them pass and meets ``times`` of them.

    ``seconds`` is how long a slow answer waits, what ``Retry-After`` says, or how long a task has run when it is lost.
    """

    kind: str
    path: str = "*"
    method: str = "*"
    after: int = 0
    times: int = 1
    seconds: float = 0.0
    met: int = 0


@dataclass(slots=True)
class Faults:
    """The faults that were asked for, and the count of all calls."""

    wanted: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        """Note one call of a route."""
        with self._lock:
            self.calls[name] += 1

    def take(self, kinds: Mapping[str, str] | str, path: str, *, method: str = "*") -> Fault | None:
        """The fault that this call (or this thing) meets now, if any."""
        wanted = {kinds} if isinstance(kinds, str) else set(kinds)
        with self._lock:
            for fault in self.wanted:
                if fault.kind not in wanted or not fnmatchcase(path, fault.path) or fault.method not in {"*", method}:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.met < fault.times:
                    fault.met += 1
                    return fault
        return None


def cut(workspace: Workspace, path: str, content: bytes) -> tuple[bytes, bool]:
    """What is kept of an upload, and whether that is half of it: then the call is to end by a `DroppedError`."""
    if workspace.faults.take("half_written", path) is None:
        return content, False
    return content[: len(content) // 2], True


def _fault(given: Mapping[str, Any]) -> Fault:
    known = {one.name: one for one in fields(Fault) if one.name != "met"}
    for name in given:
        if name not in known:
            raise invalid(f"a fault has no {name!r}; it has {', '.join(known)}")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in {**OF_CALLS, **OF_SUBJECTS}:
        raise invalid(f"there is no fault {kind!r}; there are {', '.join([*OF_CALLS, *OF_SUBJECTS])}")
    for name, (fits, what) in _VALUES.items():
        if name in given and not fits(given[name]):
            raise invalid(f"{name} of a fault is {what}, and {given[name]!r} was given")
    return Fault(**given)


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _is_wait(value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value <= _LONGEST_S


_METHODS = ("*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_LONGEST_S = 7 * 24 * 3600.0
_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (lambda value: isinstance(value, str) and value != "", "a pattern, as */runs/submit"),
    "method": (lambda value: value in _METHODS, f"one of {', '.join(_METHODS)}"),
    "after": (lambda value: _is_count(value, 0), "a whole number from 0 on"),
    "times": (lambda value: _is_count(value, 1), "a whole number from 1 on"),
    "seconds": (_is_wait, f"a number from 0 to {_LONGEST_S:.0f}"),
}
"""What each value has to be; one that isn't would fail at the calls that it is for, each of them."""


def routes(workspace: Workspace) -> list[Route]:
    """The calls that ask for faults."""
    faults = workspace.faults

    def ask(call: Call) -> dict[str, Any]:
        faults.wanted.append(_fault(call.json()))
        return told(call)

    def told(_call: Call) -> dict[str, Any]:
        return {"faults": [asdict(fault) for fault in faults.wanted]}

    def clear(_call: Call) -> dict[str, Any]:
        faults.wanted.clear()
        workspace.tokens.renew()
        return {}

    return [
        route("POST", "/rehearsal/faults", ask),
        route("GET", "/rehearsal/faults", told),
        route("DELETE", "/rehearsal/faults", clear),
    ]
