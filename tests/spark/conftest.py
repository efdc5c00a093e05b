"""Makes the catalogs' own fixtures known to the tests in this folder, and their engines start fast."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from catalog_fixtures import join, server, sql
from filelock import FileLock

from harness.spark import facts, places

__all__ = ["join", "server", "sql"]


@pytest.fixture(scope="session", autouse=True)
def _class_archive(_one_cache, borrow, tmp_path_factory):
    """Have the archive of classes written before anything else: more than ten engines start in these tests, from then on fast.

    By themselves those of a run in CI write none. Where it can't be had, they start slowly.
    """
    cache = borrow(tmp_path_factory.mktemp("install"))
    clean = {name: value for name, value in os.environ.items() if name not in facts.REMOTE_VARIABLES}
    with FileLock(cache / "classes" / "tests.lock"):
        command = [sys.executable, "-m", "harness", "spark", "install"]
        subprocess.run(command, env={**clean, places.VARIABLE: str(cache)}, cwd=cache, capture_output=True, check=False)
