"""Measure what the harness costs, beside what users would pick instead: ``make bench`` or ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.measure import BenchmarkError, Figure, load_average
from benchmarks.page import replace_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PARTS = (
    *("startup", "load", "modules", "collection", "large", "kernels", "whole", "suite", "first", "between", "thousand"),
    *("remote", "sample"),
)
PEERS = {"modules": peers.python, "kernels": peers.python, "whole": peers.python, "suite": peers.sail}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts and print a table and all samples; exits with 1 where a figure is not reached, 3 where one can't be had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part; may be given again")
    parser.add_argument("--no-peers", action="store_true", help="leave out importnb, import-ipynb, testbook, nbmake and Sail")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the result into this Markdown file, between its marks"
    )
    given = parser.parse_args(arguments)
    parts = given.only or PARTS
    others = {} if given.no_peers else {part: PEERS[part]() for part in parts if part in PEERS}
    started = time.perf_counter()
    found: list[tuple[str, Figure]] = []
    loads: dict[str, float] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nbh-bench-") as folder:
        for part in parts:
            loads[part] = load_average()
            print(f"{part} …", file=sys.stderr, flush=True)
            try:
                for figure in import_module(f"benchmarks.{part}").figures(Path(folder), others.get(part)):
                    print(line(figure), flush=True)
                    found.append((part, figure))
            except BenchmarkError as error:
                print(f"{part}: {error}", file=sys.stderr)
                failed.append(part)
    text = "\n".join(render(found, loads, took_s=time.perf_counter() - started, failed=failed, others=others))
    print("\n" + text)
    if given.write is not None:
        replace_between(given.write, text, f"python -m benchmarks{''.join(f' --only {part}' for part in given.only or ())}")
    return 3 if failed else int(any(figure.holds is False for _, figure in found))


def line(figure: Figure) -> str:
    """Give a figure in one line."""
    asked = f", asked {figure.asked}" if figure.asked else ""
    mark = {True: "ok", False: "MISSED", None: "--"}[figure.holds]
    return f"{mark:6} {figure.what}: {figure.value:.3g} {figure.unit}{asked}"


def render(
    found: Sequence[tuple[str, Figure]],
    loads: dict[str, float],
    *,
    took_s: float,
    failed: Sequence[str],
    others: Mapping[str, str | None],
) -> Iterator[str]:
    """Give the table and all samples as Markdown."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("pytest", "databricks-notebook-harness"))
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    yield f"Python {platform.python_version()}, {versions}; {machine}; the whole took {took_s:.0f} s."
    pins = [pin for part, there in others.items() if there for pin in (peers.SAIL if part == "suite" else peers.PINS)]
    if pins:
        yield f"Peers: {', '.join(dict.fromkeys(pins))}."
    if failed:
        yield f"Not to be had in this run: {', '.join(failed)}."
    yield from ("", "| what | measured | asked | reached |", "|---|---|---|---|")
    for _, figure in found:
        asked = figure.asked or "to compare"
        reached = {True: "yes", False: "**no**", None: ""}[figure.holds]
        yield f"| {figure.what.strip()} | {figure.value:.3g} {figure.unit} | {asked} | {reached} |"
    yield from ("", "All samples (CPU seconds where no other unit is said), and the machine's load when the part began:", "")
    for part, load in loads.items():
        yield f"* `python -m benchmarks.{part}`, load {load:.2f}"
        for _, figure in (pair for pair in found if pair[0] == part):
            for name, values in figure.samples.items():
                yield f"  * {figure.what.strip()}, {name}: {' '.join(f'{value:.4g}' for value in values)}"
            for note in figure.notes:
                yield f"  * {note}"


if __name__ == "__main__":
    sys.exit(main())
