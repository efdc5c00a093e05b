"""Run pytest over 500 notebooks that match no ``python_files``, against as many plain files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, cpu_s, in_turns, pytest_command, ratio
from benchmarks.projects import forget_caches, median_notebook, plain_module, small_ipynb, small_notebook, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 500


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure whole runs: an empty project's start is part of them, as it is for users."""
    makers = {
        "plain": (plain_module, "py"),
        "source": (small_notebook, "py"),
        "median": (median_notebook, "py"),
        "ipynb": (small_ipynb, "ipynb"),
    }
    for name, (make, suffix) in makers.items():
        files = {f"n{n}.{suffix}": make(n) for n in range(COUNT)}
        write(folder / "collection" / name, {**files, "test_one.py": "def test_one():\n    pass\n"})

    def side(name: str, *, quiet: bool = True) -> float:
        return cpu_s(pytest_command(quiet=quiet), folder / "collection" / name, expect="1 passed")

    for name in makers:
        side(name, quiet=False)
    samples = in_turns(11, **{name: (lambda name=name: side(name)) for name in makers})
    yield Figure(
        f"a run over {COUNT} small notebooks that match no python_files, against plain files",
        ratio(samples, "source", "plain"),
        "x",
        1.1,
        samples,
    )
    yield Figure(f"the same, {COUNT} notebooks of median size", ratio(samples, "median", "plain"), "x", 1.1, {})
    yield Figure(f"the same, {COUNT} .ipynb notebooks", ratio(samples, "ipynb", "plain"), "x", 1.1, {})
    # Without -q the summary tells which units no test touched: it reads every notebook, from the cache but for the first time.
    loud = in_turns(7, **{name: (lambda name=name: side(name, quiet=False)) for name in ("plain", "source")})
    yield Figure("the same with small notebooks and without -q", ratio(loud, "source", "plain"), "x", 1.1, loud)

    def first(name: str) -> float:
        forget_caches(folder / "collection" / name)
        return side(name, quiet=False)

    fresh = in_turns(5, **{name: (lambda name=name: first(name)) for name in ("plain", "source", "median")})
    yield Figure("  the same in a fresh clone", ratio(fresh, "source", "plain"), "x", None, fresh)
    yield Figure("  in a fresh clone, notebooks of median size", ratio(fresh, "median", "plain"), "x", None, {})


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "collection"]))
