"""Run every Python and SQL notebook of some folders whole, and count how they end: ``python -m benchmarks.runs FOLDER…``.

They run as they are, without widgets, on an empty dbfs and empty catalogs: most need what isn't there. What counts is that each
one that is red names its cell and the reason. Nothing is written to the folders.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.page import replace_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model import NotebookRun

_SHOWN = 40
# What is another from notebook to notebook in errors of one cause.
_NAMES = re.compile(r"`[^`]*`(?:\.`[^`]*`)*|'[^']*'|\"[^\"]*\"|\b\d+\b|[/\w.-]*/[\w./-]*")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them and print the report; exits with 1 where a red run names no cell or no reason."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__)
    parser.add_argument("path", nargs="+", type=Path, help="folders of notebooks; each is taken as a project's root")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="for one notebook (default: %(default)s)")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="of each folder no more than these (default: all)")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the report into this Markdown file, between its marks"
    )
    given = parser.parse_args(arguments)
    found: list[NotebookRun] = []
    for root in given.path:
        found.extend(run_all(root.resolve(), timeout_s=given.timeout, most=given.most))
    text = "\n".join(report(found))
    print(text)
    if given.write is not None:
        replace_between(given.write, text, "python -m benchmarks.runs FOLDER…")
    return int(any(is_unexplained(run) for run in found))


def run_all(root: Path, *, timeout_s: float, most: int) -> Iterator[NotebookRun]:
    """Run the notebooks below a folder, each on catalogs of its own, and say on stderr how each ended."""
    from harness.errors import NotebookError
    from harness.execute.start import kernels
    from harness.notebook import discover, read_notebook
    from harness.settings import settings_for
    from harness.spark import choose

    settings = settings_for(str(root / "x"))
    runner = kernels(root=str(root), roots=[str(root)])
    session = choose.open_session("connect", settings, roots=[root], progress=lambda _line: None, run_pid=os.getpid())
    done = 0
    try:
        for path in discover(str(root)).notebooks:
            if most and done >= most:
                break
            try:
                if path.suffix == ".dbc" or read_notebook(path).language not in {"python", "sql"}:
                    continue
                run = runner.run(str(path), session=lambda: session, timeout_s=timeout_s)  # type: ignore[arg-type]
            except NotebookError as error:
                print(f"{path}: {error.what}", file=sys.stderr)
                continue
            session.restore()
            done += 1
            print(f"{run.duration_s:5.1f} s  {run.path} {run.summary.splitlines()[0][:150]}", file=sys.stderr, flush=True)
            yield run
    finally:
        session.stop()
        runner.stop()


def is_unexplained(run: NotebookRun) -> bool:
    """Whether it is red, and a reader can't tell where or why."""
    return run.ended not in {"passed", "exited"} and (not run.error or run.location is None or run.location.cell is None)


def report(found: Sequence[NotebookRun]) -> Iterator[str]:
    """Give the counts as Markdown."""
    yield f"{len(found)} notebooks run whole; red without a cell or a reason: {sum(map(is_unexplained, found))}"
    yield ""
    for outcome, count in Counter(run.ended for run in found).most_common():
        yield f"* {count} x {outcome}"
    yield ""
    yield "### Why they are red"
    yield ""
    causes = Counter(f"{run.ended}: {cause_of(run)}" for run in found if run.error).most_common()
    yield from (f"* {count} x {cause}" for cause, count in causes[:_SHOWN])
    if len(causes) > _SHOWN:
        yield f"* {len(causes) - _SHOWN} more causes"


def cause_of(run: NotebookRun) -> str:
    """Give the first line of its error, without names that only this notebook has."""
    return _NAMES.sub("…", run.error.splitlines()[0])[:110].strip()


if __name__ == "__main__":
    sys.exit(main())
