"""Whose turn it is to ask a workspace about runs: the processes of a pytest run take turns, and share what they see."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.remote.protocol import Facts
    from harness.remote.state import SharedRun

_TURNS, _PAGE = "turns", "page"
_PAUSE = 0.05
"""A part of a tick: so much later comes each process that had its turn after another one, so that none has to wait for long."""
_GONE_AFTER = 60.0
"""After so many ticks a process that hasn't asked for a turn has nothing to look for any more, or is gone."""


class Turns:
    """The turns of one process; one comes each ``tick_s`` seconds.

    ``now`` is a clock that is the same in all processes, and ``me`` the process's name among them.
    """

    def __init__(self, shared: SharedRun, tick_s: float, *, now: Callable[[], float], me: str = "") -> None:
        from filelock import FileLock

        self.active = 0
        """How many runs all processes look for, as known at the last `take`."""
        self._shared = shared
        self._lock = FileLock(shared.folder / f"{_TURNS}.lock", thread_local=False)
        self._tick, self._now = tick_s, now
        self._me = me or str(os.getpid())
        self._seen = 0

    def take(self, lives: Mapping[str, int]) -> float:
        """Take the turn, if it is this process's: gives 0.0, or how many seconds to wait before it asks again.

        ``lives`` says how many runs it looks for, by what they are doing.
        """
        with self._lock:
            now = self._now()
            told = self._shared.told(_TURNS)
            of = {name: one for name, one in told.get("of", {}).items() if now - one["at"] < _GONE_AFTER * self._tick}
            mine = of.setdefault(self._me, {"had": 0.0})
            mine |= {"at": now, "lives": dict(lives)}
            self.active = sum(sum(one["lives"].values()) for one in of.values())
            before = sum(one["had"] < mine["had"] for one in of.values())
            due = float(told.get("next", now))
            wait: float = max(0.0, due + before * _PAUSE * self._tick - now)
            if not wait:
                mine["had"], due = now, now + self._tick
            self._shared.tell(_TURNS, {"next": due, "of": of})
        return wait

    def rest(self) -> None:
        """Say that this process looks for no run any more."""
        with self._lock:
            told = self._shared.told(_TURNS)
            if self._me in told.get("of", {}):
                told["of"][self._me]["lives"] = {}
                self._shared.tell(_TURNS, told)

    def share(self, page: Sequence[Facts]) -> None:
        """Let the others see a page of runs."""
        with self._lock:
            self._seen = int(self._shared.told(_PAGE).get("number", 0)) + 1
            self._shared.tell(_PAGE, {"number": self._seen, "runs": list(page)})

    def shared(self) -> list[Facts]:
        """The page that another process has seen last, once; empty if there is no new one."""
        told = self._shared.told(_PAGE)
        if not told or told["number"] == self._seen:
            return []
        self._seen = int(told["number"])
        return list(told["runs"])


def standing(shared: SharedRun, where: str) -> str:
    """How many runs of all processes are on, and what they are doing, in words; empty if there are none."""
    lives: Counter[str] = Counter()
    for one in shared.told(_TURNS).get("of", {}).values():
        lives.update(one["lives"])
    count = lives.total()
    doing = ", ".join(f"{number} {life}" for life, number in sorted(lives.items()))
    return f"{where}: {count} run{'s are' if count != 1 else ' is'} on ({doing})" if count else ""
