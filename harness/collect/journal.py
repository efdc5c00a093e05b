"""What a job that runs tests writes down as it goes on, beside its notebook on the workspace; see `harness.remote.pieces`."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from harness.remote.pieces import name_of, piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_S = 0.25
_SHARE = 0.05
"""So much of the time may go into writing; a file of a workspace takes a tenth of a second."""


class Journal:
    """Writes reports into a folder, as often as costs little. Where it can't it stops: the results go back all the same."""

    def __init__(self, folder: str, token: str, root: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self.failed = ""
        self._folder = folder
        self._facts = {"token": token, "attempt": secrets.token_hex(4), "begun": time.time(), "root": root}
        self._now = now
        self._due = float("-inf")
        self._running = ""
        self._waiting: list[Any] = []
        self._has_news = False
        self._lock = threading.RLock()
        self._closed = threading.Event()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Meanwhile write what is new also while a test is on, and at the end all of it."""
        thread = threading.Thread(target=self._keep, name="nbh-journal", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()
            self._running = ""
            self.write()

    def _keep(self) -> None:
        while not self._closed.wait(_LOOK_S):
            self.write_if_due()

    def add(self, report: Any) -> None:
        """Take a report."""
        with self._lock:
            self._waiting.append(report)
            self._has_news = True

    def begins(self, test: str) -> None:
        """A test begins: what is known so far is written before it, for it may take the process with it."""
        with self._lock:
            self._running, self._has_news = test, True
        self.write_if_due()

    def write_if_due(self) -> None:
        """Write what is new, unless that was done just now."""
        with self._lock:
            if self._has_news and self._now() >= self._due:
                self.write()

    def write(self) -> None:
        """Write what is waiting."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if self.failed:
            return
        started = self._now()
        facts = {**self._facts, "number": self.count, "running": self._running, "reports": self._waiting}
        path = os.path.join(self._folder, name_of(str(facts["token"]), str(facts["attempt"]), self.count))
        try:
            with open(path, "wb") as file:
                file.write(piece(facts))
        except OSError as exc:
            self.failed = str(exc)
            return
        self.count += 1
        self._waiting, self._has_news = [], False
        ended = self._now()
        self._due = ended + (ended - started) / _SHARE
