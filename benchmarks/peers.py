"""What users would pick instead, in an environment of its own: importnb's plugin breaks pytest from 9 on."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

# Exact, so that figures of different days compare.
PINS = ("pytest==8.4.2", "importnb==2023.11.1", "import-ipynb==0.2.1", "testbook==0.4.2", "nbmake==1.5.5", "ipykernel==7.4.0")


def python() -> str | None:
    """Give the peers' interpreter, from the user's cache folder or newly installed; None (stderr says why) without it."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    tag = "-".join(pin.partition("==")[2] for pin in PINS)
    folder = base / "nbh-benchmarks" / f"peers-{sys.version_info.major}.{sys.version_info.minor}-{tag}"
    exe = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "complete"
    if done.exists():
        return str(exe)
    print(f"installing {', '.join(PINS)} into {folder} (about 60 MB)", file=sys.stderr, flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([exe, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS], check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as exc:
        print(f"the peers are left out: {exc}", file=sys.stderr)
        return None
    done.touch()
    return str(exe)
