"""A thousand tests in a row on one engine: does its memory grow, do the last take longer than the first?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, Figure, pytest_command, wall_s
from benchmarks.projects import write
from benchmarks.spark_tests import THOUSAND, THOUSAND_PLUGIN
from benchmarks.warm import warm_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HUNDRED = 100


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure on an engine that has run two hundred of these already: the first of all are slow for another reason."""
    with warm_engine(folder) as engine:
        root = write(
            folder / "thousand",
            {
                "test_warm.py": THOUSAND.replace("@count@", "200"),
                "test_thousand.py": THOUSAND.replace("@count@", "1000"),
                "noting.py": THOUSAND_PLUGIN,
            },
        )
        engine.run_s(root, "test_warm.py", expect="200 passed")
        env = {**engine.env, "BENCH_ENGINE": str(engine.pid), "PYTHONPATH": f"{ROOT}:{root}"}
        took = wall_s(pytest_command("-p", "noting", "test_thousand.py"), root, expect="1000 passed", env=env)
        told = json.loads((root / "told.json").read_text())
        # Beginnings and ends take turns; a test's time reaches to the beginning of the next, so the restore is in it.
        begins = told["times"][::2]
        hundreds = [begins[n + _HUNDRED - 1] - begins[n] for n in range(0, len(begins) - 1, _HUNDRED)]
        (engine_then, client_then), (engine_now, client_now) = told["held"]
        yield Figure(
            "1,000 tests in a row: the last hundred's time, against the first hundred's", hundreds[-1] / hundreds[0], "x", 1.2,
            {"s for each hundred": hundreds, "s in all": [took]},
        )  # fmt: skip
        yield Figure(
            "  memory of the engine after them, against after the first hundred", engine_now / engine_then, "x", 1.3,
            {"MB (PSS)": [engine_then, engine_now]},
        )  # fmt: skip
        yield Figure(
            "  memory of the test process", client_now / client_then, "x", 1.3, {"MB (RSS)": [client_then, client_now]}
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "thousand"]))
