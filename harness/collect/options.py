"""Options and what the header says of them."""

from __future__ import annotations

import fnmatch
import os
from difflib import get_close_matches
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = ("local",)


def check_environment(name: str) -> None:
    """Refuse an environment that isn't known.

    Raises:
        pytest.UsageError: With the near miss and those known; pytest exits with 4.
    """
    if name not in ENVIRONMENTS:
        near = get_close_matches(name, ENVIRONMENTS, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise pytest.UsageError(f'--databricks-env: unknown environment "{name}"{hint} known: {", ".join(ENVIRONMENTS)}')


def header(config: pytest.Config) -> str:
    """Say where notebooks' Spark lives, and which engine it is."""
    environment = config.getoption("--databricks-env")
    engine = "no Spark installed"
    for distribution in ("pyspark", "databricks-connect"):
        try:
            engine = f"{distribution} {metadata.version(distribution)}"
        except metadata.PackageNotFoundError:
            continue
        break
    return f"databricks notebooks: environment {environment}, engine {engine}"


def is_test_notebook(path: Path, parent: pytest.Collector) -> bool:
    """Say whether an ``.ipynb`` is to be collected: it was named on the command line, or matches ``python_files`` as a ``.py`` would."""
    if parent.session.isinitpath(path):
        return True
    as_python = path.with_suffix(".py")
    patterns: list[str] = parent.config.getini("python_files")
    for pattern in patterns:
        if os.sep in pattern or "/" in pattern:
            if fnmatch.fnmatch(str(as_python), f"*/{pattern}"):
                return True
        elif fnmatch.fnmatch(as_python.name, pattern):
            return True
    return False
