"""The archive of classes that Java has loaded: an engine that starts from it is up in half the time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

from harness.spark import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.spark.java import Java

_BASE = "base-"  # what the names of Java's own archives begin with
_UNUSED_S = 14 * 24 * 3600
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")


def file_of(cache: Path, java: Java, path: Sequence[Path]) -> Path:
    """Where the archive of this Java and these jars lies, or would lie."""
    sizes = "\0".join(f"{jar}:{jar.stat().st_size}:{jar.stat().st_mtime_ns}" for jar in path)
    name = hashlib.sha256(f"{java.home}\0{java.version}\0{sizes}".encode()).hexdigest()[:12]
    return places.private(cache / "classes") / f"{name}.jsa"


def options(file: Path, java: Java, *, is_written: bool) -> list[str]:
    """Java's options to start from it; or, where there is none, to be able to write it later if that is wanted."""
    if file.exists():
        with contextlib.suppress(OSError):  # a cache that is only read
            os.utime(file)
        return [*_QUIET, f"-XX:SharedArchiveFile={file}"]
    if not is_written:
        return [*_QUIET]
    base = _base(java, file.parent)
    return [*_QUIET, *([f"-XX:SharedArchiveFile={base}"] if base is not None else []), "-XX:+RecordDynamicDumpInfo"]


def _base(java: Java, folder: Path) -> Path | None:
    """The archive of Java's own classes, on which ours builds: None if Java brings it along; the wheel's doesn't.

    Where it can't be made, there will be none of ours either: engines then start as slowly as the first one.
    """
    if any(any(java.home.glob(f"{part}/server/classes*.jsa")) for part in ("lib", "bin")):
        return None
    name = hashlib.sha256(f"{java.home}\0{java.version}".encode()).hexdigest()[:12]
    file = folder / f"{_BASE}{name}.jsa"
    if not file.exists():
        half = file.with_name(f"{file.name}.{os.getpid()}")
        command = [str(java.executable), "-Xshare:dump", f"-XX:SharedArchiveFile={half}"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603 -- the user's own java
            half.replace(file)
        half.unlink(missing_ok=True)
    return file if file.exists() else None


@contextlib.contextmanager
def set_aside(file: Path) -> Iterator[None]:
    """Do without an archive that may be broken: Java notices only some ways of it. Where that doesn't help, it comes back."""
    aside = file.with_name(f"{file.stem}-aside.jsa")
    with contextlib.suppress(FileNotFoundError):
        file.replace(aside)
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            aside.replace(file)
        raise
    aside.unlink(missing_ok=True)


def tidy(file: Path) -> None:
    """Remove archives that no engine has used for two weeks: each is 200 MB, and an upgrade leaves one behind."""
    for other in file.parent.glob("*.jsa"):
        with contextlib.suppress(OSError):  # another run may be at it too
            if other != file and not other.name.startswith(_BASE) and time.time() - other.stat().st_mtime > _UNUSED_S:
                other.unlink()
