"""What users would pick instead, in environments of their own: importnb's plugin breaks pytest from 9 on."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

# Exact, so that figures of different days compare.
PINS = (
    *("pytest==8.4.2", "importnb==2023.11.1", "import-ipynb==0.2.1", "testbook==0.4.2", "nbmake==1.5.5", "ipykernel==7.4.0"),
    "pandas==2.3.3",  # which the notebooks import that are run whole
)
SAIL = ("pysail==0.7.2",)


@functools.cache
def python() -> str | None:
    """Give the peers' interpreter, from the user's cache folder or newly installed; None (stderr says why) without it."""
    return _made(_folder("peers", PINS), PINS, "130 MB")


@functools.cache
def sail() -> str | None:
    """Give an interpreter with Sail, which sees this environment's packages too: pyspark, its client, is 450 MB."""
    folder = _folder("sail", SAIL)
    exe = _made(folder, SAIL, "50 MB", "--no-deps")
    if exe is not None:
        ours = "\n".join(sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
        places = {"base": str(folder), "platbase": str(folder)}
        (Path(sysconfig.get_path("purelib", "venv", places)) / "nbh-ours.pth").write_text(f"{ours}\n", encoding="utf-8")
    return exe


def _folder(name: str, pins: tuple[str, ...]) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    tag = "-".join(pin.partition("==")[2] for pin in pins)
    return base / "nbh-benchmarks" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}-{tag}"


def _made(folder: Path, pins: tuple[str, ...], size: str, *options: str) -> str | None:
    exe = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "complete"
    if done.exists():
        return str(exe)
    print(f"installing {', '.join(pins)} into {folder} (about {size})", file=sys.stderr, flush=True)
    pip = [exe, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, *pins]
    try:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(pip, check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as exc:
        print(f"the peers are left out: {exc}", file=sys.stderr)
        return None
    done.touch()
    return str(exe)
