"""Run small notebooks whole, against nbclient and nbmake with a fresh kernel for each; and the memory of our kernels."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, cpu_s, in_turns, pytest_command, ratio, wall_s
from benchmarks.projects import ipynb, small_ipynb, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNTS = {"ours": 21, "nbclient": 5, "nbmake": 5}
_MB = 2**20

# A small notebook does what small notebooks do: it imports pandas, sums a frame, and shows what came of it.
_SMALL = (
    "import pandas as pd\n\ncalls = pd.DataFrame({'shop': ['a', 'b', 'c'] * 10, 'minutes': range(30)})\n",
    "by_shop = calls.groupby('shop', as_index=False)['minutes'].sum()\nby_shop\n",
    "assert by_shop['minutes'].sum() == 435\n",
)

_OURS = "def test_{n}(run_notebook):\n    assert run_notebook('m{n}.ipynb', timeout_s=60).passed\n"
_NBCLIENT = (
    "import nbformat\nfrom nbclient import NotebookClient\n\n"
    "def test_{n}():\n    NotebookClient(nbformat.read('m{n}.ipynb', as_version=4)).execute()\n"
)
# The kernel itself and its parent tell what they hold; nothing of the notebook's has run yet.
_MEMORY = """# Databricks notebook source
import json, psutil
own = psutil.Process()
dbutils.notebook.exit(json.dumps([own.parent().memory_full_info().pss, own.memory_full_info().uss]))
"""
_TELLS = """
def test_memory(run_notebook):
    run = run_notebook("memory.py")
    open("held", "w").write(run.exit_value)
"""


def figures(folder: Path, peers: str | None) -> Iterator[Figure]:
    """Measure CPU for one more notebook: that of many less that of one, by their number; and two processes against one."""
    root = write(folder / "whole", {f"m{n}.ipynb": ipynb(_SMALL) for n in range(COUNTS["ours"])})
    empty = write(folder / "empty", {f"m{n}.ipynb": small_ipynb(n) for n in range(COUNTS["ours"])})
    counts = (1, COUNTS["ours"])
    runs = {
        "ours": (root, {count: _tests(root, "ours", _OURS, count) for count in counts}),
        "all but empty": (empty, {count: _tests(empty, "ours", _OURS, count) for count in counts}),
    }
    if peers is not None:
        few = (1, COUNTS["nbclient"])
        runs["nbclient"] = (root, {count: _tests(root, "nbclient", _NBCLIENT, count, python=peers) for count in few})
        runs["nbmake"] = (root, {count: _nbmake(count, peers) for count in few})

    def more(name: str) -> float:
        where, commands = runs[name]
        one, all_ = (cpu_s(command, where, expect=f"{count} passed") for count, command in commands.items())
        return (all_ - one) / (max(commands) - 1)

    samples = in_turns(3, **{name: (lambda name=name: more(name)) for name in runs})
    yield Figure("one more small notebook run whole, CPU", statistics.median(samples["ours"]), "s", 0.3, samples)
    yield Figure("  one that is all but empty", statistics.median(samples["all but empty"]), "s", None)
    for name in [name for name in runs if name in COUNTS and name != "ours"]:
        yield Figure(f"  {name} takes so many times as much", ratio(samples, name, "ours"), "x", 6, {}, at_least=True)
    yield _two_processes("20 small notebooks run whole with -n 2, against one process", root, 0.8)
    yield _two_processes("  20 that are all but empty", empty, None)
    yield from _memory(root)


def _tests(root: Path, name: str, text: str, count: int, *, python: str = sys.executable) -> list[str]:
    write(root, {f"{name}/test_{count}.py": "\n".join(text.replace("{n}", str(n)) for n in range(count))})
    return pytest_command(f"{name}/test_{count}.py", "--rootdir", ".", python=python, plugin=name == "ours")


def _nbmake(count: int, python: str) -> list[str]:
    notebooks = [f"m{n}.ipynb" for n in range(count)]
    return pytest_command("-p", "nbmake.pytest_plugin", "--nbmake", *notebooks, python=python, plugin=False)


def _two_processes(what: str, root: Path, asked: float | None) -> Figure:
    write(root, {"ours/test_20.py": "\n".join(_OURS.replace("{n}", str(n)) for n in range(20))})
    sides = {"one": (), "two": ("-p", "xdist.plugin", "-n", "2")}

    def run(name: str) -> float:
        return wall_s(pytest_command(*sides[name], "ours/test_20.py"), root, expect="20 passed", env={})

    samples = in_turns(5, **{name: (lambda name=name: run(name)) for name in sides})
    return Figure(what, ratio(samples, "two", "one"), "x", asked, samples)


def _memory(root: Path) -> Iterator[Figure]:
    write(root, {"memory.py": _MEMORY, "test_memory.py": _TELLS})
    wall_s(pytest_command("test_memory.py"), root, expect="1 passed", env={})
    parent, kernel = (int(held) / _MB for held in (root / "held").read_text().strip("[]").split(","))
    yield Figure("memory of the kernels' warm parent", parent, "MB", 250, {}, ("PSS",))
    yield Figure("what a kernel adds before its notebook's work", kernel, "MB", 60, {}, ("USS",))


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "whole"]))
