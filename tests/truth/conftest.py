"""The tiny projects of the truth tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from inner_runs import ADDOPTS


class Folder:
    """A folder with a user's files, and pytest run there in a process of its own."""

    def __init__(self, path):
        self.path = path

    def write(self, files):
        """Write files, without the blanks that indent them here."""
        for name, content in {"tox.ini": "[pytest]\npythonpath = .\n", **files}.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")

    def run(self, *arguments):
        """Run ``python -m …`` and give what it printed, errors too, and its exit code."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.path,
            env={**clean, "PYTEST_ADDOPTS": ADDOPTS},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        return done.stdout + done.stderr, done.returncode

    def exists(self, name):
        """Say whether a file of this name lies anywhere in the folder."""
        return any(self.path.rglob(name))


@pytest.fixture
def folder(tmp_path):
    """A fresh, empty folder."""
    return Folder(tmp_path)
