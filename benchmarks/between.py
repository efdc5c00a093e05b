"""What lies between two tests, and a round of schema, table, count and drop in Delta, on the warm engine."""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure
from benchmarks.projects import write
from benchmarks.spark_tests import BETWEEN
from benchmarks.warm import warm_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure from the end of one test's body to the beginning of the next one's, in the second run on an engine."""
    with warm_engine(folder) as engine:
        root = write(folder / "between", {"test_between.py": BETWEEN})
        for _ in range(2):
            engine.run_s(root, expect="44 passed")
        stamps: dict[str, list[tuple[float, float]]] = json.loads((root / "stamps.json").read_text())
        gaps = {
            kind: [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(stamps[kind])]
            for kind in ("plain", "tables")
        }
        yield Figure(
            "between two tests that set and made something: restore, check and pytest itself",
            statistics.median(gaps["plain"]), "ms", 30, {"ms": gaps["plain"]},
        )  # fmt: skip
        yield Figure(
            "  after a schema with two Delta tables was made, which are dropped", statistics.median(gaps["tables"]), "ms", 30,
            {"ms": gaps["tables"]},
        )  # fmt: skip
        rounds = [end - begin for begin, end in stamps["delta"]]
        yield Figure("schema, CTAS, count and drop in Delta", statistics.median(rounds), "s", 0.6, {"s": rounds})


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "between"]))
