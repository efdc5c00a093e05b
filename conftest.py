"""What all tests of this repository share; the harness itself comes in as an installed plugin."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ("pytester",)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name at a run's end what it left out for want of something."""
    if config.get_verbosity() < 0 or config.option.collectonly:
        return
    terminalreporter.section("left out for want of something")
    for line in runpy.run_path(str(Path(__file__).parent / "scripts" / "left_out.py"))["left_out"]():
        terminalreporter.line(line)
