"""The sample project's tests, whole: on a workspace that is rehearsed on this machine, against this machine itself."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, Figure, in_turns, pytest_command, ratio, wall_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def figures(folder: Path, _peers: None) -> Iterator[Figure]:
    """Measure whole runs in seconds of wall time, in turns, once each side has run and left what it leaves warm."""
    root = folder / "sample"
    root.mkdir()
    shutil.copytree(ROOT / "sample_notebooks", root / "sample_notebooks")
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n', encoding="utf-8")
    sides = {
        "local": pytest_command("sample_notebooks"),
        "rehearsal": pytest_command("sample_notebooks", "--databricks-env=rehearsal"),
    }

    def run(name: str) -> float:
        # One of its notebooks runs its own tests, with the options of a plugin that is found by itself.
        return wall_s(sides[name], root, expect=" passed", env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""})

    first = {f"{name}, first run": [run(name)] for name in sides}
    samples = in_turns(2, **{name: (lambda name=name: run(name)) for name in sides})
    yield Figure(
        "pytest --databricks-env=rehearsal on the sample project, against local", ratio(samples, "rehearsal", "local"), "x", 2,
        {**first, **samples}, ("seconds of wall time",),
    )  # fmt: skip


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "sample"]))
