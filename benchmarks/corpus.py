"""Run reading, writing back and extraction over any folder of notebooks: ``python -m benchmarks.corpus PATH``.

Each notebook is probed in a process of its own, with a time and a memory limit, under an audit hook. Nothing is written
to the folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext

# What most notebooks import; loading it once is what makes a process for each notebook cheap. Absent ones are passed over.
_PRELOADED = ["benchmarks.probe", "numpy", "pandas", "pyspark.sql.functions", "pyspark.sql.types"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Probe the folders and print the report; exits with 1 where a figure that must be perfect is not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("path", nargs="+", type=Path, help="folders of notebooks; each is taken as a project's root")
    parser.add_argument("--json", action="store_true", help="print every fact as JSON instead of the report")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write every fact as JSON to a file too")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the report into this Markdown file, between its marks"
    )
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="for one notebook (default: %(default)s)")
    parser.add_argument(
        "--memory", type=int, default=4096, metavar="MB", help="address space for one notebook (default: %(default)s)"
    )
    parser.add_argument(
        "--prefix", action="append", default=[], metavar="/WORKSPACE=FOLDER", help="where absolute %%run paths lead"
    )
    parser.add_argument("--examples", type=int, default=3, help="how many places to show for each cause (default: %(default)s)")
    given = parser.parse_args(arguments)
    prefixes = dict(pair.split("=", 1) for pair in given.prefix)
    facts: list[dict[str, Any]] = []
    for root in given.path:
        facts.extend(run(root.resolve(), prefixes, timeout_s=given.timeout, memory_mb=given.memory))
    if given.save is not None:
        given.save.write_text(json.dumps(facts), encoding="utf-8")
    if given.json:
        json.dump(facts, sys.stdout)
        return 0
    from benchmarks.page import replace_between
    from benchmarks.tables import failures, report

    print("\n".join(report(facts, examples=given.examples)))
    if given.write is not None:
        text = [f"Python {platform.python_version()}; {', '.join(f'{name} {version}' for name, version in _installed())}.", ""]
        text += [line.replace("## ", "### ") if line.startswith("## ") else line for line in report(facts, examples=0)]
        replace_between(given.write, "\n".join(text), "python -m benchmarks.corpus FOLDER…")
    return 1 if failures(facts) else 0


def _installed() -> Iterator[tuple[str, str]]:
    """Give those of the packages which notebooks import most that are there: figures depend on them."""
    for name in (
        "pyspark",
        "pandas",
        "numpy",
        "mlflow-skinny",
        "scikit-learn",
        "requests",
        "delta-spark",
        "databricks-sdk",
        "faker",
    ):
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def run(root: Path, prefixes: dict[str, str], *, timeout_s: float, memory_mb: int) -> Iterator[dict[str, Any]]:
    """Probe every notebook at or below a folder, in a stable order, with progress on a terminal's stderr."""
    from harness.notebook import discover

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    found = discover(root)
    base = root if root.is_dir() else root.parent
    for number, path in enumerate(found.notebooks, 1):
        if sys.stderr.isatty() or number % 50 == 0 or number == len(found.notebooks):
            print(f"{number}/{len(found.notebooks)} {base.name}: {path.name}", file=sys.stderr, flush=True)
        started = time.perf_counter()
        facts = _one(context, path, base, prefixes, timeout_s=timeout_s, memory_mb=memory_mb)
        yield {"root": str(base), **facts, "seconds": round(time.perf_counter() - started, 3)}


def _one(
    context: ForkServerContext, path: Path, root: Path, prefixes: dict[str, str], *, timeout_s: float, memory_mb: int
) -> dict[str, Any]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, path, root, prefixes, memory_mb), daemon=True)
    process.start()
    theirs.close()
    try:
        if ours.poll(timeout_s):
            facts: dict[str, Any] = json.loads(ours.recv_bytes())
            return facts
        crash = f"no answer within {timeout_s:g} s"
    except EOFError:
        process.join(5)
        crash = f"the process ended with {process.exitcode}"
    finally:
        process.kill()
        process.join()
        ours.close()
    return {"path": str(path.relative_to(root)), "crashes": [crash], "effects": [], "units": [], "problems": []}


def _child(pipe: Connection, path: Path, root: Path, prefixes: dict[str, str], memory_mb: int) -> None:
    from benchmarks.probe import probe

    try:
        import resource  # not on Windows, where only the time is limited

        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20, memory_mb * 2**20))
    except (ImportError, ValueError, OSError):
        pass
    pipe.send_bytes(json.dumps(probe(path, root, prefixes), default=str).encode())
    pipe.close()


if __name__ == "__main__":
    sys.exit(main())
