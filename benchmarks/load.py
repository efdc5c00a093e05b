"""What one more notebook costs, and whether ten thousand cost in proportion."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Figure, inside
from benchmarks.projects import forget_caches, median_notebook, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.extract.load import Loader

COUNT = 600
MANY = (1_000, 5_000, 10_000)


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure each load by itself in a process that has loaded some before; then all of very many, and the memory they take."""
    root = folder / "load"
    write(root, {f"n{n}.py": median_notebook(n) for n in range(MANY[-1])})
    inside("benchmarks.load:each", str(root), 100)  # the harness's own caches are there in either case
    forget_caches(root)
    cold = [inside("benchmarks.load:each", str(root), COUNT, write=False) for _ in range(5)]
    inside("benchmarks.load:each", str(root), COUNT)
    cached = [inside("benchmarks.load:each", str(root), COUNT) for _ in range(5)]
    yield Figure(
        "one more median notebook's units loaded, cold", statistics.median(cold), "ms", 1.0, {"median of a process": cold}
    )
    yield Figure(
        "one more median notebook's units loaded, from the cache",
        statistics.median(cached),
        "ms",
        0.3,
        {"median of a process": cached},
    )
    forget_caches(root)
    runs = [inside("benchmarks.load:all_of", str(root), count, write=False) for count in MANY]
    per = [run["cpu_s"] / run["count"] * 1000 for run in runs]
    yield Figure(
        f"CPU for one of {MANY[-1]:,} notebooks, against one of {MANY[0]:,}", per[-1] / per[0], "x", 1.2, {"ms for one": per}
    )
    memory = [run["peak_mb"] for run in runs]
    yield Figure(
        f"peak memory with {MANY[-1]:,} notebooks loaded",
        memory[-1],
        "MB",
        300,
        {"peak MB": memory, "before the first": [run["before_mb"] for run in runs]},
    )
    forget_caches(root)


def each(root: str, count: int) -> float:
    """Give the median CPU milliseconds of one load, in this process; the first fifty don't count."""
    loader = new_loader(root)
    took = []
    for n in range(count):
        started = time.process_time()
        loader.load(f"{root}/n{n}.py")
        took.append(time.process_time() - started)
    return statistics.median(took[50:]) * 1000


def all_of(root: str, count: int) -> dict[str, Any]:
    """Load that many notebooks and keep them all, in this process."""
    loader = new_loader(root)
    before = peak_mb()
    started = time.process_time()
    kept = [loader.load(f"{root}/n{n}.py") for n in range(count)]
    return {"count": len(kept), "cpu_s": time.process_time() - started, "peak_mb": peak_mb(), "before_mb": before}


def new_loader(root: str) -> Loader:
    """Make a loader as a run has it."""
    from harness.extract.load import Loader
    from harness.extract.public import run_prefixes

    return Loader(root, run_prefixes=run_prefixes)


def peak_mb() -> float:
    """Give this process's own peak: what the system keeps of its parent's before exec is not in it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "load"]))
