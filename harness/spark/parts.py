"""What Spark's client imports beside itself: told where it can't be, for pyspark takes what is broken for what isn't there."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from harness.errors import PysparkMissingError

CLIENTS = ("pandas", "pyarrow")


def import_parts() -> None:
    """Import them.

    Raises:
        PysparkMissingError: One isn't installed, or doesn't fit another: pyspark would end a worker of pytest-xdist then.
    """
    for name in CLIENTS:
        try:
            import_module(name)
        except Exception as exc:  # what was built for another numpy fails in any way
            why = f"{type(exc).__name__}: {exc}"
            raise PysparkMissingError(
                f"Spark's client needs {name}", cause=f"it can't be imported: {why}", mend=mend(why)
            ) from exc


def broken(name: str) -> str:
    """Why a module can't be imported, asked in a process of its own; empty if it can."""
    found = subprocess.run(  # noqa: S603 -- this Python
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, errors="replace", check=False, timeout=120
    )
    return (found.stderr.strip().splitlines() or ["it ended at once"])[-1] if found.returncode else ""


def mend(why: str) -> str:
    """What to do about it."""
    if "numpy" in why.lower():
        return 'pip install --upgrade "numpy>=2" pandas pyarrow; to keep an older numpy: pip install "pyarrow<26"'
    return 'pip install --upgrade --force-reinstall "pandas<3" pyarrow'
