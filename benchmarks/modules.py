"""Import 500 notebooks and call one function of each, against 500 plain modules and against what others offer for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, cpu_s, in_turns, pytest_command, ratio, run
from benchmarks.projects import forget_caches, importing_test, plain_module, small_ipynb, small_notebook, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COUNT = 500
_NAMES = {"plain": "plain modules", "source": "source notebooks", "ipynb": ".ipynb notebooks"}
_PEERS = {"importnb": "from importnb import Notebook\nNotebook().__enter__()\n", "import-ipynb": "import import_ipynb\n"}


class _Side:
    """One test file, measured as a whole run and, by what it prints, for its imports and calls alone."""

    def __init__(self, root: Path, command: Sequence[str]) -> None:
        self.root = root
        self.command = command
        self.alone: list[float] = []

    def __call__(self) -> float:
        whole, printed = run(self.command, self.root, expect="1 passed")
        if "CPU " in printed:
            self.alone.append(float(printed.partition("CPU ")[2].split()[0]))
        return whole


def figures(folder: Path, peers: str | None) -> Iterator[Figure]:
    """Measure cold (no cache is read or written) and from caches; whole runs are taken less an empty test's."""
    root = write(folder / "modules", _files())
    cpu_s(pytest_command("test_source.py"), root)  # the harness's own caches are there in either case
    for state, limit in (("cold", 3.0), ("cached", 1.5)):
        sides = {
            kind: _Side(root, pytest_command("-s", f"test_{kind}.py", write=state == "cached")) for kind in ("empty", *_NAMES)
        }
        whole, alone = _samples(root, sides, 15, cached=state == "cached")
        for kind in ("source", "ipynb"):
            what = f"{COUNT} {_NAMES[kind]} imported and called, against plain modules, {state}"
            yield Figure(
                f"{what}: whole run less an empty one", ratio(whole, kind, "plain", "empty"), "x", limit, _only(whole, kind)
            )
            yield Figure(f"{what}: imports and calls alone", ratio(alone, kind, "plain"), "x", limit, _only(alone, kind))
    if peers is not None:
        yield from _others(root, peers)


def _samples(
    root: Path, sides: dict[str, _Side], count: int, *, cached: bool
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    forget_caches(root)
    if cached:
        for side in sides.values():
            side()
            side.alone.clear()
    return in_turns(count, **sides), {name: side.alone for name, side in sides.items()}


def _only(samples: Mapping[str, Sequence[float]], kind: str) -> dict[str, Sequence[float]]:
    """Show the common sides once."""
    shown = {"empty", "plain", "source"} if kind == "source" else {kind}
    return {name: values for name, values in samples.items() if name in shown and values}


def _others(root: Path, peers: str) -> Iterator[Figure]:
    for peer, prelude in _PEERS.items():
        tag = peer.replace("-", "_")
        write(
            root,
            {
                f"test_{tag}.py": importing_test("ipynb", COUNT, prelude),
                f"test_{tag}_plain.py": importing_test("plain", COUNT, prelude),
            },
        )
        for state in ("cold", "cached"):
            tests = {"plain": f"test_{tag}_plain.py", "ipynb": f"test_{tag}.py"}
            sides = {
                kind: _Side(root, pytest_command("-s", test, python=peers, plugin=False, write=state == "cached"))
                for kind, test in tests.items()
            }
            _, alone = _samples(root, sides, 3, cached=state == "cached")
            what = f"peer: {peer}, {COUNT} .ipynb notebooks, against plain modules, {state}: imports and calls alone"
            yield Figure(what, ratio(alone, "ipynb", "plain"), "x", None, alone)


def _files() -> dict[str, str]:
    files = {
        "source/__init__.py": "",
        "plain/__init__.py": "",
        "ipynb/__init__.py": "",
        "test_empty.py": "def test_none():\n    pass\n",
    }
    for n in range(COUNT):
        files[f"plain/m{n}.py"] = plain_module(n)
        files[f"source/m{n}.py"] = small_notebook(n)
        files[f"ipynb/m{n}.ipynb"] = small_ipynb(n)
    return {**files, **{f"test_{kind}.py": importing_test(kind, COUNT) for kind in _NAMES}}


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "modules"]))
