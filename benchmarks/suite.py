"""A hundred small DataFrame tests: on the warm engine, the usual way, on Sail and in two processes; and the memory of it."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, in_turns, ratio
from benchmarks.projects import write
from benchmarks.spark_tests import SAIL, SUITE, TELL_MEMORY, UDFS
from benchmarks.warm import held_mb, most_held, warm_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.warm import Warm

_MB = 2**20
_PASSED = "100 passed"


def figures(folder: Path, sail: str | None) -> Iterator[Figure]:
    """Measure whole runs in seconds of wall time, in turns, once each side has run twice."""
    with warm_engine(folder) as engine:
        files = {"test_suite.py": SUITE}
        ours = write(folder / "suite" / "ours", {**files, "test_udfs.py": UDFS, "conftest.py": TELL_MEMORY})
        usual = write(folder / "suite" / "usual", {**files, "conftest.py": engine.usual_conftest()})
        sides: dict[str, Callable[[], float]] = {
            "ours": lambda: engine.run_s(ours, "test_suite.py", expect=_PASSED),
            "usual": lambda: engine.usual_s(usual, expect=_PASSED),
        }
        if sail is not None:
            beside = write(folder / "suite" / "sail", {**files, "conftest.py": SAIL})
            sides["sail"] = lambda: engine.usual_s(beside, expect=_PASSED, python=sail)
            sides["sail"]()
        before = [sides["ours"]() for _ in range(2)]
        samples = in_turns(3, **sides)
        yield Figure(
            "100 small tests on Spark, a whole run on the warm engine, from the third on",
            statistics.median(samples["ours"]), "s", None, {"first two runs": before, **samples},
            ("seconds of wall time; the usual way is a session fixture of one's own, with Spark in the test process",),
        )  # fmt: skip
        yield Figure("  the usual way takes so many times as long", ratio(samples, "usual", "ours"), "x", 6, {}, at_least=True)
        if sail is not None:
            yield Figure("  against Sail, which is no Spark: only the pace to beat", ratio(samples, "ours", "sail"), "x", 1.3)
        yield from _two_processes(engine, ours, sides["ours"])
        yield from _memory(engine, ours)


def _two_processes(engine: Warm, root: Path, one: Callable[[], float]) -> Iterator[Figure]:
    def two() -> float:
        return engine.run_s(root, "-p", "xdist.plugin", "-n", "2", "test_suite.py", expect=_PASSED)

    two()
    samples = in_turns(3, one=one, two=two)
    yield Figure("  with -n 2, against one process", ratio(samples, "two", "one"), "x", 0.9, samples)


def _memory(engine: Warm, root: Path) -> Iterator[Figure]:
    pid = engine.pid
    with most_held(pid) as most:
        engine.run_s(root, expect="110 passed")
    client = int((root / "client").read_text()) / _MB
    at_most = {"most": most, "after the run": [held_mb(pid)]}
    yield Figure(
        "memory of the engine and its workers, at most, while the suite runs once more with ten tests of UDFs",
        most[0], "MB", 1000, at_most, ("PSS: pages that workers share count once",),
    )  # fmt: skip
    yield Figure("memory of the test process, at most", client, "MB", 220, {}, ("RSS",))


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "suite"]))
