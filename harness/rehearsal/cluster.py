"""One cluster: what it was asked to be, and its life on the workspace's clock.

A change of state that takes time is noted with the moment when it is done, and takes place when somebody looks.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.rehearsal.clock import Clock

STOP_S = 0.0
"""How long a cluster takes to end."""

_LEAVING = {"PENDING": "RUNNING", "RESTARTING": "RUNNING", "TERMINATING": "TERMINATED"}


@dataclass(slots=True)
class Cluster:
    """One cluster. ``spec`` is what it was asked to be, ``starts`` how often it was started, ``uses`` who works on it now."""

    id: str
    spec: Mapping[str, Any]
    creator: str
    clock: Clock
    source: str = "API"
    state: str = "TERMINATED"
    starts: int = 0
    uses: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    reason: dict[str, Any] = field(default_factory=dict)
    until: float = 0.0
    used_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    contexts: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def runtime(self) -> str:
        """The Databricks runtime that it has."""
        return str(self.spec["spark_version"])

    def look(self) -> str:
        """The state that it is in by now."""
        with self._lock:
            now = self.clock.now()
            if self.state in _LEAVING and now >= self.until:
                self._become(_LEAVING[self.state], at=self.until)
            minutes = int(self.spec.get("autotermination_minutes") or 0)
            if self.state == "RUNNING" and minutes and not self.uses and now >= self.used_at + minutes * 60:
                at = self.used_at + minutes * 60
                self.end("INACTIVITY", {"inactivity_duration_min": str(minutes)}, at=at)
                self._become("TERMINATED", at=at)
            return self.state

    def _become(self, state: str, *, at: float) -> None:
        self.state = state
        if state == "RUNNING":
            self.contexts += 1
            self.used_at = at
            self._tell("RUNNING", at, {"current_num_workers": self.workers, "target_num_workers": self.workers})
            self._tell("DRIVER_HEALTHY", at, {})
        elif state == "TERMINATED":
            self.ended_at = at

    def _tell(self, kind: str, at: float, details: Mapping[str, Any]) -> None:
        self.events.append({"cluster_id": self.id, "timestamp": round(at * 1000), "type": kind, "details": dict(details)})

    @property
    def workers(self) -> int:
        """How many workers it has; one that scales has the least."""
        return int(self.spec.get("num_workers") or self.spec.get("autoscale", {}).get("min_workers", 0))

    def begin(self, *, takes_s: float, by: str, is_new: bool = False) -> None:
        """Start it; this is what is counted, and what costs."""
        now = self.clock.now()
        self.starts += 1
        self.state, self.until, self.started_at, self.reason = "PENDING", now + takes_s, now, {}
        self._tell("CREATING" if is_new else "STARTING", now, {"user": by})

    def begin_again(self, *, takes_s: float, by: str) -> None:
        """Start it anew while it runs."""
        now = self.clock.now()
        self.starts += 1
        self.state, self.until = "RESTARTING", now + takes_s
        self._tell("RESTARTING", now, {"user": by})

    def end(
        self,
        code: str,
        parameters: Mapping[str, str] | None = None,
        *,
        kind: str = "SUCCESS",
        at: float | None = None,
        takes_s: float = STOP_S,
    ) -> None:
        """Let it end, for a reason that clients can read."""
        now = self.clock.now() if at is None else at
        self.state, self.until = "TERMINATING", now + takes_s
        self.reason = {"code": code, "type": kind, "parameters": dict(parameters or {})}
        self._tell("TERMINATING", now, {"reason": self.reason})

    def expect(self, *states: str) -> None:
        """See that it is in one of these states.

        Raises:
            ApiError: It isn't.
        """
        state = self.look()
        if state not in states:
            message = f"Cluster {self.id} is in unexpected state {state.capitalize()}."
            raise ApiError(400, "INVALID_STATE", message)

    def facts(self) -> dict[str, Any]:
        """All that the API tells of it."""
        state = self.look()
        spec = {
            name: value for name, value in self.spec.items() if name not in {"idempotency_token", "apply_policy_default_values"}
        }
        facts: dict[str, Any] = {
            "cluster_id": self.id,
            "creator_user_name": self.creator,
            "cluster_name": "",
            "spark_context_id": 9000000000000000 + self.contexts,
            "driver_node_type_id": spec.get("node_type_id", ""),
            "autotermination_minutes": 0,
            "num_workers": self.workers,
            "enable_elastic_disk": True,
            "cluster_source": self.source,
            "data_security_mode": "NONE",
            **spec,
            "spec": spec,
            "state": state,
            "state_message": _MESSAGES.get(state, ""),
            "start_time": round(self.started_at * 1000),
            "last_restarted_time": round(self.started_at * 1000),
            "default_tags": {"Vendor": "Databricks", "Creator": self.creator, "ClusterId": self.id},
        }
        if state in {"TERMINATING", "TERMINATED"} and self.reason:
            facts["termination_reason"] = self.reason
            facts["state_message"] = self.told_reason
        if state == "TERMINATED" and self.ended_at:
            facts["terminated_time"] = round(self.ended_at * 1000)
        return facts

    @property
    def told_reason(self) -> str:
        """Why it ended, in words."""
        reason = self.reason or {"code": "USER_REQUEST", "type": "SUCCESS"}
        return f"Cluster '{self.id}' was terminated. Reason: {reason['code']} ({reason['type']})."


_MESSAGES = {"PENDING": "Starting Spark", "RESTARTING": "Restarting Spark"}
