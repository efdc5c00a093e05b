"""Compile the engine's Java classes into ``harness/spark/jvm/nbh-engine.jar``; needs a javac, which users don't.

The jar is the same for the same sources: sorted entries, no time stamps.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

JVM = Path(__file__).resolve().parent.parent / "harness" / "spark" / "jvm"
SOURCES = JVM / "src" / "io" / "nbh" / "spark" / "engine"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Compile all sources and pack the classes."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        sys.exit("build_engine: pyspark is not installed\n  mend: run make setup")
    if shutil.which("javac") is None:
        sys.exit("build_engine: there is no javac on PATH\n  mend: install a JDK of 17 or newer")
    jars = Path(spec.origin).parent / "jars" / "*"
    with tempfile.TemporaryDirectory() as folder:
        sources = sorted(map(str, SOURCES.glob("*.java")))
        subprocess.run(["javac", "--release", "17", "-g:lines,source", "-cp", str(jars), "-d", folder, *sources], check=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
            for path in sorted(Path(folder).rglob("*.class")):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                jar.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else JVM / "nbh-engine.jar")
