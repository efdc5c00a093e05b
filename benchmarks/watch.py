"""Record every side effect of reading and loading notebooks, and whose it is: an audit hook and a tap on what is printed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# Changes of files, processes, network, environment. Reading files and importing native libraries are no side effects.
_EVENTS = frozenset(
    {
        "os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod",
        "os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.chdir", "os.fchdir", "os.putenv", "os.unsetenv",
        "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile", "os.kill",
        "os.killpg", "shutil.copyfile", "shutil.copymode", "shutil.copystat", "shutil.copytree", "shutil.move",
        "shutil.rmtree", "shutil.make_archive", "shutil.unpack_archive", "subprocess.Popen", "socket.connect",
        "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
        "urllib.Request", "ftplib.connect", "smtplib.connect", "sqlite3.connect", "tempfile.mkstemp",
        "tempfile.mkdtemp", "webbrowser.open", "signal.pthread_kill", "_thread.start_new_thread",
    }
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

NOTEBOOK, MODULE, LIBRARY, OURS = "notebook statement", "module of the corpus", "imported library", "harness"


class Effect(NamedTuple):
    """One side effect: whose, which audit event (or "print"), on what, and the notebook's line."""

    whose: str
    event: str
    what: str
    place: str


class Watch:
    """Switch recording on with ``with watch:``; an audit hook can't be taken out again, only told to be silent."""

    def __init__(self, is_notebook: Callable[[str], bool], root: str) -> None:
        self.effects: list[Effect] = []
        self._is_notebook = is_notebook
        self._root = root + os.sep
        self._on = False
        self._streams: tuple[Any, Any] = (None, None)
        self._taps = (_Tap(self), _Tap(self))
        sys.addaudithook(self._hook)

    def __enter__(self) -> Self:
        self._streams = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = self._taps
        self._on = True
        return self

    def __exit__(self, *exc: object) -> None:
        self._on = False
        sys.stdout, sys.stderr = self._streams

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            path, mode, flags = (*args, None, None)[:3]
            writes = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (isinstance(flags, int) and flags & _WRITING)
            if writes and str(path) != os.devnull:
                self.note("open for writing", str(path))
        elif event in _EVENTS:
            self.note(event, ", ".join(repr(arg)[:80] for arg in args[:2]))

    def note(self, event: str, what: str) -> None:
        """Record an effect that is happening now."""
        on, self._on = self._on, False
        try:
            whose, place = self._whose(sys._getframe(1))  # noqa: SLF001 - an audit hook has no other way to its caller
            self.effects.append(Effect(whose, event, what[:160], place))
        finally:
            self._on = on

    def _whose(self, frame: FrameType | None) -> tuple[str, str]:
        """The innermost of these decides: an import in progress, a notebook's frame, a module of the corpus."""
        importing = local = False
        while frame is not None:
            file = frame.f_code.co_filename
            if self._is_notebook(file):
                place = f"{file}:{frame.f_lineno}"
                return (MODULE if local else LIBRARY if importing else NOTEBOOK), place
            importing = importing or file.startswith("<frozen importlib")
            local = local or (file.startswith(self._root) and "site-packages" not in file)
            frame = frame.f_back
        return (LIBRARY if importing else OURS), ""


def _is_within(module: str) -> bool:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - an audit hook has no other way to its caller
    while frame is not None:
        if frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False


class _Tap:
    """A stream that records what is written to it instead of showing it."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def write(self, text: str) -> int:
        """Record a print."""
        if text.strip():
            self._watch.note("warning" if _is_within("warnings") else "print", text.strip())
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """A tap is no terminal."""
        return False

    def fileno(self) -> int:
        """Refuse: the tap has no file."""
        raise OSError("a tap has no file")
