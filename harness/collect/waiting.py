"""While tests wait for a workspace: what goes on there, on a terminal in a line that is written over, else now and then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from harness.collect.remote import environment_here
from harness.collect.watching import RunLine, tell

if TYPE_CHECKING:
    from typing import Self

    import pytest

    from harness.remote.outcome import RemoteRun
    from harness.remote.runs import Handle
    from harness.remote.session import Remote

AGAIN_S = 60.0
"""After so long a log is told again that something is waited for."""
_LOOK_S = 0.5


class Waiting:
    """Shows what is waited for, while somebody looks now and then; as a context it is gone at the end."""

    def __init__(self, config: pytest.Config, name: str) -> None:
        self._config, self._name, self._where = config, name, environment_here(config).name
        self._line = RunLine(config, name)
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.clear()

    def show(self, life: str) -> None:
        """Say what it is doing."""
        now = time.monotonic()
        text = f"{life} on {self._where}"
        if self._line.is_on:
            self._line.write(text, now - self._begun)
        elif now - self._told >= AGAIN_S:
            self._told = now
            tell(self._config, f"{self._name}: {text}, {now - self._begun:.0f} s")


def result_of(config: pytest.Config, name: str, handle: Handle) -> RemoteRun:
    """Wait for the end of a run, and show meanwhile how far it is.

    Raises:
        RemoteError: It couldn't be submitted.
    """
    with Waiting(config, name) as waiting:
        return handle.result(lambda: waiting.show(handle.life))


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
