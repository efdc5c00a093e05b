"""A line on the terminal that tells how far a notebook's run is, where there is one and the run takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from harness.execute.progress import Progress

AFTER_S = 2.0
"""From when on it is shown: for most runs it would only flicker."""


_shown: set[RunLine] = set()
"""Lines that stand on the terminal now: what else is written there has to take them away first."""


class RunLine:
    """One run's line; it is written over as the run goes on, and gone at its end."""

    def __init__(self, config: pytest.Config, name: str) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._name = name
        self._is_shown = False
        self.is_on = (
            self._reporter is not None
            and self._capture is not None
            and not hasattr(config, "workerinput")
            and config.get_verbosity() > -2  # noqa: PLR2004 -- with -q too, for it leaves nothing; -qq asks for silence
            and self._reporter.isatty
        )

    def show(self, progress: Progress) -> None:
        """Write how far it is."""
        self.write(_at(progress), progress.elapsed_s)

    def write(self, text: str, elapsed_s: float) -> None:
        """Write this, and how long it has taken."""
        if elapsed_s >= AFTER_S:
            self.put(f"{self._name}: {text}, {elapsed_s:.0f} s")

    def put(self, text: str) -> None:
        """Write this, as much of it as there is room for: a line that breaks can't be written over."""
        if not self.is_on:
            return
        with self._capture.global_and_fixture_disabled():
            if not self._is_shown:
                self._leave_the_dots()
            self._is_shown = True
            _shown.add(self)
            self._reporter.rewrite(text[: self._reporter._tw.fullwidth - 1], erase=True)  # noqa: SLF001 -- as below

    def _leave_the_dots(self) -> None:
        """Have what stands on the terminal's line stay: pytest's own way sees to that where the line begins with a file."""
        self._reporter.ensure_newline()
        if self._reporter._tw.width_of_current_line:  # noqa: SLF001 -- nothing else tells of it
            self._reporter.line("")

    def clear(self) -> None:
        """Take it away."""
        _shown.discard(self)
        if self._is_shown:
            with self._capture.global_and_fixture_disabled():
                self._reporter.rewrite("", erase=True)
                self._reporter.rewrite("")
                self._is_shown = False


def words(progress: Progress) -> str:
    """Say how far a run is."""
    return f"{_at(progress)}, {progress.elapsed_s:.0f} s"


def _at(progress: Progress) -> str:
    return f"cell {progress.number} of {progress.of}" if progress.number else "starting"


def tell(config: pytest.Config, line: str) -> None:
    """Write a line to the terminal although pytest captures output; xdist's workers have no terminal."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or config.get_verbosity() < 0:
        return
    for shown in list(_shown):
        shown.clear()
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(line)
