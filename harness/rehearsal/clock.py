"""The workspace's clock: the real time, until a test drives it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from harness.rehearsal.answers import invalid, route

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

_LOOK_S = 0.05


class Clock:
    """Seconds since 1970, as this workspace sees them. It can be put forward, stopped and made to run faster.

    ``real`` is the time that it goes by; a test of the clock gives its own.
    """

    def __init__(self, real: Callable[[], float] = time.monotonic, *, begin: float | None = None) -> None:
        self._real = real
        self._moved = threading.Condition()
        self._at_real = real()
        self._at = time.time() if begin is None else begin
        self._speed = 1.0

    def now(self) -> float:
        """The time now, in seconds."""
        with self._moved:
            return self._at + (self._real() - self._at_real) * self._speed

    def now_ms(self) -> int:
        """The time now as Databricks tells it, in milliseconds."""
        return round(self.now() * 1000)

    def advance(self, by_s: float) -> None:
        """Put it forward."""
        with self._moved:
            self._settle()
            self._at += by_s
            self._moved.notify_all()

    def set_speed(self, speed: float) -> None:
        """Let it run so many times as fast as the real one; 0 stops it."""
        with self._moved:
            self._settle()
            self._speed = speed
            self._moved.notify_all()

    def wait(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait on this clock, or until something holds; gives whether it does."""
        end = self.now() + seconds
        while not until():
            left = end - self.now()
            if left <= 0:
                return False
            with self._moved:
                real = left / self._speed if self._speed else _LOOK_S
                # What is waited for may come true without the clock being moved.
                self._moved.wait(min(real, _LOOK_S))
        return True

    def facts(self) -> dict[str, float]:
        """Where it stands."""
        return {"now": self.now(), "speed": self._speed}

    def _settle(self) -> None:
        real = self._real()
        self._at += (real - self._at_real) * self._speed
        self._at_real = real


def routes(workspace: Workspace) -> list[Route]:
    """The calls that read and drive the clock."""
    clock = workspace.clock

    def read(_call: Call) -> dict[str, Any]:
        return clock.facts()

    def drive(call: Call) -> dict[str, Any]:
        given = call.json()
        for name, value in given.items():
            if (
                name not in {"advance_s", "speed"}
                or isinstance(value, bool)
                or not isinstance(value, (int, float))
                or value < 0
            ):
                raise invalid(f"the clock takes advance_s and speed, numbers from 0 on; not {name}={value!r}")
        if "speed" in given:
            clock.set_speed(given["speed"])
        clock.advance(given.get("advance_s", 0))
        return clock.facts()

    return [route("GET", "/rehearsal/clock", read), route("POST", "/rehearsal/clock", drive)]
