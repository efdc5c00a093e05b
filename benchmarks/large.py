"""Load a six-megabyte ``.ipynb`` with outputs."""

from __future__ import annotations

import base64
import random
import statistics
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import new_loader, peak_mb
from benchmarks.measure import Figure, inside
from benchmarks.projects import ipynb, write

if TYPE_CHECKING:
    from collections.abc import Iterator

# What f3(1) of the notebook gives.
_RIGHT = 4


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure text outputs (many short strings) and pictures (few long ones); peak memory above what the process had before."""
    chance = random.Random(6)  # noqa: S311 - sizes, not secrets
    words = ["".join(chance.choices("abcdefgh ", k=100)) + "\n" for _ in range(56_000)]
    picture = base64.b64encode(chance.randbytes(90_000)).decode()
    cells = [f"def f{n}(x):\n    y = x + {n}\n    return y\n" for n in range(40)]
    notebooks = {"text": ipynb(cells, ["".join(words)]), "pictures": ipynb(cells, [picture + "\n"] * 53)}
    root = write(folder / "large", {f"{name}.ipynb": text for name, text in notebooks.items()})
    for name in notebooks:
        path = str(root / f"{name}.ipynb")
        runs = [inside("benchmarks.large:once", path, write=False) for _ in range(7)]
        size = runs[0]["size_mb"]
        times = [run["cpu_s"] for run in runs]
        memory = [run["more_mb"] / size for run in runs]
        yield Figure(
            f"a {size:.1f} MB .ipynb whose outputs are {name}, loaded", statistics.median(times), "s", 0.3, {"CPU s": times}
        )
        yield Figure("  its peak memory, as a multiple of its size", statistics.median(memory), "x", 5, {"x its size": memory})
        kept = [inside("benchmarks.large:traced", path, write=False) / size for _ in range(2)]
        yield Figure(
            "  memory that stays with it loaded, as a multiple of its size",
            statistics.median(kept),
            "x",
            None,
            {"x its size": kept},
        )


def once(path: str) -> dict[str, Any]:
    """Load the notebook once, after a small one has loaded all code."""
    loader = _warm(path)
    before = peak_mb()
    started = time.process_time()
    module = loader.load(path)
    took = time.process_time() - started
    assert module.f3(1) == _RIGHT  # noqa: S101 - a wrong answer's time would mean nothing
    return {"cpu_s": took, "more_mb": peak_mb() - before, "size_mb": Path(path).stat().st_size / 2**20}


def traced(path: str) -> float:
    """Give the megabytes that are still in use once the notebook is loaded."""
    loader = _warm(path)
    tracemalloc.start()
    module = loader.load(path)
    kept = tracemalloc.get_traced_memory()[0] / 2**20
    assert module.f3(1) == _RIGHT  # noqa: S101 - a wrong answer's memory would mean nothing
    return kept


def _warm(path: str) -> Any:
    folder = Path(path).parent
    small = folder / "small.ipynb"
    small.write_text(ipynb(["def f(x):\n    return x\n"]), encoding="utf-8")
    loader = new_loader(str(folder))
    loader.load(str(small))
    return loader


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "large"]))
