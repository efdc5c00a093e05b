"""What the plugin adds to the start of pytest in a project without notebooks, and what it imports there."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, cpu_s, environment, in_turns, pytest_command
from benchmarks.projects import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAVY = (
    "pyspark",
    "pandas",
    "numpy",
    "nbformat",
    "nbclient",
    "IPython",
    "jupyter_core",
    "mlflow",
    "databricks",
    "grpc",
    "py4j",
    "jsonschema",
    "rich",
    "coverage",
)
_SHOW = """
import json, sys

def pytest_unconfigure(config):
    sys.stderr.write("MODULES " + json.dumps(sorted(sys.modules)) + "\\n")
"""


def figures(folder: Path, _peers: str | None) -> Iterator[Figure]:
    """Measure pairs with and without the plugin; the figure is the median of the pairs' differences."""
    root = write(folder / "startup", {"test_plain.py": "def test_one():\n    assert 1 + 1 == 2\n"})
    without, loaded = pytest_command(plugin=False), pytest_command()
    cpu_s(without, root), cpu_s(loaded, root)
    samples = in_turns(
        15, without=lambda: cpu_s(without, root, expect="1 passed"), loaded=lambda: cpu_s(loaded, root, expect="1 passed")
    )
    differences = [a - b for a, b in zip(samples["loaded"], samples["without"], strict=True)]
    (root / "conftest.py").write_text(_SHOW, encoding="utf-8")
    added = sorted(_modules(root, loaded) - _modules(root, without))
    heavy = [name for name in added if name.partition(".")[0] in _HEAVY]
    yield Figure(
        "what the plugin adds to the start of pytest in a project without notebooks",
        statistics.median(differences) * 1000, "ms", 50, {**samples, "difference": differences},
        (f"modules it imports there ({len(added)}): {', '.join(added)}", f"heavy ones: {', '.join(heavy) or 'none'}"),
    )  # fmt: skip
    yield Figure("heavy modules that it imports there", len(heavy), "modules", 0)


def _modules(root: Path, command: list[str]) -> set[str]:
    import json

    done = subprocess.run(command, cwd=root, env=environment(), capture_output=True, text=True, timeout=120, check=True)
    line = next(line for line in done.stderr.splitlines() if line.startswith("MODULES "))
    return set(json.loads(line.removeprefix("MODULES ")))


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "startup"]))
