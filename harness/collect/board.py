"""How far the runs of xdist's workers are: each writes it to a file, and the controller, which has the terminal, shows them."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.watching import AFTER_S, RunLine, words

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from harness.execute.progress import Progress

_BOARD = pytest.StashKey["Board"]()
_KEY = "nbh_board"
_LOOK_S = 0.5


def line_of(config: pytest.Config, name: str) -> RunLine | Note:
    """The line of a notebook's run, as this process can show it."""
    folder = getattr(config, "workerinput", {}).get(_KEY)
    return Note(os.path.join(folder, config.workerinput["workerid"]), name) if folder else RunLine(config, name)  # type: ignore[attr-defined]


class Note:
    """A worker's line: one file, which is gone at the run's end."""

    def __init__(self, path: str, name: str) -> None:
        self._path, self._name = path, name
        self._written = ""

    def show(self, progress: Progress) -> None:
        """Write how far it is."""
        text = f"{self._name}: {words(progress)}"
        if progress.elapsed_s < AFTER_S or text == self._written:
            return
        self._written = text
        with suppress(OSError):  # nobody's test fails for want of it
            with open(f"{self._path}.new", "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(f"{self._path}.new", self._path)

    def clear(self) -> None:
        """Take it away."""
        if self._written:
            with suppress(OSError):
                os.unlink(self._path)


def offer(node: Any) -> None:
    """In xdist's controller: let a worker tell how far its runs are, where there is a terminal to show it on."""
    config = node.config
    if _BOARD not in config.stash:
        line, factory = RunLine(config, ""), getattr(config, "_tmp_path_factory", None)
        if not line.is_on or factory is None:
            return
        # Pytest's own folder for this run, below which workers have theirs: it goes as those go.
        folder = factory.getbasetemp() / "nbh-board"
        folder.mkdir(exist_ok=True)
        config.stash[_BOARD] = board = Board(line, folder)
        config.pluginmanager.register(board)
        config.add_cleanup(board.stop)
    node.workerinput[_KEY] = str(config.stash[_BOARD].folder)


class Board:
    """Shows the workers' lines in one, as long as no test has ended for a moment: else it would stand between the dots."""

    def __init__(self, line: RunLine, folder: Path) -> None:
        self.folder = folder
        self._line = line
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._go, name="nbh-board", daemon=True)
        self._thread.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, None, None]:
        """Leave the terminal to pytest for what it writes of a test."""
        with self._writing:
            self._line.clear()
            self._last = time.monotonic()
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Forget what a worker wrote that may have died with it, before xdist says so."""
        with self._writing, suppress(OSError):
            self._line.clear()
            os.unlink(self.folder / node.gateway.id)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave it for good."""
        self.stop()

    def stop(self) -> None:
        """Take the line away, and show no more."""
        self._over.set()
        self._thread.join()
        self._line.clear()

    def _go(self) -> None:
        while not self._over.wait(_LOOK_S):
            with self._writing:
                texts = self._texts()
                if not texts:
                    self._line.clear()
                elif time.monotonic() - self._last >= AFTER_S:
                    self._line.put(", ".join(texts))

    def _texts(self) -> list[str]:
        texts = []
        for path in sorted(self.folder.iterdir()):
            if not path.suffix:
                with suppress(OSError):
                    texts.append(path.read_text("utf-8"))
        return texts
