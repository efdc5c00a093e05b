"""Measure commands in CPU seconds, in pairs A B A B, and keep every sample."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 240


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``limit`` is what is asked, in the same unit, and None for a figure to compare with.

    The value is to be no more than the limit, or no less where ``at_least`` is true.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        """Say whether the figure is reached; None where nothing is asked."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def asked(self) -> str:
        """What is asked, as a person would write it; empty where nothing is."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}" if self.limit is not None else ""


def environment() -> dict[str, str]:
    """Give the environment of every measured process: caches are written unless the command itself forbids it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "COVERAGE_PROCESS_START"):
        kept.pop(name, None)
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class BenchmarkError(Exception):
    """A measured command failed: its time would mean nothing."""


def cpu_s(command: Sequence[str], cwd: Path, *, expect: str = "") -> float:
    """Give the user and system CPU seconds of a command and all its children.

    Raises:
        BenchmarkError: It failed, or ``expect`` is not in its output.
    """
    return run(command, cwd, expect=expect)[0]


def run(command: Sequence[str], cwd: Path, *, expect: str = "") -> tuple[float, str]:
    """Give the CPU seconds of a command and all its children, and what it printed.

    Raises:
        BenchmarkError: It failed, or ``expect`` is not in its output.
    """
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or expect not in done.stdout:
        raise BenchmarkError(
            f"{' '.join(command)} in {cwd} exited with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def wall_s(command: Sequence[str], cwd: Path, *, expect: str, env: Mapping[str, str]) -> float:
    """Give the seconds that a command takes; ``env`` is added to the environment of every measured process.

    Raises:
        BenchmarkError: It failed, or ``expect`` is not in its output.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env={**environment(), **env}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    took = time.perf_counter() - started
    if done.returncode or expect not in done.stdout:
        raise BenchmarkError(
            f"{' '.join(command)} in {cwd} exited with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return took


def pytest_command(
    *arguments: str, python: str = sys.executable, write: bool = True, quiet: bool = True, plugin: bool = True
) -> list[str]:
    """Give the command of a pytest run with our plugin alone: what others do at start and end would only blur the figures.

    ``write`` false forbids Python's cache.
    """
    own = ["-p", "harness.plugin"] if plugin else []
    return [
        python,
        *([] if write else ["-B"]),
        "-m",
        "pytest",
        *(["-q"] if quiet else []),
        "-p",
        "no:cacheprovider",
        *own,
        *arguments,
    ]


def in_turns(count: int, **sides: Callable[[], float]) -> dict[str, list[float]]:
    """Measure the sides in turns (A B A B …), so that what else the machine does falls on all of them."""
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(count):
        for name, side in sides.items():
            samples[name].append(side())
    return samples


def ratio(samples: Mapping[str, Sequence[float]], over: str, under: str, base: str = "") -> float:
    """Give the ratio of two sides' medians, each less the median of ``base``."""
    less = statistics.median(samples[base]) if base else 0.0
    return (statistics.median(samples[over]) - less) / (statistics.median(samples[under]) - less)


def inside(function: str, *arguments: Any, write: bool = True) -> Any:
    """Call ``module:function`` with plain arguments in a new interpreter, and give its plain result.

    Raises:
        BenchmarkError: It raised.
    """
    module, _, name = function.partition(":")
    code = f"import json, sys; from {module} import {name}; print(json.dumps({name}(*json.loads(sys.argv[1]))))"
    command = [sys.executable, *([] if write else ["-B"]), "-c", code, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise BenchmarkError(f"{function} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def load_average() -> float:
    """Give the machine's load of the last minute; not a number where the system doesn't tell."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return float("nan")
