"""What all tests of this repository share; the harness itself comes in as an installed plugin."""

from __future__ import annotations

import os
import runpy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ("pytester",)


@pytest.fixture(scope="session", autouse=True)
def _one_cache() -> Iterator[None]:
    """Keep the cache where it is: pytester gives each test a home of its own, and an engine would be started in each."""
    if find_spec("platformdirs") is None:
        yield
        return
    from harness.spark import places

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.VARIABLE, str(places.cache(os.environ).folder))
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name at a run's end what it left out for want of something."""
    if config.get_verbosity() < 0 or config.option.collectonly:
        return
    terminalreporter.section("left out for want of something")
    for line in runpy.run_path(str(Path(__file__).parent / "scripts" / "left_out.py"))["left_out"]():
        terminalreporter.line(line)
