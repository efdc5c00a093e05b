"""Test one function in each of some notebooks, against testbook and nbmake, which run the notebooks in kernels."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, cpu_s, in_turns, pytest_command
from benchmarks.projects import small_ipynb, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How many notebooks each side gets: ours costs too little to be seen on a few.
COUNTS = {"ours": 201, "testbook": 5, "nbmake": 5}


def figures(folder: Path, peers: str | None) -> Iterator[Figure]:
    """Measure CPU for one more notebook: that of many less that of one, by their number."""
    if peers is None:
        return
    root = write(folder / "kernels", {f"m{n}.ipynb": small_ipynb(n) for n in range(COUNTS["ours"])})
    tests = {
        "ours": lambda n: f"def test_{n}():\n    from m{n} import f{n}\n    assert f{n}(4.0)\n",
        "testbook": lambda n: (
            f"from testbook import testbook\n\n@testbook('m{n}.ipynb', execute=True)\n"
            f"def test_{n}(tb):\n    assert tb.get('f{n}')(4.0)\n"
        ),
    }
    for name, make in tests.items():
        write(root, {f"{name}/test_{count}.py": "\n".join(map(make, range(count))) for count in (1, COUNTS[name])})
    commands = {
        "ours": {count: pytest_command(f"ours/test_{count}.py", write=False) for count in (1, COUNTS["ours"])},
        "testbook": {
            count: pytest_command(f"testbook/test_{count}.py", python=peers, plugin=False) for count in (1, COUNTS["testbook"])
        },
        "nbmake": {
            count: pytest_command(
                "-p", "nbmake.pytest_plugin", "--nbmake", *(f"m{n}.ipynb" for n in range(count)), python=peers, plugin=False
            )
            for count in (1, COUNTS["nbmake"])
        },
    }

    def more(name: str) -> float:
        one, all_ = (cpu_s(commands[name][count], root, expect=f"{count} passed") for count in (1, COUNTS[name]))
        return (all_ - one) / (COUNTS[name] - 1)

    samples = in_turns(3, **{name: (lambda name=name: more(name)) for name in commands})
    ours = max(statistics.median(samples["ours"]), 1e-4)
    for name in ("testbook", "nbmake"):
        yield Figure(
            f"peer: {name}, one more notebook's function tested, CPU against ours",
            statistics.median(samples[name]) / ours,
            "x",
            None,
            {k: samples[k] for k in ("ours", name)},
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "kernels"]))
