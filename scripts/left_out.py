"""Name what a test run on this machine left out for want of something."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPPORTED = ("3.11", "3.12", "3.13")

PACKAGES = {
    "pyspark": "what needs Spark did not run (the extra `local`)",
    "mlflow": "what trains or registers models did not run (the extra `mlflow`)",
}


def find_python(minor: str) -> str | None:
    """Find a Python of this version by running it; a shim that only exists doesn't count."""
    shims = [Path(folder).parent for folder in os.get_exec_path() if Path(folder).name == "shims"]
    homes = [Path(os.environ.get("PYENV_ROOT", "")), Path.home() / ".pyenv", *shims]
    of_pyenv = [str(path) for home in homes for path in sorted(home.glob(f"versions/{minor}.*/bin/python"))]
    candidates = [shutil.which(f"python{minor}"), shutil.which("python3"), *of_pyenv]
    for command in filter(None, candidates):
        ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([command, "-c", ask], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == minor:
            return command
    return None


def left_out() -> Iterator[str]:
    """One line for each thing that is missing here."""
    for minor in SUPPORTED:
        if minor != f"{sys.version_info[0]}.{sys.version_info[1]}":
            where = ".ci/run tests it" if find_python(minor) else "not on this machine"
            yield f"Python {minor}: this run had {sys.version_info[0]}.{sys.version_info[1]} ({where})"
    for package, consequence in PACKAGES.items():
        if not _is_installed(package):
            yield f"{package}: not installed, so {consequence}"
    connect = Path(__file__).parents[1] / ".venv-connect" / "bin" / "python"
    if _is_installed("pyspark") and not connect.exists():
        yield "databricks-connect: no environment with it (`make connect`, Python 3.11 or 3.12), so nothing ran through it"


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # the parent package is missing too
        return False


def main() -> int:
    """Print the Python of the version given, or all that is left out."""
    if len(sys.argv) > 1:
        print(find_python(sys.argv[1]) or "")
    else:
        print(*left_out(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
