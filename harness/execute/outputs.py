"""What a notebook shows, up to a limit: one that prints a gigabyte costs neither pytest nor its kernel that much memory."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ipykernel.iostream import OutStream
from jupyter_client.session import Session, new_id

from harness.execute.job import ERROR_LIMIT, clipped, printable

CELL_LIMIT, RUN_LIMIT = 10 << 20, 30 << 20
"""How much of a cell's outputs is kept, and of a whole run's: as Databricks keeps of a cell, and of a job's notebook."""

LEAST = 1 << 10
"""What the smallest output counts as, so that a million of them end too."""

_METERED = frozenset(
    ("stream", "display_data", "update_display_data", "execute_result", "clear_output", "comm_open", "comm_msg", "comm_close")
)


class Meter:
    """Counts what a cell shows."""

    def __init__(self) -> None:
        self._of_run = RUN_LIMIT
        self._left = 0
        self._told = False
        self.is_full = False
        """Whether nothing more of this cell is kept, and it has been told so."""

    def begin(self) -> None:
        """Turn to the next cell."""
        self._left, self._told, self.is_full = min(CELL_LIMIT, self._of_run), False, False

    def take(self, size: int, *, whole: bool) -> int:
        """Count an output; gives how much of it is to be kept. Of one that is ``whole`` it is all or nothing."""
        kept = min(size, self._left)
        if whole and kept < size:
            return 0
        self._left -= kept
        self._of_run -= kept
        return kept

    def notice(self, size: int) -> str:
        """What to show in place of an output that doesn't fit; "" where the cell has been told so already."""
        if self._told:
            return ""
        self._told = True
        limit, of = (CELL_LIMIT, "a cell") if self._of_run > 0 else (RUN_LIMIT, "a run")
        what = f"an output of {size >> 20} MB" if size > limit else "what it shows from here on"
        return f"[{what} is left out: of {of}'s outputs the first {limit >> 20} MB are kept]\n"


METER = Meter()
"""That of this process, which runs one notebook."""


class Stream(OutStream):  # type: ignore[misc]  # the library has no types that mypy reads
    """``sys.stdout`` and ``sys.stderr``: what is over the limit is left out before it takes any room."""

    def write(self, string: str) -> int | None:
        """Write as much as fits."""
        if type(string) is not str or self.pub_thread is None:
            return self._write(string)
        size = len(string)
        if METER.is_full:  # first, for this may be asked a hundred million times
            return size
        kept = METER.take(size, whole=False)
        if kept == size:
            return self._write(string)
        METER.is_full = True
        notice = METER.notice(0)
        self._write(f"{string[:kept]}\n{notice}" if notice else string[:kept])
        return size

    def _write(self, string: str) -> int | None:
        written: int | None = super().write(string)
        return written

    def fileno(self) -> int:
        """The descriptor whose output is shown: what a child process is given to write to."""
        return int(getattr(self, "_original_stdstream_fd", None) or super().fileno())

    def _setup_stream_redirects(self, name: str) -> None:
        super()._setup_stream_redirects(name)
        # What comes through the descriptor is shown, and copied to where it went before: a log that nobody bounds.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._original_stdstream_copy)
        os.close(nothing)


class Messages(Session):  # type: ignore[misc]  # as above
    """Sends what a kernel has to tell, within the limits."""

    def begin(self) -> None:
        """Be that of this process: it was made before the fork, and each kernel's messages have a number of their own."""
        self.session, self.pid = new_id(), os.getpid()

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Send a message, or a notice in its place."""
        is_made = isinstance(msg_or_type, dict)
        kind = msg_or_type["msg_type"] if is_made else msg_or_type
        told = msg_or_type["content"] if is_made else content
        if kind in ("error", "execute_reply") and isinstance(told, dict):
            _clip(told)
        elif kind in _METERED and isinstance(told, dict):
            size = self._size(kind, told)
            if METER.take(size, whole=True) < size:
                notice = METER.notice(size)
                if not notice:
                    return None
                kind, told = "stream", {"name": "stdout", "text": notice}
                parent = msg_or_type["parent_header"] if is_made else kwargs.get("parent")
                return super().send(stream, kind, told, parent=parent, ident=b"stream.stdout")
        try:
            return super().send(stream, msg_or_type, content, *args, **kwargs)
        except UnicodeEncodeError:
            made = {**msg_or_type, "content": printable(told)} if is_made else msg_or_type
            return super().send(stream, made, printable(told), *args, **kwargs)

    def _size(self, kind: str, content: dict[str, Any]) -> int:
        """How much an output counts; a stream's text has been counted where it was written."""
        if kind == "stream":
            return max(LEAST - len(content.get("text", "")), 0)
        size = 0
        for value in (*(content.get("data") or {}).values(), *(content.get("metadata") or {}).values()):
            size += len(value) if isinstance(value, (str, bytes)) else len(self.pack(value))
        return max(size, LEAST)


def keep_no_copy(shell: Any) -> None:
    """Have IPython not remember all that is printed: it does so for saving a session as a notebook, without a bound."""
    shell._tee = lambda channel: contextlib.nullcontext()  # noqa: ARG005, SLF001 -- there is no setting for it


def _clip(content: dict[str, Any]) -> None:
    if "evalue" in content:
        content["evalue"] = clipped(content["evalue"])
    if "traceback" in content:
        left = ERROR_LIMIT
        lines = []
        for line in content["traceback"]:
            lines.append(clipped(line, max(left, 0)) if left > 0 else "")
            left -= len(lines[-1])
        content["traceback"] = [line for line in lines if line]
