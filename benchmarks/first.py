"""The first result of a run: from the start of pytest to a first assertion on Spark, on a warm, a cold and a new engine."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, in_turns, ratio
from benchmarks.projects import write
from benchmarks.spark_tests import FIRST
from benchmarks.warm import warm_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure in seconds of wall time; the usual way loads the same Delta jars."""
    with warm_engine(folder) as engine:
        engine.stop()
        ours = write(folder / "first" / "ours", {"test_first.py": FIRST})
        usual = write(folder / "first" / "usual", {"test_first.py": FIRST, "conftest.py": engine.usual_conftest(delta=True)})

        def first(root: Path, run: Callable[..., float]) -> float:
            started = time.time()
            run(root, expect="1 passed")
            return float((root / "first").read_text()) - started

        def new() -> float:
            engine.stop()
            for name in ("classes", "engines"):
                shutil.rmtree(engine.cache / name, ignore_errors=True)
            return first(ours, engine.run_s)

        def cold() -> float:
            engine.stop()
            return first(ours, engine.run_s)

        news = [new() for _ in range(2)]
        colds = in_turns(3, cold=cold, usual=lambda: first(usual, engine.usual_s))
        warms = [first(ours, engine.run_s) for _ in range(5)]
        yield Figure("first result of a run on Spark, warm", statistics.median(warms), "s", 2, {"warm": warms})
        yield Figure("  cold: the engine has to start", statistics.median(colds["cold"]), "s", 8, colds)
        yield Figure("  cold, against the usual way with the same jars", ratio(colds, "cold", "usual"), "x", 0.6)
        yield Figure(
            "  the very first time, once the jars are there", statistics.median(news), "s", 20, {"very first": news},
            ("Java's classes are not yet kept from an earlier start",),
        )  # fmt: skip


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "first"]))
