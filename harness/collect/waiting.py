"""While tests wait for a workspace: what goes on there, on a terminal in a line that is written over, else now and then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from harness.collect.remote import environment_here
from harness.collect.watching import RunLine, tell

if TYPE_CHECKING:
    import pytest

    from harness.remote.outcome import RemoteRun
    from harness.remote.runs import Handle
    from harness.remote.session import Remote

AGAIN_S = 60.0
"""After so long a log is told again that something is waited for."""
_LOOK_S = 0.5


def result_of(config: pytest.Config, name: str, handle: Handle) -> RemoteRun:
    """Wait for the end of a run, and show meanwhile how far it is.

    Raises:
        RemoteError: It couldn't be submitted.
    """
    line, where = RunLine(config, name), environment_here(config).name
    begun = told = time.monotonic()

    def look() -> None:
        nonlocal told
        now = time.monotonic()
        text = f"{handle.facts()['life']} on {where}"
        if line.is_on:
            line.write(text, now - begun)
        elif now - told >= AGAIN_S:
            told = now
            tell(config, f"{name}: {text}, {now - begun:.0f} s")

    try:
        return handle.result(look)
    finally:
        line.clear()


class Relay:
    """In xdist's controller: tells what its workers, which have no terminal, say of the workspace; the same line only once."""

    def __init__(self, config: pytest.Config, remote: Remote) -> None:
        self._config, self._remote = config, remote
        self._over = threading.Event()
        self._told: set[str] = set()
        self._read = 0
        self._stood, self._stood_at = "", time.monotonic()
        self._thread = threading.Thread(target=self._go, name="nbh-relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell what there still is, and no more."""
        self._over.set()
        self._thread.join()

    def _go(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._over.wait(_LOOK_S)
            lines, self._read = self._remote.said(self._read)
            for line in lines:
                if line not in self._told:
                    self._told.add(line)
                    tell(self._config, line)
            self._tell_standing()

    def _tell_standing(self) -> None:
        now = time.monotonic()
        if now - self._stood_at < AGAIN_S:
            return
        standing, self._stood_at = self._remote.standing(), now
        if standing and standing != self._stood:
            tell(self._config, standing)
        self._stood = standing
