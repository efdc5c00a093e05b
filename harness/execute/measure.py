"""Coverage of whole runs: measured in the kernel, which is killed at any moment, and told to the process that reports."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "coverage"

WARM = ("coverage", "sqlite3")
"""What the warm parent imports beside the usual where coverage is on."""

_PERIOD_S = 1.0


class Measure(Protocol):
    """The coverage that the tests are measured with."""

    def wanted(self) -> dict[str, Any] | None:
        """What a kernel that starts now is to measure, for its `Recorder`; None if nothing is measured."""

    def add(self, data: bytes) -> None:
        """Take what a kernel measured."""


_NO_WARNINGS = ("no-data-collected", "module-not-imported", "module-not-measured", "trace-changed")
"""What coverage.py warns of where it finds little yet: the run that measures tells what comes of it in the end."""


class Recorder:
    """Measures what a kernel runs, and writes what it saw to the run's folder.

    It does so at each cell's end (`save`), once a second for a cell that is killed, and where the notebook ends its process.
    """

    def __init__(self, wanted: Mapping[str, Any], folder: str) -> None:
        import coverage

        self._file = os.path.join(folder, FILE)
        self._lost = (OSError, coverage.CoverageException)
        self._pid, self._lock = os.getpid(), threading.Lock()
        here = os.getcwd()
        os.chdir(wanted["folder"])  # relative names count from there, and coverage.py notes it when it starts
        self._coverage = coverage.Coverage(
            data_file=None,  # a file of its own would be torn where the kernel is killed while it writes
            config_file=False,
            branch=wanted["branch"],
            include=wanted["include"] or None,
            omit=[*wanted["omit"], os.path.join(folder, "*")],
            context=wanted["context"] or None,
        )
        for option, value in wanted["options"].items():
            self._coverage.set_option(option, value)
        # It would warn in the midst of the notebook's own code, which may have made errors of warnings: as pytest does there.
        self._coverage.set_option("run:disable_warnings", list(_NO_WARNINGS))
        os.environ.update(wanted["environment"])
        # Its first start looks at the whole stack, which isn't deep yet.
        self._coverage.start()
        self._coverage.stop()
        os.chdir(here)

    def start(self) -> None:
        """Measure from now on."""
        threading.Thread(target=self._save_often, name="nbh-coverage", daemon=True).start()
        end = os._exit

        def save_and_end(status: int) -> None:
            self.save()
            end(status)

        os._exit = save_and_end  # type: ignore[assignment]
        self._coverage.start()

    def save(self) -> None:
        """Write what was seen so far; what can't be written is shown as missed."""
        if os.getpid() == self._pid:
            with self._lock, contextlib.suppress(*self._lost):
                data = self._coverage.get_data().dumps()
                with open(f"{self._file}.new", "wb") as file:
                    file.write(data)
                os.replace(f"{self._file}.new", self._file)

    def _save_often(self) -> None:
        while True:
            time.sleep(_PERIOD_S)
            self.save()


def saved(folder: str) -> bytes | None:
    """What a kernel has written there."""
    try:
        with open(os.path.join(folder, FILE), "rb") as file:
            return file.read()
    except OSError:
        return None
