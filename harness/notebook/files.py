"""Reading files that may be anything: a pipe, a folder, a link loop, far too large."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from harness.errors import NotebookReadError
from harness.model import Location

if TYPE_CHECKING:
    from pathlib import Path

# Far above real notebooks (6 MB with outputs is a large one), far below what would hurt the machine.
MAX_BYTES = 200_000_000
# Without O_NONBLOCK, opening a named pipe waits for a writer that may never come. Windows has neither flag nor such pipes.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: str | Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file whole.

    Raises:
        NotebookReadError: It is no regular file, larger than ``max_bytes``, or the system refuses.
    """
    try:
        handle = os.open(path, _FLAGS)
    except (OSError, ValueError) as exc:
        raise refusal(path, exc) from exc
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise _not_regular(path, info.st_mode)
        if info.st_size > max_bytes:
            raise _too_large(path, info.st_size, max_bytes)
        return _read_all(handle, path, info.st_size, max_bytes)
    except OSError as exc:
        raise refusal(path, exc) from exc
    finally:
        os.close(handle)


def _read_all(handle: int, path: str | Path, size: int, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while chunk := os.read(handle, max(size - total, 0) + 1):
        chunks.append(chunk)
        total += len(chunk)
        # A file can grow while it is read, and those of /proc say they are empty.
        if total > max_bytes:
            raise _too_large(path, total, max_bytes)
        if total == size:
            break  # one byte more was asked for: this is the end
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_head(path: str | Path, size: int) -> bytes:
    """Read the first bytes of a regular file; anything else than a regular file is empty.

    Raises:
        OSError: The system refuses.
    """
    handle = os.open(path, _FLAGS)
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


def refusal(path: str | Path, exc: OSError | ValueError, what: str = "the notebook can't be read") -> NotebookReadError:
    """Put the system's refusal in our words."""
    mend = "check the path"
    if isinstance(exc, PermissionError):
        mend = "allow reading it, or leave it out"
    elif isinstance(exc, FileNotFoundError):
        mend = "check the path; it counts from the folder where the command runs"
    cause = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
    return NotebookReadError(what, cause=cause[:1].lower() + cause[1:], mend=mend, location=_at(path))


def _not_regular(path: str | Path, mode: int) -> NotebookReadError:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    kind = kinds.get(stat.S_IFMT(mode), "no regular file")
    return NotebookReadError(
        "the notebook can't be read", cause=f"it is {kind}", mend="name a notebook file", location=_at(path)
    )


def _too_large(path: str | Path, size: int, max_bytes: int) -> NotebookReadError:
    return NotebookReadError(
        "the notebook is too large to read",
        cause=f"it has {size:,} bytes, and {max_bytes:,} are allowed",
        mend="clear its outputs, or raise max_bytes",
        location=_at(path),
    )


def _at(path: str | Path) -> Location:
    return Location(os.fspath(path).replace(os.sep, "/"))
