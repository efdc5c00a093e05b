"""Counts a test process's calls on Spark, so that nothing is restored where nothing was asked."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Calls:
    """The number of calls.

    Where a call follows a change of the test process's folder ``before`` is told it, and ``anew`` is called after one of
    ``sys.path``, or of the names of modules that are ``doubtful``.
    """

    def __init__(self, before: Callable[[str], None], anew: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self.folder = ""
        self.path: list[str] = []
        self.doubtful: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self._before, self._anew = before, anew
        self._is_paused = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave our own calls out."""
        was, self._is_paused = self._is_paused, True
        try:
            yield
        finally:
            self._is_paused = was

    def note(self) -> None:
        """A call is about to be made: relative paths in it are this process's own, as is what Python workers import for it."""
        if self._is_paused:
            return
        self.count += 1
        folder = current_folder()
        if folder and folder != self.folder:
            self.folder = folder
            with self.paused():
                self._before(folder)
        if sys.path != self.path or self.doubtful != self._told:
            self.path, self._told = [*sys.path], self.doubtful
            with self.paused():
                self._anew()


def current_folder() -> str:
    """This process's folder; empty where it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 -- asked before each call; a Path costs ten times as much
    except OSError:
        return ""
