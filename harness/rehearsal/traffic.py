"""What was called how often, and how often it may be: the limits of a workspace's API, where a test wants them kept."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, route
from harness.rehearsal.clusters import clusters_of

if TYPE_CHECKING:
    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

_HELD = "limits"


@dataclass(slots=True)
class Limit:
    """So many calls a second of paths that fit a pattern, on the workspace's clock; a second's worth may come at once."""

    path: str
    per_s: float
    left: float = 0.0
    at: float = 0.0

    def take(self, now: float) -> float:
        """Take one call; gives 0, or after how many seconds the next may come."""
        self.left = min(max(1.0, self.per_s), self.left + (now - self.at) * self.per_s)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.per_s


class Limits:
    """The limits that are kept; none, until a test asks for some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.kept: list[Limit] = []

    def check(self, path: str, now: float) -> None:
        """Count a call against its limit.

        Raises:
            ApiError: It is one too many for now.
        """
        with self._lock:
            waits = [limit.take(now) for limit in self.kept if fnmatchcase(path, limit.path)]
        if any(waits):
            message = "Current request has to be retried later: too many requests. Please wait a bit and try again."
            after = {"Retry-After": str(max(1, round(max(waits))))}
            raise ApiError(429, "REQUEST_LIMIT_EXCEEDED", message, headers=after)


def limits_of(workspace: Workspace) -> Limits:
    """The limits of a workspace."""
    found: Limits = workspace.shared.setdefault(_HELD, Limits())
    return found


def routes(workspace: Workspace) -> list[Route]:
    """The calls that tell of calls, and that set limits."""
    calls, limits = workspace.faults.calls, limits_of(workspace)

    def told(_call: Call) -> dict[str, Any]:
        starts = sum(cluster.starts for cluster in clusters_of(workspace).all())
        return {"calls": dict(sorted(calls.items())), "total": calls.total(), "cluster_starts": starts}

    def forget(_call: Call) -> dict[str, Any]:
        calls.clear()
        return {}

    def limit(call: Call) -> dict[str, Any]:
        per_s = call.json().get("per_s")
        if isinstance(per_s, bool) or not isinstance(per_s, (int, float)) or per_s <= 0:
            raise invalid("per_s is how many calls a second may come, above 0")
        limits.kept.append(Limit(call.text("path"), float(per_s), left=max(1.0, per_s), at=workspace.clock.now()))
        return kept(call)

    def kept(_call: Call) -> dict[str, Any]:
        return {"limits": [asdict(one) for one in limits.kept]}

    def lift(_call: Call) -> dict[str, Any]:
        limits.kept.clear()
        return {}

    return [
        route("GET", "/rehearsal/calls", told),
        route("DELETE", "/rehearsal/calls", forget),
        route("GET", "/rehearsal/limits", kept),
        route("POST", "/rehearsal/limits", limit),
        route("DELETE", "/rehearsal/limits", lift),
    ]
